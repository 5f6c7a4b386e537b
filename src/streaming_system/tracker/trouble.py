"""Says once that the database fails, and once that it is over: not with every call."""

import logging
import threading
import time
from typing import Any

import sqlalchemy as sa

log = logging.getLogger(__name__)

# So long nothing must have failed: a database may take what is read and refuse what is written.
QUIET = 2.0  # seconds
# While it lasts, it is said again so often.
REMIND = 60.0  # seconds


def includeme(config: Any) -> None:
    """Let views tell ``request.registry["trouble"]`` that the database has failed."""
    trouble = config.registry["trouble"] = Trouble()
    engine = config.registry["db.sessions"].kw["bind"]
    sa.event.listen(engine, "commit", lambda connection: trouble.worked())


class Trouble:
    """What is wrong with the database as seen by all threads of a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began = self._last = self._said = 0.0
        self._calls = 0

    def failed(self, error: BaseException) -> None:
        """Note that a call has failed."""
        now = time.monotonic()
        with self._lock:
            self._calls += 1
            self._last = now
            if self._calls == 1:
                self._began = now
            elif now - self._said < REMIND:
                return
            self._said = now
            calls = self._calls
        reason = " ".join(str(error).split())
        log.error("the database failed: %s (calls that were refused so far: %d)", reason, calls)

    def worked(self) -> None:
        """Note that something has been committed."""
        if not self._calls:
            return
        now = time.monotonic()
        with self._lock:
            if not self._calls or now - self._last < QUIET:
                return
            calls, self._calls = self._calls, 0
            seconds = self._last - self._began
        log.warning("the database works again: %d calls were refused within %.1f s", calls, seconds)
