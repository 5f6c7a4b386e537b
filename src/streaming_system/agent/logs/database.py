"""The database that the spool is: opened, looked after, and what its errors mean."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCHEMA_VERSION = 1
SCHEMA = """
    CREATE TABLE chunk (id INTEGER PRIMARY KEY AUTOINCREMENT, room TEXT NOT NULL,
        count INTEGER NOT NULL, lines BLOB NOT NULL);
    CREATE INDEX chunk_of_room ON chunk (room, id);
    CREATE TABLE sent (tracker TEXT NOT NULL, room TEXT NOT NULL, chunk INTEGER NOT NULL,
        offset INTEGER NOT NULL, PRIMARY KEY (tracker, room));
    CREATE TABLE log (path TEXT PRIMARY KEY);
    CREATE TABLE place (id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL,
        device TEXT NOT NULL, inode TEXT NOT NULL, offset INTEGER NOT NULL,
        head_size INTEGER NOT NULL, head BLOB NOT NULL, skipping INTEGER NOT NULL);
"""
# What spools of this version may lack, and older programs leave alone.
ADDED_TABLES = """
    CREATE TABLE IF NOT EXISTS dropped (tracker TEXT PRIMARY KEY, lines INTEGER NOT NULL,
        told INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS offered (tracker TEXT NOT NULL, room TEXT NOT NULL,
        chunk INTEGER NOT NULL, offset INTEGER NOT NULL, PRIMARY KEY (tracker, room));
    CREATE TABLE IF NOT EXISTS name (name TEXT NOT NULL);
"""


class SpoolError(Exception):
    """The spool cannot be used now: one line that says why."""


class SpoolDatabase:
    """An SQLite file that this program alone uses; any of its threads may.

    :param file: where it lies.
    :raises SpoolError: if it cannot be used.
    """

    def __init__(self, file: Path) -> None:
        self.trouble = ""
        self._file = file
        self._lock = threading.RLock()
        try:
            file.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            self._db = sqlite3.connect(
                file, timeout=0, isolation_level=None, check_same_thread=False
            )
        except (OSError, sqlite3.Error) as error:
            raise SpoolError(f"{file}: cannot be opened: {error}") from None
        try:
            self._prepare()
        except BaseException:
            self._db.close()
            raise

    def _prepare(self) -> None:
        with self._doing():
            for pragma in (
                "locking_mode=EXCLUSIVE",
                "auto_vacuum=INCREMENTAL",
                # It stays where it is, so that a full disk cannot keep us from saving a place.
                "journal_mode=PERSIST",
                f"journal_size_limit={2**20}",
                "synchronous=FULL",
                "cache_size=-1024",
                "secure_delete=OFF",
            ):
                self._db.execute(f"PRAGMA {pragma}")
            with self._transaction():
                [[version]] = self._db.execute("PRAGMA user_version")
                if version == 0:
                    self._create(SCHEMA)
                    self._db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
                elif version != SCHEMA_VERSION:
                    raise SpoolError(f"{self._file}: is of another version ({version})")
                self._create(ADDED_TABLES)

    def _create(self, schema: str) -> None:
        for statement in schema.split(";"):
            self._db.execute(statement)

    def close(self) -> None:
        """Close it; whoever still uses it gets an error."""
        with self._lock:
            self._db.close()

    @contextmanager
    def _doing(self) -> Iterator[None]:
        """Let nobody else in; whatever goes wrong with the database is one line."""
        with self._lock:
            try:
                yield
            except sqlite3.Error as error:
                self.trouble = f"{self._file}: {_describe_error(error)}"
                raise SpoolError(self.trouble) from None

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
            self.trouble = ""
        except BaseException:
            # Where the disk is full, the database may have done that by itself.
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise


def _describe_error(error: sqlite3.Error) -> str:
    words = {
        "SQLITE_BUSY": "another program uses it; is this service running twice?",
        "SQLITE_FULL": "the disk is full",
        "SQLITE_NOTADB": "is damaged: move it away, and logs are read from their beginning",
        "SQLITE_CORRUPT": "is damaged: move it away, and logs are read from their beginning",
    }
    name = getattr(error, "sqlite_errorname", "")
    return words.get("_".join(name.split("_")[:2]), f"{error} ({name})" if name else str(error))
