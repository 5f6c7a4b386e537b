"""Backup and restore of the tracker's database while the site is running."""

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
    iter_lines,
)
from streaming_system.tracker.backup.values import decode_rows
from streaming_system.tracker.db.session import (
    DATABASE_LABEL,
    SETUP_HINT,
    make_engine,
    require_database_file,
    startup_errors,
)
from streaming_system.tracker.models import Base, Salt
from streaming_system.tracker.settings import StartupError

__all__ = ["BackupError", "BackupSummary", "StartupError", "backup", "restore"]

# Salts must not outlive their day, not even in a backup.
EXCLUDED_TABLES = {Salt.__tablename__}
LOCK_TIMEOUT_SECONDS = 30

ProgressCallback = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class BackupSummary:
    """What was written or restored.

    :param revision: the revision of the migrations.
    :param taken: the time of the snapshot.
    """

    revision: str
    taken: datetime
    checksums: Mapping[str, Checksum]

    @property
    def rows(self) -> int:
        return sum(checksum.rows for checksum in self.checksums.values())


def backup(
    ini: Mapping[str, str], file: BinaryIO, *, on_progress: ProgressCallback
) -> BackupSummary:
    """Write a snapshot of all tables. Concurrent writers do not wait.

    :param ini: the settings of ``[app:tracker]``.
    :param on_progress: is called with messages.
    :raises StartupError: if the database cannot be opened.
    :raises BackupError: if the database cannot be read.
    :raises OSError: if the file cannot be written.
    """
    with _open_engine(ini) as engine, _snapshot_transaction(engine) as connection:
        revision, taken = _revision(connection), datetime.now(UTC)
        tables = _reflect_tables(connection, set(Base.metadata.tables) - EXCLUDED_TABLES)
        _lock_tables(connection, tables, "ACCESS SHARE")
        checksums = {}
        with closing(BackupWriter(file, revision=revision, taken=taken, tables=tables)) as writer:
            for name, table in tables.items():
                for checksum in writer.write_table(table, connection):
                    checksums[name] = checksum
                    on_progress(f"{name}: {checksum.rows:,} rows")
    return BackupSummary(revision=revision, taken=taken, checksums=checksums)


def restore(
    ini: Mapping[str, str], file: BinaryIO, *, replace: bool, on_progress: ProgressCallback
) -> BackupSummary:
    """Restore all tables in one transaction.

    Until the commit, readers see the old rows, and writers wait.

    :param ini: the settings of ``[app:tracker]``.
    :param file: is read twice: first to verify it, then to restore it. It may be hostile.
    :param replace: whether existing rows may be deleted.
    :param on_progress: is called with messages.
    :raises StartupError: if the database cannot be opened.
    :raises BackupError: if the file is damaged, or does not match the database.
    """
    on_progress("the file")
    verified = BackupReader(file)
    with _open_engine(ini) as engine:
        # A file for another database is refused before it is read completely.
        with engine.connect() as connection:
            _matching_tables(connection, verified)
        for _ in verified.batches():
            pass
        _insert_verified(engine, file, verified, replace, on_progress)
    return BackupSummary(
        revision=verified.revision, taken=verified.taken, checksums=verified.checksums
    )


def _insert_verified(
    engine: sa.Engine,
    file: BinaryIO,
    verified: BackupReader,
    replace: bool,
    on_progress: ProgressCallback,
) -> None:
    with _write_transaction(engine) as connection:
        tables = _matching_tables(connection, verified)
        _lock_tables(connection, tables, "EXCLUSIVE")
        _truncate(connection, tables, replace)
        _insert_rows(connection, tables, BackupReader(file), on_progress)
        for name, table in tables.items():
            on_progress(f"{name}: the checksum")
            if (
                _table_checksum(connection, table, verified.columns[name])
                != (verified.checksums[name])
            ):
                raise BackupError(f"table {name!r} does not read back as it is in the backup")


def _matching_tables(connection: sa.Connection, backup: BackupReader) -> dict[str, sa.Table]:
    """Return the tables of the database, which must be those of the file.

    :raises BackupError: if they are not.
    """
    _require_revision(connection, backup.revision)
    tables = _reflect_tables(connection, set(Base.metadata.tables) - EXCLUDED_TABLES)
    for name in sorted(backup.columns.keys() ^ tables.keys()):
        raise BackupError(
            f"has a table {name!r:.80} that backups do not have"
            if name in backup.columns
            else f"lacks the table {name!r}"
        )
    for name, table in tables.items():
        # A column must not occur twice, either.
        if sorted(map(str, backup.columns[name])) != sorted(table.columns.keys()):
            raise BackupError(f"has a table {name!r} with other columns than the database")
    return tables


@contextmanager
def _open_engine(ini: Mapping[str, str]) -> Iterator[sa.Engine]:
    engine = make_engine(ini)
    try:
        require_database_file(engine)
        with startup_errors():
            engine.connect().close()
        yield engine
    except (sa.exc.DBAPIError, sa.exc.StatementError) as error:
        # For a value that the driver rejects, "orig" is a built-in exception or None.
        raise BackupError(f"the database: {str(error.orig or error).splitlines()[0]}") from None
    finally:
        engine.dispose()


@contextmanager
def _snapshot_transaction(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a transaction that does not see later commits."""
    # Every transaction of SQLite is a snapshot.
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
    revision = None
    if sa.inspect(connection).has_table(table.name):
        revision = connection.scalar(sa.select(table.c.version_num))
    if revision is None:
        raise BackupError(f"{DATABASE_LABEL} has never been migrated: {SETUP_HINT}")
    return str(revision)


def _require_revision(connection: sa.Connection, expected: str) -> None:
    revision = _revision(connection)
    if revision != expected:
        raise BackupError(
            f"is of revision {expected}, but the database is of {revision}: migrate an empty "
            f"database to it (alembic -c INI upgrade {expected}), restore there, then run make "
            "migrate"
        )


def _reflect_tables(connection: sa.Connection, names: set[str]) -> dict[str, sa.Table]:
    """Return the existing tables with their columns; the database may have an older schema."""
    existing = names & set(sa.inspect(connection).get_table_names())
    metadata = sa.MetaData()
    metadata.reflect(connection, only=sorted(existing))
    return {table.name: table for table in metadata.sorted_tables if table.name in existing}


def _lock_tables(connection: sa.Connection, tables: Mapping[str, sa.Table], mode: str) -> None:
    # A write transaction of SQLite locks the whole database.
    if connection.dialect.name == "postgresql" and tables:
        quote = connection.dialect.identifier_preparer.quote
        names = ", ".join(quote(name) for name in sorted(tables))
        connection.exec_driver_sql(f"LOCK TABLE {names} IN {mode} MODE")


def _truncate(connection: sa.Connection, tables: Mapping[str, sa.Table], replace: bool) -> None:
    """Delete all rows if ``replace`` is set; else require that there are none."""
    for table in reversed(list(tables.values())):
        if replace:
            connection.execute(sa.delete(table))
        elif connection.scalar(sa.select(sa.exists().select_from(table))):
            raise BackupError(
                f"{DATABASE_LABEL} is not empty (table {table.name!r} has rows); "
                "--replace deletes all rows first"
            )


def _insert_rows(
    connection: sa.Connection,
    tables: Mapping[str, sa.Table],
    reader: BackupReader,
    on_progress: ProgressCallback,
) -> None:
    count = 0
    for name, batch in reader.batches():
        table = tables[name]
        try:
            rows = decode_rows(table, reader.columns[name], batch)
        except (TypeError, ValueError) as error:
            raise BackupError(f"has an invalid value in table {name!r}: {error}") from None
        connection.execute(sa.insert(table), rows)
        count += len(rows)
        on_progress(f"{name}: {count:,} rows")
    if connection.dialect.name == "postgresql":
        for table in tables.values():
            _reset_sequences(connection, table)


def _reset_sequences(connection: sa.Connection, table: sa.Table) -> None:
    """Move the sequences of a table behind its largest ids."""
    for column in table.primary_key.columns:
        name = connection.scalar(sa.select(sa.func.pg_get_serial_sequence(table.name, column.name)))
        max_id = connection.scalar(sa.select(sa.func.max(column))) if name else None
        if max_id is not None:
            # setval is not rolled back with the transaction, so it must never move backwards.
            connection.execute(
                sa.text(f"SELECT setval(:name, GREATEST(:max_id, last_value)) FROM {name}"),  # noqa: S608 - PostgreSQL returns a quoted name.
                {"name": name, "max_id": max_id},
            )


def _table_checksum(connection: sa.Connection, table: sa.Table, columns: list[str]) -> Checksum:
    checksum = Checksum()
    for lines in iter_lines(connection, [table.columns[name] for name in columns]):
        for line in lines:
            checksum.add(line)
    return checksum
