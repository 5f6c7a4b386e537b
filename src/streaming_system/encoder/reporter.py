"""Keeps one tracker up to date."""

import contextlib
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streaming_system.encoder.board import Board, Picture
from streaming_system.encoder.config import Agent
from streaming_system.encoder.figures import Warnings, differs
from streaming_system.encoder.pause import Pause
from streaming_system.encoder.tracker import Refused, Rejected, Tracker, Unreachable

log = logging.getLogger(__name__)

# How long a room is left alone that the tracker does not take.
AFTER_REJECTION = 60.0


@dataclass
class Told:
    """What a tracker was last told of a room, and when it wants to hear of it again."""

    report: Mapping[str, Any]
    at: float
    due: float


class Reporter(threading.Thread):
    """Tells a tracker what is on the board: what is new at once, the rest when it is due."""

    def __init__(self, tracker: Tracker, agent: Agent, board: Board, stop: threading.Event) -> None:
        super().__init__(name=f"tracker {tracker.url}", daemon=True)
        self.tracker = tracker
        self.refused: str = ""
        self.trouble: str = ""
        self.taken = 0
        self.failed = 0
        self.last: float | None = None
        self._agent, self._board, self._stop_event = agent, board, stop
        self._told: dict[str, Told] = {}
        self._left_alone: dict[str, float] = {}
        self._pause = Pause()
        self._speaking = threading.Lock()
        self._warnings = Warnings()

    @property
    def rooms(self) -> tuple[str, ...]:
        """The rooms that the tracker believes to be streamed from here."""
        return tuple(self._told)

    def run(self) -> None:
        version = -1
        while not self._stop_event.is_set() and not self.refused:
            version = self._board.wait(version, self._idle())
            with self._speaking:
                self.round()

    def round(self) -> None:
        """Tell the tracker all that it should know by now."""
        picture = self._board.picture()
        try:
            self._tell(picture)
            for room in [r for r in self._told if r not in picture.reports]:
                if room not in picture.held and not self._waiting():
                    self.tracker.goodbye(room, self._agent.name)
                    del self._told[room]
                    log.info("%s: %s is not streamed from here any more", self.tracker.url, room)
        except Refused as refusal:
            self.refused = self.trouble = str(refusal)
        except Unreachable as failure:
            self._failed(failure)
        except Exception as error:
            # Whatever it is, the next report may go well; without this thread there is none.
            log.debug("a report to %s failed", self.tracker.url, exc_info=True)
            self._failed(Unreachable(f"{self.tracker.url}: {type(error).__name__}: {error!s:.200}"))

    def _tell(self, picture: Picture) -> None:
        for room, report in picture.reports.items():
            if self._stop_event.is_set() or self._waiting():
                return
            now = time.monotonic()
            if self._left_alone.get(room, 0) > now or not self._is_due(room, report, now):
                continue
            try:
                taken = self.tracker.report(room, self._agent.name, report)
            except Rejected as rejection:
                self._leave_alone(room, str(rejection))
                continue
            except Refused as refusal:
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
        return now >= told.at + self._agent.interval / 2 and differs(report, told.report)

    def _note(self, room: str, report: Mapping[str, Any], after: float | None, now: float) -> None:
        if room not in self._told:
            log.info("%s: %s is streamed from here", self.tracker.url, room)
        self._told[room] = Told(report, now, now + (after or self._agent.interval))
        self._left_alone.pop(room, None)
        self._pause.end()
        self.trouble = ""
        self.taken += 1
        self.last = time.monotonic()
        self._warnings.good(self.tracker.url)
        self._warnings.good(f"{self.tracker.url} {room}")

    def _leave_alone(self, room: str, line: str) -> None:
        self.failed += 1
        self._left_alone[room] = time.monotonic() + AFTER_REJECTION
        self._warnings.say(f"{self.tracker.url} {room}", line)

    def _failed(self, failure: Unreachable) -> None:
        self.failed += 1
        self.trouble = str(failure)
        self._pause.begin(failure.after)
        self._warnings.say(self.tracker.url, str(failure))

    def _waiting(self) -> bool:
        return self._pause.left() > 0

    def _idle(self) -> float:
        """Return for how long nothing has to be done, unless the board changes."""
        if (left := self._pause.left()) > 0:
            return left
        now = time.monotonic()
        moments = [told.due for told in self._told.values()]
        moments += [moment for moment in self._left_alone.values() if moment > now]
        return min(max(min(moments, default=now + 60) - now, 0.05), 60)

    def farewell(self, until: float) -> None:
        """Say goodbye: first that nobody shall come any more, then that all is over.

        :param until: by the monotonic clock; what was not said by then is left unsaid.
        """
        # A report that is on its way would bring back what has said goodbye.
        calm = self._speaking.acquire(timeout=max(0.0, until - time.monotonic() - 0.8))
        try:
            if self._told and not self.refused:
                self._leave(until)
        except (Refused, Unreachable) as failure:
            log.warning("%s: could not say goodbye: %s", self.tracker.url, failure)
        finally:
            if calm:
                self._speaking.release()

    def _leave(self, until: float) -> None:
        name = self._agent.name
        for room, told in self._told.items():
            left = until - time.monotonic()
            if left > 0.8:
                draining = {**told.report, "draining": True}
                # Who could not be told this can still be told that it is over.
                with contextlib.suppress(Unreachable):
                    self.tracker.report(room, name, draining, within=left / 2)
        for room in list(self._told):
            left = until - time.monotonic()
            if left > 0.05:
                self.tracker.goodbye(room, name, within=left)
                del self._told[room]
