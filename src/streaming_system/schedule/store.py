"""Reads the schedule file for the pages, again whenever it has been replaced."""

import logging
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from streaming_system.schedule.model import Schedule
from streaming_system.schedule.storage import ScheduleFileError, deserialize_schedule

log = logging.getLogger(__name__)


# Thousands of requests a second need not all look: these many within so many seconds do.
STAT_BUDGET, STAT_INTERVAL = 8, 0.01


class ScheduleStore:
    """The schedule file. A broken or missing one never takes the last good schedule away.

    Looking is cheap (one ``stat``), so every request may ask; any thread may.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._schedule = Schedule()
        self._seen: tuple[int, ...] | None = None
        self._problem = ""
        self._looked, self._looks = 0.0, 0

    def current(self) -> Schedule:
        """Return the newest schedule; an empty one before the first import."""
        now = time.monotonic()
        if now - self._looked > STAT_INTERVAL:
            self._looked, self._looks = now, 0
        self._looks += 1
        if self._looks > STAT_BUDGET:
            return self._schedule
        state = self._state()
        if state != self._seen:
            with self._lock:
                if state != self._seen:
                    self._read()
                    self._seen = state
        return self._schedule

    def written(self) -> datetime:
        """Return when the file was written.

        :raises ScheduleFileError: if the newest file cannot be read, with why, but not its path;
            pages show the one before, if there was one.
        """
        self.current()
        try:
            status = self.path.stat()
        except OSError as error:
            raise ScheduleFileError(_describe_error(error)) from None
        if self._problem:
            raise ScheduleFileError(self._problem)
        return datetime.fromtimestamp(status.st_mtime, UTC)

    def _state(self) -> tuple[int, ...] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        # The last one changes, too, when somebody lets us read it.
        return status.st_ino, status.st_mtime_ns, status.st_size, status.st_ctime_ns

    def _read(self) -> None:
        try:
            self._schedule = deserialize_schedule(self.path.read_text(encoding="utf-8"))
            self._problem = ""
        except (OSError, UnicodeDecodeError, ScheduleFileError) as error:
            log.warning("%s: %s; the schedule read last stays in service", self.path, error)
            self._problem = _describe_error(error)


def _describe_error(error: Exception) -> str:
    """Return one line that does not say where the file lies."""
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror}"
    if isinstance(error, UnicodeDecodeError):
        return "cannot be read: it is not UTF-8"
    return " ".join(str(error).split())
