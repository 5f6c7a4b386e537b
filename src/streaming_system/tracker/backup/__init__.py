"""Back up the tracker's database, and bring it back, while the site is running."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO

import sqlalchemy as sa

from streaming_system.tracker.backup.format import (
    BackupError,
    BackupReader,
    BackupWriter,
    Checksum,
    decode_rows,
    iter_lines,
)
from streaming_system.tracker.db.session import (
    DATABASE_LABEL,
    make_engine,
    require_database_file,
    startup_errors,
)
from streaming_system.tracker.models import Base, Salt
from streaming_system.tracker.settings import StartupError

__all__ = ["BackupError", "BackupSummary", "StartupError", "backup", "restore"]

# What it says when it has been thrown away must be true of backups, too.
EXCLUDED_TABLES = {Salt.__tablename__}
LOCK_TIMEOUT_SECONDS = 30

ProgressCallback = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class BackupSummary:
    """What has been written or brought back.

    :param revision: of the migrations, and ``taken`` the moment that the rows are of.
    """

    revision: str
    taken: datetime
    checksums: Mapping[str, Checksum]

    @property
    def rows(self) -> int:
        return sum(checksum.rows for checksum in self.checksums.values())


def backup(ini: Mapping[str, str], file: BinaryIO, *, tell: ProgressCallback) -> BackupSummary:
    """Write all tables as they are at one moment. Nobody who writes meanwhile has to wait.

    :param ini: what the ini says to ``[app:tracker]``.
    :param tell: is told how far it is.
    :raises StartError: if the database cannot be opened.
    :raises BackupError: if it cannot be read.
    :raises OSError: if the file cannot be written.
    """
    with _engine(ini) as engine, _snapshot_transaction(engine) as connection:
        revision, taken = _revision(connection), datetime.now(UTC)
        tables = _reflect_tables(connection, set(Base.metadata.tables) - EXCLUDED_TABLES)
        _lock_tables(connection, tables, "ACCESS SHARE")
        checksums = {}
        with closing(BackupWriter(file, revision=revision, taken=taken, tables=tables)) as writer:
            for name, table in tables.items():
                for checksum in writer.table(table, connection):
                    checksums[name] = checksum
                    tell(f"{name}: {checksum.rows:,} rows")
    return BackupSummary(revision=revision, taken=taken, checksums=checksums)


def restore(
    ini: Mapping[str, str], file: BinaryIO, *, replace: bool, tell: ProgressCallback
) -> BackupSummary:
    """Bring back all tables, or change nothing.

    Who reads meanwhile sees the old rows; who writes waits.

    :param ini: what the ini says to ``[app:tracker]``.
    :param file: is read twice: nothing is begun with a file that is not whole.
    :param replace: whether rows that are there may be thrown away.
    :param tell: is told how far it is.
    :raises StartError: if the database cannot be opened.
    :raises BackupError: if the file is damaged, or does not fit the database.
    """
    tell("the file")
    checked = BackupReader(file)
    for _ in checked.batches():
        pass
    with _engine(ini) as engine, _write_transaction(engine) as connection:
        _check_revision(connection, checked.revision)
        tables = _reflect_tables(connection, set(checked.columns))
        _check_columns(tables, checked.columns)
        _lock_tables(connection, tables, "EXCLUSIVE")
        _truncate(connection, tables, replace)
        _insert_rows(connection, tables, BackupReader(file), tell)
        for name, table in tables.items():
            tell(f"{name}: the checksum")
            if _table_checksum(connection, table, checked.columns[name]) != checked.checksums[name]:
                raise BackupError(f"table {name!r} does not read back as it is in the backup")
    return BackupSummary(
        revision=checked.revision, taken=checked.taken, checksums=checked.checksums
    )


@contextmanager
def _engine(ini: Mapping[str, str]) -> Iterator[sa.Engine]:
    engine = make_engine(ini)
    try:
        require_database_file(engine)
        with startup_errors():
            engine.connect().close()
        yield engine
    except (sa.exc.DBAPIError, sa.exc.StatementError) as error:
        # A value that the driver does not take is a plain error of Python's.
        raise BackupError(f"the database: {str(error.orig or error).splitlines()[0]}") from None
    finally:
        engine.dispose()


@contextmanager
def _snapshot_transaction(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a transaction that sees one moment, whatever others commit."""
    # A transaction of SQLite always does.
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
    with engine.begin() as connection:
        yield connection


@contextmanager
def _write_transaction(engine: sa.Engine) -> Iterator[sa.Connection]:
    with engine.execution_options(sqlite_immediate=True).begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'")
        yield connection


def _revision(connection: sa.Connection) -> str:
    table = sa.table("alembic_version", sa.column("version_num"))
    found = None
    if sa.inspect(connection).has_table(table.name):
        found = connection.scalar(sa.select(table.c.version_num))
    if found is None:
        raise BackupError(f"{DATABASE_LABEL} has never been migrated: run make initdb")
    return str(found)


def _check_revision(connection: sa.Connection, expected: str) -> None:
    found = _revision(connection)
    if found != expected:
        raise BackupError(
            f"is of revision {expected}, but the database is of {found}: bring an empty database "
            f"to it (alembic -c INI upgrade {expected}), restore there, then run make migrate"
        )


def _reflect_tables(connection: sa.Connection, names: set[str]) -> dict[str, sa.Table]:
    """Return those tables that are there, as they are there: a database may be older than we."""
    there = names & set(sa.inspect(connection).get_table_names())
    metadata = sa.MetaData()
    metadata.reflect(connection, only=sorted(there))
    return {table.name: table for table in metadata.sorted_tables if table.name in there}


def _check_columns(tables: Mapping[str, sa.Table], columns: Mapping[str, list[str]]) -> None:
    for name, expected in columns.items():
        if name not in tables or set(tables[name].columns.keys()) != set(expected):
            raise BackupError(f"has a table {name!r} that is not so in the database")


def _lock_tables(connection: sa.Connection, tables: Mapping[str, sa.Table], mode: str) -> None:
    # Whoever writes to SQLite has locked all of it already.
    if connection.dialect.name == "postgresql" and tables:
        quote = connection.dialect.identifier_preparer.quote
        names = ", ".join(quote(name) for name in sorted(tables))
        connection.exec_driver_sql(f"LOCK TABLE {names} IN {mode} MODE")


def _truncate(connection: sa.Connection, tables: Mapping[str, sa.Table], replace: bool) -> None:
    for table in reversed(list(tables.values())):
        if replace:
            connection.execute(sa.delete(table))
        elif connection.scalar(sa.select(sa.exists().select_from(table))):
            raise BackupError(
                f"{DATABASE_LABEL} is not empty (table {table.name!r} has rows), and only "
                "--replace throws them away"
            )


def _insert_rows(
    connection: sa.Connection,
    tables: Mapping[str, sa.Table],
    file: BackupReader,
    tell: ProgressCallback,
) -> None:
    done = 0
    for name, batch in file.batches():
        table = tables[name]
        try:
            rows = decode_rows(table, file.columns[name], batch)
        except (TypeError, ValueError) as error:
            raise BackupError(f"has a value in table {name!r} that is none: {error}") from None
        connection.execute(sa.insert(table), rows)
        done += len(rows)
        tell(f"{name}: {done:,} rows")
    if connection.dialect.name == "postgresql":
        for table in tables.values():
            _reset_sequences(connection, table)


def _reset_sequences(connection: sa.Connection, table: sa.Table) -> None:
    """Let PostgreSQL number new rows after those that are there."""
    for column in table.primary_key.columns:
        name = connection.scalar(sa.select(sa.func.pg_get_serial_sequence(table.name, column.name)))
        top = connection.scalar(sa.select(sa.func.max(column))) if name else None
        if top is not None:
            # Sequences stay as they are set even if all is rolled back, so none is ever set back.
            connection.execute(
                sa.text(f"SELECT setval(:name, GREATEST(:top, last_value)) FROM {name}"),  # noqa: S608 - PostgreSQL has quoted it.
                {"name": name, "top": top},
            )


def _table_checksum(connection: sa.Connection, table: sa.Table, columns: list[str]) -> Checksum:
    checksum = Checksum()
    for lines in iter_lines(connection, [table.columns[name] for name in columns]):
        for line in lines:
            checksum.add(line)
    return checksum
