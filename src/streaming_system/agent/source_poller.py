"""Polls one source periodically."""

import logging
import threading
import time
from collections.abc import Collection
from dataclasses import replace

from streaming_system.agent.access_log_viewers import ViewerWindow
from streaming_system.agent.source_registry import ConfiguredSource
from streaming_system.agent.source_state import SourceStateStore
from streaming_system.agent.stats import ValidatedStats, empty_stats, validate_stats
from streaming_system.plugin.stats_source import SourceError
from streaming_system.util.log_once import LogOnce

log = logging.getLogger(__name__)


class SourcePoller(threading.Thread):
    """Polls a source every ``interval`` seconds and stores the validated stats."""

    def __init__(
        self,
        source: ConfiguredSource,
        states: SourceStateStore,
        interval: float,
        stop: threading.Event,
    ) -> None:
        super().__init__(name=f"source {source.config.name}", daemon=True)
        self._source, self._states, self._interval = source, states, interval
        self._stop_event = stop
        self._warnings = LogOnce(log)
        access_log = source.config.access_log
        self._viewers = ViewerWindow(access_log, source.config.streams) if access_log else None

    def run(self) -> None:
        due = time.monotonic()
        while not self._stop_event.is_set():
            self.poll()
            # After a suspend, missed polls are skipped rather than executed in a burst.
            due = max(due + self._interval, time.monotonic())
            self._stop_event.wait(due - time.monotonic())

    def poll(self) -> None:
        """Read the source once."""
        config, probe = self._source.config, self._source.probe
        probe.start_poll()
        try:
            connected = self._connected_checks()
            stats = list(self._source.source.fetch(probe))
            # A check that connects or disconnects meanwhile is probably not in the stats.
            connected &= self._connected_checks()
            validated = validate_stats(config.name, config.streams, stats, self._warnings)
            validated = self._without_checks(validated, connected)
            validated = self._with_viewers(validated)
        except SourceError as error:
            self._record_failure(str(error))
        except Exception as error:
            # Plugins and servers may fail in any way.
            log.debug("source %s failed", config.name, exc_info=True)
            self._record_failure(f"{type(error).__name__}: {error!s:.200}")
        else:
            self._warnings.resolve(config.name)
            self._states.record_success(config.name, validated)

    def _record_failure(self, problem: str) -> None:
        line = " ".join(problem.split())[:300]
        self._warnings.warn(self._source.config.name, line)
        viewers = self._with_viewers(ValidatedStats())
        self._states.record_failure(self._source.config.name, line, viewers)

    def _connected_checks(self) -> frozenset[str]:
        """Return the mounts to which checks of this agent are connected as viewers are."""
        return frozenset(
            mount
            for (source, mount), checker in self._states.checkers.items()
            if source == self._source.config.name and checker.has_connection
        )

    def _without_checks(
        self, validated: ValidatedStats, connected: Collection[str]
    ) -> ValidatedStats:
        """Return the stats without the checks of this agent."""
        mounts = {}
        for mount, stats in validated.mounts.items():
            checker = self._states.checkers.get((self._source.config.name, mount))
            mounts[mount] = (
                stats
                if checker is None
                else stats.without_checks(
                    connections=int(mount in connected),
                    sessions=int(checker.loads_segments and checker.status.is_playing),
                )
            )
        return replace(validated, mounts=mounts)

    def _with_viewers(self, validated: ValidatedStats) -> ValidatedStats:
        """Return the stats with the viewers that the access log has, if there is one."""
        if self._viewers is None:
            return validated
        subject = f"{self._source.config.name} access.log"
        try:
            viewers = self._viewers.count()
        except OSError as error:
            self._warnings.warn(subject, f"cannot be read: {error.strerror}")
            return validated
        self._warnings.resolve(subject)
        listed = dict(validated.mounts)
        for stream in self._source.config.streams:
            # The access log has viewers of a stream that the server does not list, too.
            if (self._source.config.name, stream.mount) in self._states.checkers:
                listed.setdefault(stream.mount, empty_stats(stream))
        mounts = {
            mount: stats.with_logged_viewers(viewers[mount].clients, viewers[mount].sent)
            for mount, stats in listed.items()
        }
        return replace(validated, mounts=mounts)
