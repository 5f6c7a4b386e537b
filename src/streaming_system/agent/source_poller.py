"""Polls one source periodically."""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain

from streaming_system.agent.access_log_viewers import ViewerWindow
from streaming_system.agent.liveness import CHECKERS
from streaming_system.agent.open_checks import find_open_checks, is_certain, is_connected
from streaming_system.agent.source_registry import ConfiguredSource
from streaming_system.agent.source_state import SourceStateStore
from streaming_system.agent.stats import ValidatedStats, empty_stats, validate_stats
from streaming_system.plugin.stats_source import MountStats, SourceError
from streaming_system.util.log_once import LogOnce

log = logging.getLogger(__name__)

# Until the number of connected checks is certain.
MAX_ATTEMPTS, RETRY_SECONDS = 8, 0.5


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
        self.close()

    def close(self) -> None:
        """Close the access log."""
        if self._viewers:
            self._viewers.close()

    def poll(self) -> None:
        """Read the source once."""
        config = self._source.config
        self._source.probe.start_poll()
        try:
            stats, connected = self._fetch()
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

    def _fetch(self) -> tuple[Sequence[MountStats], Mapping[str, int]]:
        """Return the stats, and the number of checks that were connected to each mount."""
        for attempt in range(MAX_ATTEMPTS):
            if attempt:
                # Checks have begun or ended: it is unknown whether the server counted them.
                self._stop_event.wait(RETRY_SECONDS)
            before = self._connected_checks()
            stats = list(self._source.source.fetch(self._source.probe))
            after = self._connected_checks()
            has_certain_number = before == after and all(map(is_certain, chain(*before.values())))
            if has_certain_number or not any(each.includes_checks for each in stats):
                break
        return stats, {
            mount: sum(map(is_connected, names & after[mount])) for mount, names in before.items()
        }

    def _connected_checks(self) -> Mapping[str, frozenset[str]]:
        """Return the names of the checks that are connected to each mount, as viewers are."""
        return {
            stream.mount: find_open_checks(filter(None, (stream.mount, stream.url)))
            for stream in self._source.config.streams
            if stream.format not in CHECKERS
        }

    def _without_checks(
        self, validated: ValidatedStats, connected: Mapping[str, int]
    ) -> ValidatedStats:
        """Return the stats without checks."""
        mounts = {}
        for mount, stats in validated.mounts.items():
            checker = self._states.checkers.get((self._source.config.name, mount))
            has_session = checker is not None and checker.has_session
            mounts[mount] = stats.without_checks(
                connections=connected.get(mount, 0), sessions=int(has_session)
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
