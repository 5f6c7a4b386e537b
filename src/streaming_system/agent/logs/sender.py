"""Sends log lines to one tracker."""

import logging
import math
import threading
import time

from streaming_system.agent.legacy_tracker_client import LegacyTrackerClient
from streaming_system.agent.logs.batch import LineBatch
from streaming_system.agent.logs.database import SpoolError
from streaming_system.agent.logs.spool import Spool
from streaming_system.agent.tracker_http import (
    PayloadTooLargeError,
    ReportRejectedError,
    TrackerUnavailableError,
)
from streaming_system.agent.tracker_sender import TrackerSender

log = logging.getLogger(__name__)

# A tracker writes the lines to its disk before it responds.
UPLOAD_TIMEOUT = 60.0
# If a tracker rejects a batch of less than this size as too large, smaller batches do not help.
MIN_SPLIT_BYTES = 8 * 1024


class LogSender(TrackerSender):
    """Sends the lines in the spool to a tracker, room by room.

    :param max_batch_bytes: limit of one upload, in form encoding.
    """

    tracker: LegacyTrackerClient
    # There is no deregistration; the rest of the shutdown time is for closing the spool.
    deregister_reserve = 0.4

    def __init__(
        self,
        tracker: LegacyTrackerClient,
        spool: Spool,
        max_batch_bytes: int,
        stop: threading.Event,
    ) -> None:
        super().__init__(tracker, spool, stop)
        self.lines = 0
        self.rejected_lines = 0
        self._spool, self._max_batch_bytes = spool, max_batch_bytes
        self._room_problems: dict[str, str] = {}

    def send_pending(self) -> None:
        """Send all lines.

        :raises TrackerError: if the tracker or the spool is unavailable.
        """
        try:
            self._spool.flush_acks()
            has_more = True
            while has_more:
                has_more = False
                for room in self._spool.rooms():
                    has_more |= self._send_next_batch(room)
        except SpoolError as error:
            raise TrackerUnavailableError(str(error)) from None

    def next_due(self) -> float:
        """Return infinity: without new lines, nothing is due."""
        return math.inf

    def deregister(self, deadline: float) -> None:
        """Do nothing: unsent lines stay in the spool."""

    def _send_next_batch(self, room: str) -> bool:
        """Send the next lines of a room; return whether there may be more."""
        if self._stop_event.is_set() or self._is_rejected(room, time.monotonic()):
            return False
        batch = self._spool.next_batch(self.tracker.url, room, self._max_batch_bytes)
        if batch is None:
            return False
        was_accepted = False
        try:
            self.tracker.send_logs(room, batch.lines, batch=batch.name, timeout=UPLOAD_TIMEOUT)
            was_accepted = True
        except PayloadTooLargeError as error:
            return self._handle_too_large(batch, error)
        except ReportRejectedError as error:
            self._record_rejection(room, str(error))
            return False
        finally:
            if not was_accepted:
                self._spool.nack(batch)
        self.lines += batch.count
        self._record_success(room)
        # If saving fails, the acknowledgement is still valid in this process.
        self._spool.ack(batch)
        return True

    def _record_success(self, about: str) -> None:
        super()._record_success(about)
        self._room_problems.pop(about, None)
        self.problem = next(iter(self._room_problems.values()), "")
        if dropped := self._spool.unreported_drops(self.tracker.url):
            log.warning(
                "%s: %d lines were dropped because the spool was full", self.tracker.url, dropped
            )

    def _handle_too_large(self, batch: LineBatch, error: PayloadTooLargeError) -> bool:
        """Split the batch, or drop a line that is too long; return whether to send again."""
        size = len(batch.lines)
        if size < MIN_SPLIT_BYTES:
            self._record_rejection(batch.room, str(error))
            return False
        if batch.count > 1:
            # The limit of a proxy in between is unknown; halving finds it.
            self._max_batch_bytes = size // 2
            log.warning("%s; the batch size is halved from now on", error)
        else:
            self.rejected_lines += 1
            log.warning("%s; this line of %d bytes is dropped", error, size)
            self._spool.ack(batch)
        return True

    def _record_rejection(self, about: str, line: str) -> None:
        super()._record_rejection(about, line)
        # /healthz reports it until the tracker accepts the room again.
        self.problem = self._room_problems[about] = line
