"""Reads one source again and again."""

import logging
import threading
import time

from streaming_system.agent.access_log_viewers import ViewerWindow
from streaming_system.agent.source_registry import ConfiguredSource
from streaming_system.agent.source_state import SourceStateStore
from streaming_system.agent.stats import ValidatedStats, validate_stats
from streaming_system.plugin.stats_source import SourceError
from streaming_system.util.log_once import LogOnce

log = logging.getLogger(__name__)


class SourcePoller(threading.Thread):
    """Reads a source every ``interval`` seconds, and puts what it says on the board."""

    def __init__(
        self,
        prepared: ConfiguredSource,
        board: SourceStateStore,
        interval: float,
        stop: threading.Event,
    ) -> None:
        super().__init__(name=f"source {prepared.config.name}", daemon=True)
        self._prepared, self._board, self._interval, self._stop_event = (
            prepared,
            board,
            interval,
            stop,
        )
        self._warnings = LogOnce(log)
        access = prepared.config.access
        self._window = ViewerWindow(access, prepared.config.streams) if access else None

    def run(self) -> None:
        due = time.monotonic()
        while not self._stop_event.is_set():
            self.read()
            # After a pause of the whole machine, nothing is made up for.
            due = max(due + self._interval, time.monotonic())
            self._stop_event.wait(due - time.monotonic())

    def read(self) -> None:
        """Read the source once."""
        config, source, probe = self._prepared.config, self._prepared.source, self._prepared.probe
        probe.begin()
        try:
            readings = list(source.read(probe))
            checked = validate_stats(config.name, config.streams, readings, self._warnings)
            checked = self._with_audience(checked)
        except SourceError as error:
            self._failed(str(error))
        except Exception as error:
            # A plugin is a stranger's code, and servers say what nobody has thought of.
            log.debug("source %s failed", config.name, exc_info=True)
            self._failed(f"{type(error).__name__}: {error!s:.200}")
        else:
            self._warnings.resolve(config.name)
            self._board.good(config.name, checked)

    def _failed(self, trouble: str) -> None:
        line = " ".join(trouble.split())[:300]
        self._warnings.warn(self._prepared.config.name, line)
        self._board.bad(self._prepared.config.name, line)

    def _with_audience(self, checked: ValidatedStats) -> ValidatedStats:
        """Return the figures with viewers from the access log, where there is one."""
        if self._window is None:
            return checked
        about = f"{self._prepared.config.name} access.log"
        try:
            audience = self._window.count()
        except OSError as error:
            self._warnings.warn(about, f"cannot be read: {error.strerror}")
            return checked
        self._warnings.resolve(about)
        return ValidatedStats(
            figures={
                mount: one.with_audience(audience[mount].clients, audience[mount].sent)
                for mount, one in checked.figures.items()
            },
            doubtful=checked.doubtful,
        )
