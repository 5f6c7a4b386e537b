"""Tells one tracker what is streamed from here."""

import contextlib
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streaming_system.agent.config import AgentConfig
from streaming_system.agent.source_state import SourceStateStore
from streaming_system.agent.stats import is_significant_change
from streaming_system.agent.tracker_client import (
    ReportRejectedError,
    TrackerClient,
    TrackerUnavailableError,
    UnauthorizedError,
)
from streaming_system.agent.tracker_sender import TrackerSender

log = logging.getLogger(__name__)


@dataclass
class LastReport:
    """What a tracker was last told of a room, and when it wants to hear of it again."""

    report: Mapping[str, Any]
    at: float
    due: float


class EndpointReporter(TrackerSender):
    """Tells a tracker what is on the board: what is new at once, the rest when it is due."""

    def __init__(
        self,
        tracker: TrackerClient,
        agent: AgentConfig,
        board: SourceStateStore,
        stop: threading.Event,
    ) -> None:
        super().__init__(tracker, board, stop)
        self._agent, self._board = agent, board
        self._told: dict[str, LastReport] = {}

    @property
    def rooms(self) -> tuple[str, ...]:
        """The rooms that the tracker believes to be streamed from here."""
        return tuple(self._told)

    def speak(self) -> None:
        """Tell the tracker all that it should know by now.

        :raises TrackerError: if it does not listen.
        """
        picture = self._board.picture()
        # Who is silent for a minute is gone: of what is not known now, the last word is said again.
        last = {room: told.report for room, told in self._told.items() if room in picture.held}
        self._tell({**picture.reports, **last})
        for room in [r for r in self._told if r not in picture.reports]:
            if room not in picture.held:
                self.tracker.goodbye(room, self._agent.name)
                del self._told[room]
                log.info("%s: %s is not streamed from here any more", self.tracker.url, room)

    def due(self) -> float:
        """Return when the next room has to be reported again."""
        return min((told.due for told in self._told.values()), default=time.monotonic() + 60)

    def _tell(self, reports: Mapping[str, Mapping[str, Any]]) -> None:
        for room, report in reports.items():
            if self._stop_event.is_set():
                return
            now = time.monotonic()
            if self._is_left_alone(room, now) or not self._is_due(room, report, now):
                continue
            try:
                taken = self.tracker.report(room, self._agent.name, report)
            except ReportRejectedError as rejection:
                self._leave_alone(room, str(rejection))
                continue
            except UnauthorizedError as refusal:
                # A token may be for one of several rooms; but one that is good for nothing is
                # a mistake that somebody has to mend.
                if not (refusal.known and self.taken):
                    raise
                self._leave_alone(room, str(refusal))
                continue
            self._note(room, report, taken.after, now)

    def _is_due(self, room: str, report: Mapping[str, Any], now: float) -> bool:
        told = self._told.get(room)
        if told is None or now >= told.due:
            return True
        # Several sources of a room are read one after the other.
        return now >= told.at + self._agent.interval / 2 and is_significant_change(
            report, told.report
        )

    def _note(self, room: str, report: Mapping[str, Any], after: float | None, now: float) -> None:
        if room not in self._told:
            log.info("%s: %s is streamed from here", self.tracker.url, room)
        self._told[room] = LastReport(report, now, now + (after or self._agent.interval))
        self._good(room)

    def leave(self, until: float) -> None:
        """Say goodbye: first that nobody shall come any more, then that all is over."""
        name = self._agent.name
        for room, told in self._told.items():
            left = until - time.monotonic()
            if left > 0.8:
                draining = {**told.report, "draining": True}
                # Who could not be told this can still be told that it is over.
                with contextlib.suppress(TrackerUnavailableError):
                    self.tracker.report(room, name, draining, within=left / 2)
        for room in list(self._told):
            left = until - time.monotonic()
            if left > 0.05:
                self.tracker.goodbye(room, name, within=left)
                del self._told[room]
