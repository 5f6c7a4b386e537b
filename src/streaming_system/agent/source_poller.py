"""Polls one source periodically."""

import logging
import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain

from streaming_system.agent.access_log_viewers import ViewerWindow
from streaming_system.agent.liveness import CHECKERS
from streaming_system.agent.open_checks import find_open_checks, is_certain, is_connected
from streaming_system.agent.source_registry import ConfiguredSource, fetch_mounts
from streaming_system.agent.source_state import SourceStateStore
from streaming_system.agent.stats import (
    ValidatedStats,
    empty_stats,
    replace_lost_mounts,
    validate_stats,
)
from streaming_system.plugin.stats_source import InvalidResponseError, MountStats, SourceError
from streaming_system.util.json_object import FieldProblems
from streaming_system.util.log_once import LogOnce
from streaming_system.util.unexpected_error import describe_unexpected_error

log = logging.getLogger(__name__)

MAX_PROBLEM_CHARS = 200
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
        config, probe = self._source.config, self._source.probe
        try:
            stats, connected = self._fetch()
            stats = replace_lost_mounts(stats, config.slates)
            validated = validate_stats(config.name, config.streams, stats, self._warnings)
            validated = self._without_checks(validated, connected)
            validated = self._with_viewers(validated)
        except InvalidResponseError as error:
            self._record_invalid_response(str(error))
        except SourceError as error:
            self._record_failure(str(error))
        except Exception as error:
            # Plugins and servers may fail in any way.
            log.debug("source %s failed", config.name, exc_info=True)
            problem = describe_unexpected_error(error)
            self._record_failure(f"the source type {self._source.source.name} has an {problem}")
        else:
            self._warnings.resolve(config.name)
            self._warnings.record(f"{config.name} response", probe.problems)
            self._log_slates(validated)
            self._states.record_success(config.name, self._with_unknown(validated, probe.problems))

    def _log_slates(self, validated: ValidatedStats) -> None:
        for mount, stats in validated.mounts.items():
            subject = f"{self._source.config.name} {mount} input"
            if stats.raw.slate:
                self._warnings.warn(subject, "is lost; viewers get the slate")
            else:
                self._warnings.resolve(subject)

    def _record_invalid_response(self, problem: str) -> None:
        """Record a response that is not that of the server's type: perhaps it is another server."""
        source, url = self._source, self._source.probe.options.get("url", "")
        line = problem if not url or url in problem else f"{url}: {problem}"
        key = "url" if url else next(iter(source.probe.options), "use")
        hint = (
            f"expected stats of {source.source.name}, so check {key} in "
            f"[source:{source.config.name}]"
        )
        # Numbers, such as positions in the response, change from poll to poll.
        self._record_failure(f"{line[:MAX_PROBLEM_CHARS]}; {hint}", re.sub(r"\d+", "", line))

    def _with_unknown(self, validated: ValidatedStats, problems: FieldProblems) -> ValidatedStats:
        """Mark missing mounts as invalid if one of them may be the invalid part of the response."""
        if not problems:
            return validated
        configured = {stream.mount for stream in self._source.config.streams}
        missing = configured - validated.mounts.keys()
        return replace(validated, invalid_mounts=validated.invalid_mounts | missing)

    def _record_failure(self, problem: str, fault: str = "") -> None:
        line = " ".join(problem.split())[: 2 * MAX_PROBLEM_CHARS]
        self._warnings.warn(self._source.config.name, line, fault=fault)
        viewers = self._with_viewers(ValidatedStats())
        self._states.record_failure(self._source.config.name, line, viewers)

    def _fetch(self) -> tuple[Sequence[MountStats], Mapping[str, int]]:
        """Return the stats, and the number of checks that were connected to each mount."""
        for attempt in range(MAX_ATTEMPTS):
            if attempt:
                # Checks have begun or ended: it is unknown whether the server counted them.
                self._stop_event.wait(RETRY_SECONDS)
            before = self._connected_checks()
            stats = fetch_mounts(self._source.source, self._source.probe)
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
