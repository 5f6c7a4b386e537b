"""Whether the database can be used: asked over a connection of its own, and never for long."""

import logging
import threading
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from streaming_system.web.health import NotReadyError

log = logging.getLogger(__name__)

# The last of alembic/versions, which are not installed with the program. A test compares.
REVISION = "a94c1f6e2d70"
READINESS_TIMEOUT = 1.0  # seconds
# By then a database that hangs has been left, so that the next look can begin.
PROBE_TIMEOUT = 2  # seconds
MIGRATION_HINT = "run make migrate"


def includeme(config: Any) -> None:
    """Let views ask ``request.registry["readiness"]``."""
    engine = config.registry["db.sessions"].kw["bind"]
    config.registry["readiness"] = Readiness(engine.url)


class Readiness:
    """Looks at the database. There is one look at a time, however many ask and whatever hangs."""

    def __init__(self, url: sa.URL) -> None:
        # Neither the connections of requests nor their settings: those may all be waiting.
        self._engine = sa.create_engine(
            url, poolclass=sa.NullPool, connect_args=_timeout_args(url.get_driver_name())
        )
        self._lock = threading.Lock()
        self._look: _ReadinessProbe | None = None
        self._said = ""

    def check(self) -> str:
        """Return the revision of a database that can be used.

        :raises NotReady: if it cannot, or does not say so in time.
        """
        with self._lock:
            if self._look is None or self._look.ended.is_set():
                self._look = _ReadinessProbe(self._engine)
            look = self._look
        look.ended.wait(look.begun + READINESS_TIMEOUT - time.monotonic())
        try:
            self._judge(look)
        except NotReadyError as reason:
            self._note(str(reason), look.error)
            raise
        self._note("", None)
        return REVISION

    def _judge(self, look: "_ReadinessProbe") -> None:
        if not look.ended.is_set():
            raise NotReadyError("the database has not answered within a second")
        if isinstance(look.error, (sa.exc.DBAPIError, FileNotFoundError)):
            raise NotReadyError("the database cannot be used: is it running, and is its URL right?")
        if look.error is not None:
            raise look.error
        if not look.revisions:
            raise NotReadyError(f"the database has not been migrated: {MIGRATION_HINT}")
        if look.revisions != {REVISION}:
            found = ", ".join(sorted(look.revisions))
            raise NotReadyError(
                f"the database is at revision {found}, and this version needs {REVISION}: {MIGRATION_HINT}"
            )

    def _note(self, reason: str, error: BaseException | None) -> None:
        """Log what has changed: it is asked for every few seconds."""
        with self._lock:
            before, self._said = self._said, reason
        if reason and reason != before:
            log.error("not ready: %s (%s)", reason, getattr(error, "orig", None) or error or "-")
        elif before and not reason:
            log.info("ready again")


class _ReadinessProbe:
    """One question to the database, in a thread that nobody has to wait for."""

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
            # Whoever waits raises it.
            self.error = error
        finally:
            self.ended.set()


def _fetch_revisions(engine: sa.Engine) -> set[str]:
    sqlite = engine.dialect.name == "sqlite"
    if sqlite and engine.url.database and not Path(engine.url.database).is_file():
        # Asking would create an empty file.
        raise FileNotFoundError("the file of the database is not there")
    with engine.connect() as connection:
        if not sqlite:
            connection.exec_driver_sql(f"SET statement_timeout = {PROBE_TIMEOUT * 1000}")
        if not sa.inspect(connection).has_table("alembic_version"):
            return set()
        return set(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars())


def _timeout_args(driver: str) -> dict[str, Any]:
    """Return what ends a connection whose other end is silent."""
    if driver in ("psycopg", "psycopg2"):
        return {"connect_timeout": PROBE_TIMEOUT, "tcp_user_timeout": PROBE_TIMEOUT * 1000}
    return {"timeout": PROBE_TIMEOUT} if driver == "pysqlite" else {}
