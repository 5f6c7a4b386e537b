"""What is known at the moment of all servers, from those who read it to those who report it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from streaming_system.agent.config import AgentConfig
from streaming_system.agent.source_registry import ConfiguredSource
from streaming_system.agent.stats import ValidatedMountStats, ValidatedStats, build_reports
from streaming_system.util.versioned_condition import ChangeNotifier

# A server that could not be read so often in a row is gone, and so are its streams.
MAX_CONSECUTIVE_FAILURES = 3


@dataclass
class SourceState:
    """How it stands with one source.

    :param failures: how often in a row it could not be read.
    :param heard: when it was last read, or seen not to answer, by the monotonic clock.
    """

    checked: ValidatedStats = field(default_factory=ValidatedStats)
    failures: int = 0
    heard: float | None = None
    trouble: str = ""


@dataclass(frozen=True, kw_only=True)
class ReportSnapshot:
    """What trackers shall know.

    :param reports: of every room that is streaming.
    :param held: rooms of which it is not known at the moment: what was said last shall stand.
    """

    reports: Mapping[str, Mapping[str, Any]]
    held: frozenset[str]


class SourceStateStore(ChangeNotifier):
    """Takes what was read of each source, and says what follows for the rooms."""

    def __init__(self, agent: AgentConfig, sources: tuple[ConfiguredSource, ...]) -> None:
        super().__init__()
        self._agent = agent
        self._sources = {one.config.name: one for one in sources}
        kinds = dict.fromkeys(one.source.name for one in sources)
        self._software = f"streaming-system agent: {', '.join(kinds)}"[:200]
        self._standings = {name: SourceState() for name in self._sources}
        self._doubts: dict[tuple[str, str], int] = {}

    def good(self, source: str, checked: ValidatedStats) -> None:
        """Take what a source says."""
        with self._changed:
            # A server may say nonsense of a mount for a while, and not for ever.
            self._doubts = {
                key: count
                for key, count in self._doubts.items()
                if key[0] != source or key[1] in checked.doubtful
            }
            for mount in checked.doubtful:
                self._doubts[source, mount] = self._doubts.get((source, mount), 0) + 1
            self._standings[source] = SourceState(checked=checked, heard=time.monotonic())
            self._tell()

    def bad(self, source: str, trouble: str) -> None:
        """Take that a source cannot be read."""
        with self._changed:
            standing = self._standings[source]
            standing.failures += 1
            standing.heard = time.monotonic()
            standing.trouble = trouble
            self._tell()

    def picture(self) -> ReportSnapshot:
        """Return what trackers shall know."""
        with self._changed:
            held = set()
            figures: list[ValidatedMountStats] = []
            for name, standing in self._standings.items():
                streams = self._sources[name].config.streams
                if self._unclear(standing):
                    held |= {stream.room for stream in streams}
                elif not self._gone(standing):
                    figures += standing.checked.figures.values()
                    held |= {
                        stream.room
                        for stream in streams
                        if 0 < self._doubts.get((name, stream.mount), 0) < MAX_CONSECUTIVE_FAILURES
                    }
            told = build_reports(self._agent, self._software, figures)
        return ReportSnapshot(
            reports={room: report for room, report in told.items() if room not in held},
            held=frozenset(held),
        )

    def standings(self) -> Mapping[str, SourceState]:
        """Return how it stands with each source."""
        with self._changed:
            return dict(self._standings)

    def _gone(self, standing: SourceState) -> bool:
        return standing.failures >= MAX_CONSECUTIVE_FAILURES or self._silent(standing)

    def _unclear(self, standing: SourceState) -> bool:
        if standing.heard is None:
            return True
        return 0 < standing.failures < MAX_CONSECUTIVE_FAILURES and not self._silent(standing)

    def _silent(self, standing: SourceState) -> bool:
        """Tell whether even the one who reads has not come back for long."""
        longest = MAX_CONSECUTIVE_FAILURES * self._agent.interval + 15
        return standing.heard is not None and time.monotonic() - standing.heard > longest
