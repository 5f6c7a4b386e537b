"""Reads the schedule file for the pages, again whenever it has been replaced."""

import logging
import threading
from pathlib import Path

from streaming_system.schedule.file import ScheduleFileError, loads
from streaming_system.schedule.model import Schedule

log = logging.getLogger(__name__)


class ScheduleFile:
    """The schedule file. A broken or missing one never takes the last good schedule away.

    Looking is cheap (one ``stat``), so every request may ask; any thread may.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._schedule = Schedule()
        self._seen: tuple[int, int, int] | None = None

    def current(self) -> Schedule:
        """Return the newest schedule; an empty one before the first import."""
        state = self._state()
        if state != self._seen:
            with self._lock:
                if state != self._seen:
                    self._read()
                    self._seen = state
        return self._schedule

    def _state(self) -> tuple[int, int, int] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

    def _read(self) -> None:
        try:
            self._schedule = loads(self.path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, ScheduleFileError) as error:
            log.warning("%s: %s; the schedule read last stays in service", self.path, error)
