"""Hands in lines to one tracker."""

import logging
import threading
import time

from streaming_system.encoder.calls import Refused, Rejected, TooLarge, Unreachable
from streaming_system.encoder.figures import Warnings
from streaming_system.encoder.logs.batch import Batch
from streaming_system.encoder.logs.database import SpoolError
from streaming_system.encoder.logs.spool import Spool
from streaming_system.encoder.pause import Pause
from streaming_system.encoder.tracker import FormTracker

log = logging.getLogger(__name__)

# A tracker writes lines to its disk before it answers.
WITHIN = 60.0
# How long a room is left alone whose lines the tracker does not take.
AFTER_REJECTION = 60.0
# So few bytes are too many for nobody.
SMALL = 8 * 1024


class Sender(threading.Thread):
    """Hands in what is in the spool to a tracker, room by room, until it is told to stop.

    :param most: how many bytes are handed in at once.
    """

    def __init__(
        self, tracker: FormTracker, spool: Spool, most: int, stop: threading.Event
    ) -> None:
        super().__init__(name=f"logs to {tracker.url}", daemon=True)
        self.tracker = tracker
        self.refused = ""
        self.trouble = ""
        self.taken = 0
        self.failed = 0
        self.lines = 0
        self.not_taken = 0
        self.last: float | None = None
        self._spool, self._most, self._stop_event = spool, most, stop
        self._left_alone: dict[str, float] = {}
        self._troubles: dict[str, str] = {}
        self._pause = Pause()
        self._warnings = Warnings()
        self._told_dropped = 0

    def run(self) -> None:
        version = -1
        while not self._stop_event.is_set() and not self.refused:
            left = self._pause.left()
            if left > 0:
                self._stop_event.wait(left)
                version = -1
            else:
                version = self._spool.wait(version, AFTER_REJECTION / 2)
                self.round()

    def round(self) -> None:
        """Hand in all that there is, as long as the tracker takes it."""
        try:
            self._spool.settle()
            more = True
            while more:
                more = False
                for room in self._spool.rooms():
                    more |= self._next_of(room)
        except Refused as refusal:
            self.refused = self.trouble = str(refusal)
        except Unreachable as failure:
            self._failed(failure)
        except SpoolError as error:
            self._failed(Unreachable(str(error)))
        except Exception as error:
            # Whatever it is, it may go well later; without this thread nothing goes.
            log.debug("handing in to %s failed", self.tracker.url, exc_info=True)
            self._failed(Unreachable(f"{self.tracker.url}: {type(error).__name__}: {error!s:.200}"))

    def _next_of(self, room: str) -> bool:
        """Hand in the next lines of a room; return whether there may be more."""
        if self._stop_event.is_set() or self._left_alone.get(room, 0) > time.monotonic():
            return False
        batch = self._spool.batch(self.tracker.url, room, self._most)
        if batch is None:
            return False
        there = False
        try:
            self.tracker.logs(room, batch.lines, within=WITHIN)
            there = True
        except TooLarge as refusal:
            return self._too_large(batch, refusal)
        except Rejected as refusal:
            self._leave_alone(room, str(refusal))
            return False
        finally:
            if not there:
                self._spool.returned(batch)
        self._good(batch)
        # Even if this cannot be saved now, the lines are not handed in again.
        self._spool.acknowledged(batch)
        return True

    def _good(self, batch: Batch) -> None:
        self.taken += 1
        self.lines += batch.count
        self.last = time.monotonic()
        self._pause.end()
        self._left_alone.pop(batch.room, None)
        self._troubles.pop(batch.room, None)
        self.trouble = next(iter(self._troubles.values()), "")
        self._warnings.good(self.tracker.url)
        self._warnings.good(f"{self.tracker.url} {batch.room}")
        dropped = self._spool.dropped[self.tracker.url]
        if dropped > self._told_dropped:
            log.warning(
                "%s: %d lines were dropped while it took none: the spool was full",
                self.tracker.url,
                dropped - self._told_dropped,
            )
            self._told_dropped = dropped

    def _too_large(self, batch: Batch, refusal: TooLarge) -> bool:
        size = len(batch.lines)
        if size < SMALL:
            # That is no matter of size.
            self._leave_alone(batch.room, str(refusal))
            return False
        if batch.count > 1:
            # It may be a proxy's limit; one that is lower than ours is found soon.
            self._most = size // 2
            log.warning("%s; from now on, half as much is handed in at once", refusal)
        else:
            self.not_taken += 1
            log.warning("%s; this line of %d bytes is dropped", refusal, size)
            self._spool.acknowledged(batch)
        return True

    def _leave_alone(self, room: str, line: str) -> None:
        self.failed += 1
        self.trouble = self._troubles[room] = line
        self._left_alone[room] = time.monotonic() + AFTER_REJECTION
        self._warnings.say(f"{self.tracker.url} {room}", line)

    def _failed(self, failure: Unreachable) -> None:
        self.failed += 1
        self.trouble = str(failure)
        self._pause.begin(failure.after)
        self._warnings.say(self.tracker.url, str(failure))
