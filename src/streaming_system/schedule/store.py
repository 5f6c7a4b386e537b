"""Caches the schedule file for the pages, and reloads it after each import."""

import logging
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from streaming_system.schedule.model import Schedule
from streaming_system.schedule.storage import ScheduleFileError, deserialize_schedule

log = logging.getLogger(__name__)

# Under load, only STAT_BUDGET calls per STAT_INTERVAL (seconds) stat the file.
STAT_BUDGET, STAT_INTERVAL = 8, 0.01


class ScheduleStore:
    """The cached schedule file; if a new file is missing or invalid, the previous schedule stays.

    A call costs one ``stat``, so each request can call it. Thread-safe.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._schedule = Schedule()
        self._loaded_state: tuple[int, ...] | None = None
        self._error = ""
        self._interval_start, self._stat_count = 0.0, 0

    def current(self) -> Schedule:
        """Return the latest schedule; an empty one before the first import."""
        now = time.monotonic()
        if now - self._interval_start > STAT_INTERVAL:
            self._interval_start, self._stat_count = now, 0
        self._stat_count += 1
        if self._stat_count > STAT_BUDGET:
            return self._schedule
        state = self._file_state()
        if state != self._loaded_state:
            with self._lock:
                if state != self._loaded_state:
                    self._load()
                    self._loaded_state = state
        return self._schedule

    def modified_at(self) -> datetime:
        """Return the modification time of the file.

        :raises ScheduleFileError: if the latest file is missing or invalid, also while pages show
            the previous schedule. The message does not contain the path.
        """
        self.current()
        try:
            status = self.path.stat()
        except OSError as error:
            raise ScheduleFileError(_describe_error(error)) from None
        if self._error:
            raise ScheduleFileError(self._error)
        return datetime.fromtimestamp(status.st_mtime, UTC)

    def _file_state(self) -> tuple[int, ...] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        # st_ctime_ns also changes when the file becomes readable.
        return status.st_ino, status.st_mtime_ns, status.st_size, status.st_ctime_ns

    def _load(self) -> None:
        try:
            self._schedule = deserialize_schedule(self.path.read_text(encoding="utf-8"))
            self._error = ""
        except (OSError, UnicodeDecodeError, ScheduleFileError) as error:
            self._error = _describe_error(error)
            log.warning("%s: %s; the previous schedule stays in service", self.path, self._error)


def _describe_error(error: Exception) -> str:
    """Return an error in one line without the path of the file."""
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror}"
    if isinstance(error, UnicodeDecodeError):
        return "cannot be read: it is not UTF-8"
    return " ".join(str(error).split())
