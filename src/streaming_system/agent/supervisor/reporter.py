"""Tells one tracker how the parts of this machine are, how they were, and what was done."""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from streaming_system.agent.supervisor.config import ComponentConfig
from streaming_system.agent.supervisor.event_log import ComponentLog, LogSlice, PastState
from streaming_system.agent.tracker_client import (
    ComponentTrackerClient,
    ReportRejectedError,
    TrackerUnavailableError,
    UnauthorizedError,
)
from streaming_system.agent.tracker_sender import TrackerSender

log = logging.getLogger(__name__)

# So many fit into one report beside all parts.
MAX_HISTORY_ENTRIES = 150
ANNOTATIONS = "annotations"


class PipelineReporter(TrackerSender):
    """Tells a tracker what has changed at once, and all of it each interval.

    A report is of all parts of one kind, and of one room where the tracker knows rooms.
    """

    tracker: ComponentTrackerClient

    def __init__(
        self,
        tracker: ComponentTrackerClient,
        machine: str,
        interval: float,
        parts: Sequence[ComponentConfig],
        journal: ComponentLog,
        stop: threading.Event,
    ) -> None:
        super().__init__(tracker, journal, stop)
        self._machine, self._interval, self._journal = machine, interval, journal
        self._groups: dict[tuple[str, str], list[str]] = {}
        for part in parts:
            key = (part.kind, part.room if tracker.by_room else "")
            self._groups.setdefault(key, []).append(part.name)
        # What the tracker knows already: up to which entry of the past, for each group.
        self._known = dict.fromkeys(self._groups, 0)
        self._noted = 0
        self._due = 0.0

    def speak(self) -> None:
        """Tell the tracker how everything is.

        :raises TrackerError: if it does not listen.
        """
        page = self._journal.page(min(self._known.values()), self._noted)
        refusals = []
        for key in self._groups:
            if self._stop_event.is_set():
                return
            about = _group_label(*key)
            if self._is_left_alone(about, time.monotonic()):
                continue
            try:
                self._report(key, page)
            except ReportRejectedError as rejection:
                self._leave_alone(about, str(rejection))
            except UnauthorizedError as refusal:
                # A token may be for the parts of one of several rooms.
                if not refusal.known:
                    raise
                refusals.append(refusal)
                self._leave_alone(about, str(refusal))
            else:
                self._good(about)
        if refusals and not self.taken:
            raise refusals[0]
        self._annotate(page)
        self._due = time.monotonic() + self._interval

    def due(self) -> float:
        """Return when all of it is told again."""
        return self._due

    def leave(self, until: float) -> None:
        """Take the parts out: nobody looks at them any more."""
        for kind, room in self._groups:
            left = until - time.monotonic()
            if left > 0.05 and not self._is_left_alone(_group_label(kind, room), time.monotonic()):
                gone: Mapping[str, Any] = {"kind": kind, "room": room or None, "components": []}
                self.tracker.components(self._machine, gone, within=left)

    def _report(self, key: tuple[str, str], page: LogSlice) -> None:
        (kind, room), names = key, self._groups[key]
        past = [
            (number, entry)
            for number, entry in page.past
            if number > self._known[key] and entry.name in names
        ]
        while True:
            now, past = past[:MAX_HISTORY_ENTRIES], past[MAX_HISTORY_ENTRIES:]
            report = {
                "kind": kind,
                "room": room or None,
                "components": [_component_json(page, name) for name in names],
                "history": [_history_json(entry) for _, entry in now],
            }
            self.tracker.components(self._machine, report)
            if now:
                self._known[key] = now[-1][0]
            if not past:
                break

    def _annotate(self, page: LogSlice) -> None:
        if not self.tracker.annotated or self._is_left_alone(ANNOTATIONS, time.monotonic()):
            return
        for number, note in page.notes:
            if self._stop_event.is_set():
                return
            try:
                self.tracker.annotate(note.label, room=note.room or None, at=note.at)
            except (ReportRejectedError, UnauthorizedError) as refusal:
                # How things are is told all the same.
                self._warnings.warn(f"{self.tracker.url} {ANNOTATIONS}", str(refusal))
                self.failed += 1
            except TrackerUnavailableError as failure:
                self._leave_alone(ANNOTATIONS, str(failure))
                return
            self._noted = number


def _group_label(kind: str, room: str) -> str:
    return f"{kind} of {room}" if room else kind


def _component_json(page: LogSlice, name: str) -> Mapping[str, Any]:
    state = page.states[name]
    since = _format_time(state.since)
    return {"name": name, "mood": state.mood, "since": since, "detail": state.detail}


def _history_json(past: PastState) -> Mapping[str, Any]:
    since = _format_time(past.since)
    return {"name": past.name, "mood": past.mood, "since": since, "seconds": past.seconds}


def _format_time(at: datetime) -> str:
    # The same moment is the same text in every report, which is how repeats are known.
    return at.astimezone(UTC).isoformat(timespec="milliseconds")
