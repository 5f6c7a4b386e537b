"""Thread-safe store of the latest stats of each source; pollers write, reporters read.

A stream with a check is registered while the check finds it playing; the stats of its server are
then only numbers. Without a check, a stream is registered while its server lists it.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from streaming_system.agent.config import AgentConfig, StreamConfig
from streaming_system.agent.ingest_health import VideoMeasurement, add_ingest
from streaming_system.agent.liveness import StreamChecker
from streaming_system.agent.source_registry import ConfiguredSource
from streaming_system.agent.stats import (
    EndpointKey,
    ValidatedMountStats,
    ValidatedStats,
    build_reports,
    empty_stats,
    endpoint_key,
)
from streaming_system.util.versioned_condition import ChangeNotifier

# After this many failed polls, the streams of a source count as ended.
MAX_CONSECUTIVE_FAILURES = 3
# Extra seconds before a poll that does not return counts as failed.
POLL_GRACE = 15.0
# How long the last stats of a stream that plays are used if its server does not list it.
LAST_STATS_TTL = 30.0


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

    :param reports: by endpoint, of each endpoint that is streaming.
    :param unknown: endpoints whose state is unknown: their last report stays valid.
    """

    reports: Mapping[EndpointKey, Mapping[str, Any]]
    unknown: frozenset[EndpointKey]


class SourceStateStore(ChangeNotifier):
    """Stores the states of all sources, and derives the reports of the endpoints.

    :param checkers: by source and mount.
    """

    def __init__(
        self,
        agent: AgentConfig,
        sources: tuple[ConfiguredSource, ...],
        checkers: Mapping[tuple[str, str], StreamChecker],
    ) -> None:
        super().__init__()
        self._agent = agent
        self._sources = {source.config.name: source for source in sources}
        types = dict.fromkeys(source.source.name for source in sources)
        self._software = f"streaming-system agent: {', '.join(types)}"[:200]
        self._states = {name: SourceState() for name in self._sources}
        # Consecutive polls with invalid stats, by source and mount.
        self._invalid_counts: dict[tuple[str, str], int] = {}
        # The last stats by source and mount, and their monotonic time.
        self._last_stats: dict[tuple[str, str], tuple[ValidatedMountStats, float]] = {}
        self.checkers = checkers
        self._measurements: dict[StreamConfig, VideoMeasurement] = {}

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
            self._store_stats(source, validated)
            self._notify()

    def record_failure(self, source: str, problem: str, viewers: ValidatedStats) -> None:
        """Count a failed poll.

        :param viewers: that were counted elsewhere.
        """
        with self._changed:
            self._store_stats(source, viewers)
            state = self._states[source]
            state.failures += 1
            state.polled_at = time.monotonic()
            state.problem = problem
            self._notify()

    def _store_stats(self, source: str, validated: ValidatedStats) -> None:
        now = time.monotonic()
        for mount, stats in validated.mounts.items():
            self._last_stats[source, mount] = (stats, now)

    def snapshot(self) -> ReportSnapshot:
        """Return the reports of this moment."""
        with self._changed:
            unknown = {
                endpoint_key(stream)
                for name, source in self._sources.items()
                for stream in source.config.streams
                if self._is_stream_unknown(name, stream)
            }
            stats = list(self._playing_streams().values())
            reports = add_ingest(
                build_reports(self._agent, self._software, stats), stats, self._measurements
            )
        return ReportSnapshot(
            reports={key: report for key, report in reports.items() if key not in unknown},
            unknown=frozenset(unknown),
        )

    def playing_streams(self) -> Mapping[tuple[str, str], ValidatedMountStats]:
        """Return the stats of the streams that play, by source and mount."""
        with self._changed:
            return self._playing_streams()

    def _playing_streams(self) -> dict[tuple[str, str], ValidatedMountStats]:
        stats = {
            (name, stream.mount): self._stream_stats(name, stream)
            for name, source in self._sources.items()
            for stream in source.config.streams
        }
        return {key: mount for key, mount in stats.items() if mount}

    def _is_stream_unknown(self, source: str, stream: StreamConfig) -> bool:
        if checker := self.checkers.get((source, stream.mount)):
            return not checker.status.is_known
        if self._is_unknown(self._states[source]):
            return True
        count = self._invalid_counts.get((source, stream.mount), 0)
        return 0 < count < MAX_CONSECUTIVE_FAILURES and not self._is_gone(self._states[source])

    def _stream_stats(self, source: str, stream: StreamConfig) -> ValidatedMountStats | None:
        """Return the stats of a stream; ``None`` if it does not play."""
        state = self._states[source]
        checker = self.checkers.get((source, stream.mount))
        if checker is None:
            return None if self._is_gone(state) else state.validated.mounts.get(stream.mount)
        if not checker.status.is_playing:
            return None
        stats, at = self._last_stats.get((source, stream.mount), (None, 0.0))
        if stats is None or time.monotonic() - at > LAST_STATS_TTL:
            return empty_stats(stream)
        return stats

    def record_measurement(
        self, stream: StreamConfig, measurement: VideoMeasurement | None
    ) -> None:
        """Store what was measured in a stream; ``None`` if nothing is known any more."""
        with self._changed:
            if measurement is None:
                self._measurements.pop(stream, None)
            else:
                self._measurements[stream] = measurement

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
