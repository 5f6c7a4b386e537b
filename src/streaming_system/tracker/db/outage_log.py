"""Logs an outage once when it begins, once a minute, and once when it ends."""

import logging
import threading
import time
from typing import Any

import sqlalchemy as sa

log = logging.getLogger(__name__)

# An outage ends when nothing has failed for this time: a database may accept reads but no writes.
RECOVERY_QUIET_PERIOD = 2.0  # seconds
REMINDER_INTERVAL = 60.0  # seconds


def includeme(config: Any) -> None:
    """Create ``request.registry["outage_log"]`` for the database.

    ``request.registry["outage_log.access_logs"]`` is for the files of access logs.
    """
    config.registry["outage_log.access_logs"] = OutageLog("writing access logs")
    outage_log = config.registry["outage_log"] = OutageLog("the database")
    engine = config.registry["db.sessions"].kw["bind"]
    sa.event.listen(engine, "commit", lambda connection: outage_log.record_success())


class OutageLog:
    """Counts the failed calls of one outage, across all threads of a process.

    :param subject: the subject of the log messages.
    """

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._lock = threading.Lock()
        self._first_failure = self._last_failure = self._last_logged = 0.0
        self._failures = 0

    def record_failure(self, error: BaseException) -> None:
        """Record a failed call."""
        now = time.monotonic()
        with self._lock:
            self._failures += 1
            self._last_failure = now
            if self._failures == 1:
                self._first_failure = now
            elif now - self._last_logged < REMINDER_INTERVAL:
                return
            self._last_logged = now
            failures = self._failures
        reason = " ".join(str(error).split())
        log.error("%s failed: %s (calls refused so far: %d)", self._subject, reason, failures)

    def record_success(self) -> None:
        """Record a successful call."""
        if not self._failures:
            return
        now = time.monotonic()
        with self._lock:
            if not self._failures or now - self._last_failure < RECOVERY_QUIET_PERIOD:
                return
            failures, self._failures = self._failures, 0
            seconds = self._last_failure - self._first_failure
        log.warning(
            "%s works again: %d calls were refused within %.1f s", self._subject, failures, seconds
        )
