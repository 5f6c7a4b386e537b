"""The database: one session per request, one transaction per session."""

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

DATABASE_LABEL = "the database of sqlalchemy.url in the ini file"


def includeme(config: Any) -> None:
    """Give every request ``request.db``, whose transaction ends with the request."""
    # Using a transaction after it has closed is a bug; explicit_manager says so.
    # Nor is it asked who somebody is unless a view wants to know: programs have no session.
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


# These take a report and write it together with others': services.reports.
_SESSIONLESS_PATHS = re.compile(r"/endpoint/register|/api/v1/rooms/[^/]+/playback")


def has_session(request: Any) -> bool:
    """Tell whether a request may use ``request.db``: two calls, of which there are most, do not."""
    environ = request.environ
    return (
        environ["REQUEST_METHOD"] != "POST"
        or _SESSIONLESS_PATHS.fullmatch(environ.get("PATH_INFO", "")) is None
    )


def _open_session(request: Any) -> Session:
    session: Session = request.registry["db.sessions"]()
    # By itself it notices only what is written through models, and rolls back the rest.
    zope.sqlalchemy.register(session, initial_state=STATUS_CHANGED, transaction_manager=request.tm)
    return session


def make_engine(settings: Mapping[str, Any]) -> sa.Engine:
    """Return the engine that ``sqlalchemy.url`` names.

    :raises StartError: if the URL is no database's.
    """
    if not settings.get("sqlalchemy.url"):
        raise StartupError("the ini file lacks the key sqlalchemy.url in [app:tracker]")
    try:
        said = {
            key: value
            for key, value in settings.items()
            if key.startswith("sqlalchemy.") and not key.startswith("sqlalchemy.replica.")
        }
        url = sa.make_url(said["sqlalchemy.url"])
        if url.get_driver_name() in ("psycopg", "psycopg2"):
            # After a restart of the server, a connection of before would cost a caller an error.
            said.setdefault("sqlalchemy.pool_pre_ping", True)
            said["sqlalchemy.connect_args"] = {
                **{
                    key: value for key, value in CONNECTION_TIMEOUTS.items() if key not in url.query
                },
                **said.get("sqlalchemy.connect_args", {}),
            }
        engine = sa.engine_from_config(said, "sqlalchemy.")
    except (sa.exc.ArgumentError, ImportError, TypeError, ValueError) as error:
        # A port that is no number is a plain ValueError.
        raise StartupError(
            f"sqlalchemy.url in the ini file: {_first_line(error)}; allowed: sqlite:////path/to/file or "
            "postgresql+psycopg://user:password@host/name"
        ) from None
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


# What ends a connection to a host that has gone without a word; an URL may say otherwise.
CONNECTION_TIMEOUTS = {
    "connect_timeout": 5,  # seconds
    "tcp_user_timeout": 10_000,  # milliseconds
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
}


def ensure_write_transaction(db: Session) -> sa.Connection:
    """Begin the session's transaction as that of a writer, unless it has begun.

    On SQLite, one that has read already can lose against another writer at once. One that begins
    as a writer waits its turn.
    """
    if db.info.get(_BEGUN_KEY):
        return db.connection()
    return db.connection(execution_options={"sqlite_immediate": True})


# Whether the transaction of a session has begun in the database, and not only in the session.
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
    """Open a session of one short transaction that writes."""
    with sessions() as db:
        ensure_write_transaction(db)
        yield db
        db.commit()


def require_tables(engine: sa.Engine) -> None:
    """Make sure that the database is there and has been migrated.

    :raises StartError: if it is not.
    """
    require_database_file(engine)
    with startup_errors():
        tables = set(sa.inspect(engine).get_table_names())
    missing = set(Base.metadata.tables) - tables
    if missing:
        raise StartupError(f"{DATABASE_LABEL} lacks the table {min(missing)!r}: run make initdb")


def require_database_file(engine: sa.Engine) -> None:
    """Make sure that the file of SQLite is there; other databases say so themselves.

    :raises StartError: if it is not.
    """
    path = engine.url.database if engine.dialect.name == "sqlite" else None
    if path and not Path(path).is_file():
        # Asking would create an empty file, and hide that the path is wrong.
        raise StartupError(f"{DATABASE_LABEL} is not there ({path}): run make initdb")


@contextmanager
def startup_errors() -> Iterator[None]:
    """Say in one line why the database cannot be opened.

    :raises StartError: instead of what the driver raises.
    """
    try:
        yield
    except sa.exc.DBAPIError as error:
        reason = _first_line(error.orig or error)
        raise StartupError(
            f"{DATABASE_LABEL} cannot be opened: {reason}; is it running, and is the URL right?"
        ) from None


# What PostgreSQL says of a server that only reads, and of a transaction that it has given up
# because it waited for us. psycopg calls both internal errors.
UNAVAILABLE_SQLSTATES = ("25006", "25P03")


def is_unavailable_error(error: sa.exc.DBAPIError) -> bool:
    """Tell a database that cannot be used now, or takes no writes, from a fault of ours."""
    if isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError):
        return True
    return getattr(error.orig, "sqlstate", None) in UNAVAILABLE_SQLSTATES


def _prepare_sqlite(connection: sqlite3.Connection, record: Any) -> None:
    # The driver would begin transactions only at the first write; ours begin when we say so.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA busy_timeout = 10000")
    connection.execute("PRAGMA foreign_keys = ON")
    # With WAL, nothing committed is lost when the process is killed.
    connection.execute("PRAGMA synchronous = NORMAL")


def _begin_sqlite(connection: sa.Connection) -> None:
    # A transaction that reads first and writes later cannot wait for another writer: SQLite
    # refuses it at once. One that begins as a writer waits its turn.
    immediate = connection.get_execution_options().get("sqlite_immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0][:200]
