"""Says once that a thing fails, and once that it is over: not with every call."""

import logging
import threading
import time
from typing import Any

import sqlalchemy as sa

log = logging.getLogger(__name__)

# So long nothing must have failed: a database may take what is read and refuse what is written.
RECOVERY_QUIET_PERIOD = 2.0  # seconds
# While it lasts, it is said again so often.
REMINDER_INTERVAL = 60.0  # seconds


def includeme(config: Any) -> None:
    """Let views tell ``request.registry["trouble"]`` that the database has failed.

    ``request.registry["trouble.logs"]`` hears the same of the files of access logs.
    """
    config.registry["trouble.logs"] = OutageLog("writing access logs")
    trouble = config.registry["trouble"] = OutageLog("the database")
    engine = config.registry["db.sessions"].kw["bind"]
    sa.event.listen(engine, "commit", lambda connection: trouble.worked())


class OutageLog:
    """What is wrong with one thing, as seen by all threads of a process.

    :param what: the subject of the sentences.
    """

    def __init__(self, what: str) -> None:
        self._what = what
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
            elif now - self._said < REMINDER_INTERVAL:
                return
            self._said = now
            calls = self._calls
        reason = " ".join(str(error).split())
        log.error("%s failed: %s (calls refused so far: %d)", self._what, reason, calls)

    def worked(self) -> None:
        """Note that a call has gone well."""
        if not self._calls:
            return
        now = time.monotonic()
        with self._lock:
            if not self._calls or now - self._last < RECOVERY_QUIET_PERIOD:
                return
            calls, self._calls = self._calls, 0
            seconds = self._last - self._began
        log.warning("the database works again: %d calls were refused within %.1f s", calls, seconds)
