"""Thread-safe store of the latest stats of each source; pollers write, reporters read."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from streaming_system.agent.config import AgentConfig
from streaming_system.agent.source_registry import ConfiguredSource
from streaming_system.agent.stats import ValidatedMountStats, ValidatedStats, build_reports
from streaming_system.util.versioned_condition import ChangeNotifier

# After this many failed polls, the streams of a source count as ended.
MAX_CONSECUTIVE_FAILURES = 3
# Extra seconds before a poll that does not return counts as failed.
POLL_GRACE = 15.0


@dataclass
class SourceState:
    """The latest state of one source.

    :param failures: consecutive failed polls.
    :param polled_at: monotonic time of the last poll, successful or not; ``None`` before the first.
    """

    validated: ValidatedStats = field(default_factory=ValidatedStats)
    failures: int = 0
    polled_at: float | None = None
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class ReportSnapshot:
    """The reports of one moment.

    :param reports: by room, of each room that is streaming.
    :param unknown_rooms: rooms whose state is unknown: their last report stays valid.
    """

    reports: Mapping[str, Mapping[str, Any]]
    unknown_rooms: frozenset[str]


class SourceStateStore(ChangeNotifier):
    """Stores the states of all sources, and derives the reports of the rooms."""

    def __init__(self, agent: AgentConfig, sources: tuple[ConfiguredSource, ...]) -> None:
        super().__init__()
        self._agent = agent
        self._sources = {source.config.name: source for source in sources}
        types = dict.fromkeys(source.source.name for source in sources)
        self._software = f"streaming-system agent: {', '.join(types)}"[:200]
        self._states = {name: SourceState() for name in self._sources}
        # Consecutive polls with invalid stats, by source and mount.
        self._invalid_counts: dict[tuple[str, str], int] = {}

    def record_success(self, source: str, validated: ValidatedStats) -> None:
        """Store the stats of a successful poll."""
        with self._changed:
            self._invalid_counts = {
                key: count
                for key, count in self._invalid_counts.items()
                if key[0] != source or key[1] in validated.invalid_mounts
            }
            for mount in validated.invalid_mounts:
                count = self._invalid_counts.get((source, mount), 0)
                self._invalid_counts[source, mount] = count + 1
            self._states[source] = SourceState(validated=validated, polled_at=time.monotonic())
            self._notify()

    def record_failure(self, source: str, problem: str) -> None:
        """Count a failed poll."""
        with self._changed:
            state = self._states[source]
            state.failures += 1
            state.polled_at = time.monotonic()
            state.problem = problem
            self._notify()

    def snapshot(self) -> ReportSnapshot:
        """Return the reports of this moment."""
        with self._changed:
            unknown_rooms = set()
            stats: list[ValidatedMountStats] = []
            for name, state in self._states.items():
                streams = self._sources[name].config.streams
                if self._is_unknown(state):
                    unknown_rooms |= {stream.room for stream in streams}
                elif not self._is_gone(state):
                    stats += state.validated.mounts.values()
                    unknown_rooms |= {
                        stream.room
                        for stream in streams
                        if 0
                        < self._invalid_counts.get((name, stream.mount), 0)
                        < MAX_CONSECUTIVE_FAILURES
                    }
            reports = build_reports(self._agent, self._software, stats)
        return ReportSnapshot(
            reports={room: report for room, report in reports.items() if room not in unknown_rooms},
            unknown_rooms=frozenset(unknown_rooms),
        )

    def states(self) -> Mapping[str, SourceState]:
        """Return the state of each source by name."""
        with self._changed:
            return dict(self._states)

    def _is_gone(self, state: SourceState) -> bool:
        return state.failures >= MAX_CONSECUTIVE_FAILURES or self._is_overdue(state)

    def _is_unknown(self, state: SourceState) -> bool:
        if state.polled_at is None:
            return True
        return 0 < state.failures < MAX_CONSECUTIVE_FAILURES and not self._is_overdue(state)

    def _is_overdue(self, state: SourceState) -> bool:
        """Return whether a poll hangs."""
        max_age = MAX_CONSECUTIVE_FAILURES * self._agent.interval + POLL_GRACE
        return state.polled_at is not None and time.monotonic() - state.polled_at > max_age
