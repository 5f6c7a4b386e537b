"""Reports component states and annotations to one tracker."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC
from typing import Any, Protocol

from streaming_system.agent.supervisor.event_log import (
    ComponentLog,
    CurrentState,
    LogSlice,
    PastState,
)
from streaming_system.agent.tracker_client import ComponentTrackerClient
from streaming_system.agent.tracker_http import (
    ReportRejectedError,
    TrackerUnavailableError,
    UnauthorizedError,
)
from streaming_system.agent.tracker_sender import TrackerSender

log = logging.getLogger(__name__)

# So many past states fit into one report beside all current states.
MAX_HISTORY_ENTRIES = 150
ANNOTATIONS = "annotations"
MAX_MACHINE_CHARS = 64
# Kind and room of the components of one report.
_Group = tuple[str, str]


class ReportedComponent(Protocol):
    """A component whose states are reported."""

    @property
    def name(self) -> str:
        """The name, unique on the machine."""

    @property
    def kind(self) -> str:
        """One of the API's kinds of components."""

    @property
    def room(self) -> str:
        """The room that it works for; "" for several."""


class PipelineReporter(TrackerSender):
    """Reports changes at once, and all states each interval.

    A report holds all components of one kind, and of one room if the tracker distinguishes rooms.

    :param components: returns the present components; those without a state are not reported yet.
    """

    tracker: ComponentTrackerClient

    def __init__(
        self,
        tracker: ComponentTrackerClient,
        machine: str,
        interval: float,
        components: Callable[[], Iterable[ReportedComponent]],
        component_log: ComponentLog,
        stop: threading.Event,
    ) -> None:
        super().__init__(tracker, component_log, stop)
        self._machine, self._interval, self._component_log = machine, interval, component_log
        self._components = components
        # The numbers of the last entries that the tracker has, by kind and room.
        self._sent_past: dict[_Group, int] = {}
        self._sent_annotations = 0
        self._due = 0.0

    def send_pending(self) -> None:
        """Send all current states, and the past states and annotations that are new.

        :raises TrackerError: if the tracker is unavailable or rejects the credentials.
        """
        self.tracker.compare_clocks()
        groups = self._current_groups()
        sent_past = min((self._sent_past.get(key, 0) for key in groups), default=0)
        entries = self._component_log.since(sent_past, self._sent_annotations)
        unauthorized = []
        # A group without components any more is reported once, to remove it.
        for key, names in {**dict.fromkeys(self._sent_past, ()), **groups}.items():
            if self._stop_event.is_set():
                return
            group = _group_label(*key)
            if self._is_rejected(group, time.monotonic()):
                continue
            try:
                self._send_group(key, [name for name in names if name in entries.states], entries)
            except ReportRejectedError as error:
                self._record_rejection(group, str(error))
            except UnauthorizedError as error:
                # The token may be valid for the components of other rooms.
                if not error.is_forbidden:
                    raise
                unauthorized.append(error)
                self._record_rejection(group, str(error))
            else:
                self._record_success(group)
                if key not in groups:
                    del self._sent_past[key]
        if unauthorized and not self.accepted:
            raise unauthorized[0]
        self._send_annotations(entries)
        self._due = time.monotonic() + self._interval

    def next_due(self) -> float:
        """Return when the next full report is due."""
        return self._due

    def _current_groups(self) -> dict[_Group, list[str]]:
        """Return the names of the components of each report."""
        groups: dict[_Group, list[str]] = {}
        for component in self._components():
            key = (component.kind, component.room if self.tracker.reports_by_room else "")
            groups.setdefault(key, []).append(component.name)
        return groups

    def deregister(self, deadline: float) -> None:
        """Remove the components from the tracker: they are not monitored any more."""
        for kind, room in self._sent_past:
            timeout = deadline - time.monotonic()
            if timeout > 0.05 and not self._is_rejected(_group_label(kind, room), time.monotonic()):
                report: Mapping[str, Any] = {"kind": kind, "room": room or None, "components": []}
                self.tracker.report_components(self._machine, report, timeout=timeout)

    def _send_group(self, key: _Group, names: Collection[str], entries: LogSlice) -> None:
        kind, room = key
        pending = [
            (number, past)
            for number, past in entries.past
            if number > self._sent_past.get(key, 0) and past.name in names
        ]
        while True:
            batch, pending = pending[:MAX_HISTORY_ENTRIES], pending[MAX_HISTORY_ENTRIES:]
            report = {
                "kind": kind,
                "room": room or None,
                "components": [self._component_json(entries.states[name]) for name in names],
                "history": [self._history_json(past) for _, past in batch],
            }
            self.tracker.report_components(self._machine, report)
            self._sent_past[key] = batch[-1][0] if batch else self._sent_past.get(key, 0)
            if not pending:
                break

    def _send_annotations(self, entries: LogSlice) -> None:
        if not self.tracker.supports_annotations or self._is_rejected(
            ANNOTATIONS, time.monotonic()
        ):
            return
        for number, annotation in entries.annotations:
            if self._stop_event.is_set():
                return
            try:
                at = self.tracker.clock.correct(annotation.at)
                self.tracker.annotate(annotation.label, room=annotation.room or None, at=at)
            except (ReportRejectedError, UnauthorizedError) as error:
                # Reports of states continue.
                self._warnings.warn(f"{self.tracker.url} {ANNOTATIONS}", str(error))
                self.failed += 1
            except TrackerUnavailableError as error:
                self._record_rejection(ANNOTATIONS, str(error))
                return
            self._sent_annotations = number

    def _component_json(self, state: CurrentState) -> Mapping[str, Any]:
        condition = {"condition": state.condition} if state.condition else {}
        return {
            "name": state.name,
            "mood": state.mood,
            "since": self._format_start(state),
            "detail": state.detail,
            **condition,
        }

    def _history_json(self, past: PastState) -> Mapping[str, Any]:
        since = self._format_start(past)
        return {"name": past.name, "mood": past.mood, "since": since, "seconds": past.seconds}

    def _format_start(self, state: CurrentState | PastState) -> str:
        # Trackers detect repeated entries by this text, so it is the same in every report.
        since = self.tracker.clock.correct(state.since, state.started_at)
        return since.astimezone(UTC).isoformat(timespec="milliseconds")


def _group_label(kind: str, room: str) -> str:
    return f"{kind} of {room}" if room else kind
