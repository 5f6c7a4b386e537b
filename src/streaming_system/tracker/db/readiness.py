"""Readiness of the database, checked over a separate connection with a timeout."""

import logging
import threading
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from streaming_system.web.health import NotReadyError

log = logging.getLogger(__name__)

# The latest revision in alembic/versions, which is not installed with the program. A test compares.
REVISION = "9d1c5e7a3b48"
READINESS_TIMEOUT = 1.0  # seconds
# Ends the probe of a hung database, so that the next probe can start.
PROBE_TIMEOUT = 2  # seconds
MIGRATION_HINT = "run make migrate, or streaming-system tracker migrate"


def includeme(config: Any) -> None:
    """Create ``request.registry["readiness"]``."""
    engine = config.registry["db.sessions"].kw["bind"]
    config.registry["readiness"] = Readiness(engine.url)


class Readiness:
    """Checks the database. Concurrent callers share one probe."""

    def __init__(self, url: sa.URL) -> None:
        # The pool of the requests may be exhausted.
        self._engine = sa.create_engine(
            url, poolclass=sa.NullPool, connect_args=_timeout_args(url.get_driver_name())
        )
        self._lock = threading.Lock()
        self._probe: _ReadinessProbe | None = None
        self._logged_reason = ""

    def check(self) -> str:
        """Return the revision of the database.

        :raises NotReadyError: if the database is unavailable, slow or at another revision.
        """
        with self._lock:
            if self._probe is None or self._probe.ended.is_set():
                self._probe = _ReadinessProbe(self._engine)
            probe = self._probe
        probe.ended.wait(probe.begun + READINESS_TIMEOUT - time.monotonic())
        try:
            self._evaluate(probe)
        except NotReadyError as reason:
            self._log_change(str(reason), probe.error)
            raise
        self._log_change("", None)
        return REVISION

    def _evaluate(self, probe: "_ReadinessProbe") -> None:
        if not probe.ended.is_set():
            raise NotReadyError("the database has not answered within a second")
        if isinstance(probe.error, (sa.exc.DBAPIError, FileNotFoundError)):
            raise NotReadyError("the database cannot be used: is it running, and is its URL right?")
        if probe.error is not None:
            raise probe.error
        if not probe.revisions:
            raise NotReadyError(f"the database has not been migrated: {MIGRATION_HINT}")
        if probe.revisions != {REVISION}:
            raise NotReadyError(
                f"the database is at revision {', '.join(sorted(probe.revisions))}, "
                f"and this version needs {REVISION}: {MIGRATION_HINT}"
            )

    def _log_change(self, reason: str, error: BaseException | None) -> None:
        """Log a change of the result; monitors check every few seconds."""
        with self._lock:
            previous, self._logged_reason = self._logged_reason, reason
        if reason and reason != previous:
            log.error("not ready: %s (%s)", reason, getattr(error, "orig", None) or error or "-")
        elif previous and not reason:
            log.info("ready again")


class _ReadinessProbe:
    """One check of the database in a thread, which callers can stop waiting for."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self.begun = time.monotonic()
        self.ended = threading.Event()
        self.revisions: set[str] = set()
        self.error: Exception | None = None
        threading.Thread(target=self._run, name="readiness", daemon=True).start()

    def _run(self) -> None:
        try:
            self.revisions = _fetch_revisions(self._engine)
        except Exception as error:
            # The callers raise it.
            self.error = error
        finally:
            self.ended.set()


def _fetch_revisions(engine: sa.Engine) -> set[str]:
    sqlite = engine.dialect.name == "sqlite"
    if sqlite and engine.url.database and not Path(engine.url.database).is_file():
        # Connecting would create an empty file.
        raise FileNotFoundError("the file of the database is not there")
    with engine.connect() as connection:
        if not sqlite:
            connection.exec_driver_sql(f"SET statement_timeout = {PROBE_TIMEOUT * 1000}")
        if not sa.inspect(connection).has_table("alembic_version"):
            return set()
        return set(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars())


def _timeout_args(driver: str) -> dict[str, Any]:
    """Return the driver's arguments for timeouts."""
    if driver in ("psycopg", "psycopg2"):
        return {"connect_timeout": PROBE_TIMEOUT, "tcp_user_timeout": PROBE_TIMEOUT * 1000}
    return {"timeout": PROBE_TIMEOUT} if driver == "pysqlite" else {}
