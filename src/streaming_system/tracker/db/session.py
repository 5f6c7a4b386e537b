"""Database sessions: one per request, each with one transaction."""

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import zope.sqlalchemy
from sqlalchemy.orm import Session, sessionmaker
from zope.sqlalchemy.datamanager import STATUS_CHANGED

from streaming_system.tracker.models import Base
from streaming_system.tracker.settings import StartupError
from streaming_system.util.private_files import remove_permissions_of_others

SETUP_HINT = "run make initdb, or streaming-system tracker migrate"
_ALLOWED_URLS = "allowed: sqlite:////path/to/file or postgresql+psycopg://user:password@host/name"
DATABASE_LABEL = "the database of sqlalchemy.url in the ini file"


def includeme(config: Any) -> None:
    """Add ``request.db``, a session whose transaction ends with the request."""
    # explicit_manager detects the use of a closed transaction. annotate_user would authenticate
    # each request, although most come from programs without a session.
    config.add_settings(
        {
            "tm.manager_hook": "pyramid_tm.explicit_manager",
            "tm.annotate_user": "false",
            "tm.activate_hook": "streaming_system.tracker.db.session.has_session",
        }
    )
    config.include("pyramid_tm")
    engine = make_engine(config.get_settings())
    try:
        require_tables(engine)
    except StartupError:
        engine.dispose()
        raise
    config.registry["db.sessions"] = sessionmaker(engine)
    config.add_request_method(_open_session, "db", reify=True)


# These requests share a transaction: see ingest.report_ingest.
_SESSIONLESS_PATHS = re.compile(r"/endpoint/register|/api/v1/rooms/[^/]+/playback")


def has_session(request: Any) -> bool:
    """Return whether a request may use ``request.db``; the two most frequent kinds may not."""
    environ = request.environ
    return (
        environ["REQUEST_METHOD"] != "POST"
        or _SESSIONLESS_PATHS.fullmatch(environ.get("PATH_INFO", "")) is None
    )


def _open_session(request: Any) -> Session:
    session: Session = request.registry["db.sessions"]()
    # Without this state, it would roll back transactions that write without models.
    zope.sqlalchemy.register(session, initial_state=STATUS_CHANGED, transaction_manager=request.tm)
    return session


def make_engine(settings: Mapping[str, Any]) -> sa.Engine:
    """Create the engine for ``sqlalchemy.url``.

    :raises StartupError: if the URL is invalid.
    """
    if not settings.get("sqlalchemy.url"):
        raise StartupError("the ini file lacks the key sqlalchemy.url in [app:tracker]")
    try:
        options = {
            key: value
            for key, value in settings.items()
            if key.startswith("sqlalchemy.") and not key.startswith("sqlalchemy.replica.")
        }
        url = sa.make_url(options["sqlalchemy.url"])
        if url.get_driver_name() in ("psycopg", "psycopg2"):
            # A restart of the server breaks pooled connections.
            options.setdefault("sqlalchemy.pool_pre_ping", True)
            # libpq does not know it; psycopg takes it as an argument.
            options["sqlalchemy.url"] = url.difference_update_query(["prepare_threshold"])
            options["sqlalchemy.connect_args"] = {
                **{
                    key: value for key, value in CONNECTION_TIMEOUTS.items() if key not in url.query
                },
                **_prepare_threshold(url),
                **options.get("sqlalchemy.connect_args", {}),
            }
        engine = sa.engine_from_config(options, "sqlalchemy.")
    except ImportError as error:
        if error.name == "psycopg" or "pq wrapper" in str(error):
            raise StartupError(
                "sqlalchemy.url in the ini file: the driver of PostgreSQL is not installed; run "
                "pip install 'streaming-system[postgresql]'"
            ) from None
        raise StartupError(f"sqlalchemy.url in the ini file: {error}; {_ALLOWED_URLS}") from None
    except (sa.exc.ArgumentError, TypeError, ValueError) as error:
        # An invalid port raises ValueError.
        raise StartupError(
            f"sqlalchemy.url in the ini file: {_first_line(error)}; {_ALLOWED_URLS}"
        ) from None
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


# Detect a host that is unreachable. Parameters of the URL take precedence.
CONNECTION_TIMEOUTS = {
    "connect_timeout": 5,  # seconds
    "tcp_user_timeout": 10_000,  # milliseconds
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
}


def _prepare_threshold(url: sa.URL) -> dict[str, int | None]:
    """Return after how many executions psycopg prepares a statement, if the URL says it.

    ``none`` is for PgBouncer before 1.21, whose clients share connections by the transaction.

    :raises ValueError: if it is neither a number nor ``none``.
    """
    text = url.query.get("prepare_threshold")
    if text is None:
        return {}
    if text == "none":
        return {"prepare_threshold": None}
    if not (isinstance(text, str) and text.isdecimal()):
        raise ValueError(f"prepare_threshold is {text!r}; a number, or none")
    return {"prepare_threshold": int(text)}


def ensure_write_transaction(db: Session) -> sa.Connection:
    """Begin the session's transaction as a write transaction, unless it has begun.

    On SQLite, a transaction that starts with a read fails at its first write if another one writes.
    A write transaction waits.
    """
    if db.info.get(_BEGUN_KEY):
        return db.connection()
    return db.connection(execution_options={"sqlite_immediate": True})


# Whether the session's transaction has begun in the database, and not only in the session.
_BEGUN_KEY = "tracker.begun"


@sa.event.listens_for(Session, "after_begin")
def _mark_begun(db: Session, transaction: Any, connection: sa.Connection) -> None:
    db.info[_BEGUN_KEY] = True


@sa.event.listens_for(Session, "after_transaction_end")
def _mark_ended(db: Session, transaction: Any) -> None:
    if transaction.parent is None:
        db.info.pop(_BEGUN_KEY, None)


@contextmanager
def write_transaction(sessions: sessionmaker[Session]) -> Iterator[Session]:
    """Open a session with one short write transaction."""
    with sessions() as db:
        ensure_write_transaction(db)
        yield db
        db.commit()


def require_tables(engine: sa.Engine) -> None:
    """Require that the database exists and has been migrated.

    :raises StartupError: otherwise.
    """
    require_database_file(engine)
    with startup_errors():
        tables = set(sa.inspect(engine).get_table_names())
    missing = set(Base.metadata.tables) - tables
    if missing:
        raise StartupError(f"{DATABASE_LABEL} lacks the table {min(missing)!r}: {SETUP_HINT}")


def require_database_file(engine: sa.Engine) -> None:
    """Require that the file of a SQLite database exists; hide it from other users.

    :raises StartupError: if it does not exist.
    """
    path = engine.url.database if engine.dialect.name == "sqlite" else None
    if path and not Path(path).is_file():
        # Connecting would create an empty file and hide a wrong path.
        raise StartupError(f"{DATABASE_LABEL} is not there ({path}): {SETUP_HINT}")
    if path:
        # It contains the keys of the crew's cookies. SQLite creates the others with its mode.
        for suffix in ("", "-wal", "-shm"):
            remove_permissions_of_others(Path(f"{path}{suffix}"))


@contextmanager
def startup_errors() -> Iterator[None]:
    """Convert errors of the driver to a one-line message.

    :raises StartupError: if the database cannot be opened.
    """
    try:
        yield
    except sa.exc.DBAPIError as error:
        reason = _first_line(error.orig or error)
        hint = "is it running, and is the URL right?"
        if isinstance(error.orig, sqlite3.Error):
            hint = "name an SQLite file that this user may write to, in such a folder"
        raise StartupError(f"{DATABASE_LABEL} cannot be opened: {reason}; {hint}") from None


# Read-only server; transaction ended by the idle timeout. psycopg raises InternalError for both.
UNAVAILABLE_SQLSTATES = ("25006", "25P03")


def is_unavailable_error(error: sa.exc.DBAPIError) -> bool:
    """Return whether the database is unavailable or read-only."""
    if isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError):
        return True
    return getattr(error.orig, "sqlstate", None) in UNAVAILABLE_SQLSTATES


def _prepare_sqlite(connection: sqlite3.Connection, record: Any) -> None:
    # The driver would begin transactions at the first write; _begin_sqlite begins them.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA busy_timeout = 10000")
    connection.execute("PRAGMA foreign_keys = ON")
    # With WAL, commits survive the end of the process.
    connection.execute("PRAGMA synchronous = NORMAL")


def _begin_sqlite(connection: sa.Connection) -> None:
    # See ensure_write_transaction.
    immediate = connection.get_execution_options().get("sqlite_immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0][:200]
