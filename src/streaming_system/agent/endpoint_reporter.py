"""Reports the endpoints of this machine to one tracker."""

import contextlib
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streaming_system.agent.config import AgentConfig
from streaming_system.agent.source_state import SourceStateStore
from streaming_system.agent.stats import EndpointKey, is_significant_change
from streaming_system.agent.tracker_client import TrackerClient
from streaming_system.agent.tracker_http import (
    NameTakenError,
    ReportRejectedError,
    TrackerUnavailableError,
    UnauthorizedError,
)
from streaming_system.agent.tracker_sender import MAX_WAIT, TrackerSender

log = logging.getLogger(__name__)

# Seconds that a shutdown needs for a draining report, and for a deregistration.
MIN_DRAIN_SECONDS, MIN_DEREGISTER_SECONDS = 0.8, 0.05
# Seconds until an endpoint whose name is taken is reported again: the other agent may end.
NAME_TAKEN_BACKOFF = 15.0


@dataclass
class LastReport:
    """The last report that the tracker accepted for an endpoint. Times are monotonic.

    :param due: when the tracker expects the next report.
    """

    report: Mapping[str, Any]
    at: float
    due: float


class EndpointReporter(TrackerSender):
    """Reports significant changes at once, and unchanged endpoints when they are due."""

    def __init__(
        self,
        tracker: TrackerClient,
        agent: AgentConfig,
        states: SourceStateStore,
        stop: threading.Event,
    ) -> None:
        super().__init__(tracker, states, stop)
        self._agent, self._states = agent, states
        self._reported: dict[EndpointKey, LastReport] = {}
        # Why the tracker refuses endpoints that another agent reports.
        self.name_clashes: dict[EndpointKey, str] = {}

    def send_pending(self) -> None:
        """Report endpoints that changed or are due, and deregister those that have ended.

        :raises TrackerError: if the tracker does not accept the reports.
        """
        snapshot = self._states.snapshot()
        # The tracker forgets an endpoint after a minute without a report, so the last report of an
        # endpoint in an unknown state is repeated.
        repeated = {
            key: last.report for key, last in self._reported.items() if key in snapshot.unknown
        }
        self._report({**snapshot.reports, **repeated})
        for key in self.name_clashes.keys() - snapshot.reports.keys():
            del self.name_clashes[key]
        for key in [key for key in self._reported if key not in snapshot.reports]:
            if key not in snapshot.unknown:
                self.tracker.deregister(key.room, key.name)
                del self._reported[key]
                log.info("%s: %s is not streamed from here any more", self.tracker.url, key.room)

    def next_due(self) -> float:
        """Return when the next endpoint has to be reported again."""
        return min(
            (last.due for last in self._reported.values()), default=time.monotonic() + MAX_WAIT
        )

    def _report(self, reports: Mapping[EndpointKey, Mapping[str, Any]]) -> None:
        for key, report in reports.items():
            if self._stop_event.is_set():
                return
            now = time.monotonic()
            is_rejected = self._is_rejected(key.room, now) or self._is_rejected(_label(key), now)
            if is_rejected or not self._is_due(key, report, now):
                continue
            try:
                ack = self.tracker.report(key.room, key.name, report)
            except NameTakenError as error:
                # The endpoint is the other agent's, so this one must not deregister it.
                self._reported.pop(key, None)
                self.name_clashes[key] = str(error)
                self._record_rejection(_label(key), str(error))
                self._rejected_until[_label(key)] = now + NAME_TAKEN_BACKOFF
                continue
            except ReportRejectedError as error:
                self._record_rejection(key.room, str(error))
                continue
            except UnauthorizedError as error:
                # A token may be valid for one of several rooms. A token that is valid for none of
                # them is a configuration error.
                if not (error.is_forbidden and self.accepted):
                    raise
                self._record_rejection(key.room, str(error))
                continue
            self._record_report(key, report, ack.report_interval, now)

    def _is_due(self, key: EndpointKey, report: Mapping[str, Any], now: float) -> bool:
        last = self._reported.get(key)
        if last is None or now >= last.due:
            return True
        # Half an interval batches the changes of a room's sources into one report.
        is_settled = now >= last.at + self._agent.interval / 2
        return is_settled and is_significant_change(report, last.report)

    def _record_report(
        self, key: EndpointKey, report: Mapping[str, Any], interval: float | None, now: float
    ) -> None:
        if key not in self._reported:
            log.info("%s: %s is streamed from here", self.tracker.url, key.room)
        if self.name_clashes.pop(key, ""):
            self._resolve_rejection(_label(key))
        self._reported[key] = LastReport(report, now, now + (interval or self._agent.interval))
        self._record_success(key.room)

    def deregister(self, deadline: float) -> None:
        """Drain all endpoints, then deregister them."""
        for key, last in self._reported.items():
            remaining = deadline - time.monotonic()
            if remaining > MIN_DRAIN_SECONDS:
                draining = {**last.report, "draining": True}
                # If this fails, the deregistration may still succeed.
                with contextlib.suppress(TrackerUnavailableError):
                    self.tracker.report(key.room, key.name, draining, timeout=remaining / 2)
        for key in list(self._reported):
            remaining = deadline - time.monotonic()
            if remaining > MIN_DEREGISTER_SECONDS:
                self.tracker.deregister(key.room, key.name, timeout=remaining)
                del self._reported[key]


def _label(key: EndpointKey) -> str:
    return f"{key.name} in {key.room}"
