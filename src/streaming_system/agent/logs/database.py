"""The SQLite database of the spool: connection, schema, transactions, errors."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streaming_system.util.private_files import make_private_file, make_private_folder

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
# Tables that were added later; older versions of the program ignore them.
ADDED_TABLES = """
    CREATE TABLE IF NOT EXISTS dropped_lines (tracker TEXT PRIMARY KEY, lines INTEGER NOT NULL,
        reported INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS offered (tracker TEXT NOT NULL, room TEXT NOT NULL,
        chunk INTEGER NOT NULL, offset INTEGER NOT NULL, PRIMARY KEY (tracker, room));
    CREATE TABLE IF NOT EXISTS name (name TEXT NOT NULL);
"""
DAMAGED = "is damaged: move it away; logs will be read from their beginning"


class SpoolError(Exception):
    """The spool is not available; the message is one line with the reason."""


class SpoolDatabase:
    """An SQLite file for one process and all of its threads.

    :attr:`problem` is the last error, or "" after a successful transaction.

    :raises SpoolError: if the file is not usable.
    """

    def __init__(self, file: Path) -> None:
        self.problem = ""
        self._file = file
        self._lock = threading.RLock()
        try:
            make_private_folder(file.parent)
            make_private_file(file)
            self._db = sqlite3.connect(
                file, timeout=0, isolation_level=None, check_same_thread=False
            )
        except (OSError, sqlite3.Error) as error:
            reason = error.strerror if isinstance(error, OSError) else _describe_error(error)
            raise SpoolError(f"{file}: cannot be opened: {reason}") from None
        try:
            self._prepare()
        except BaseException:
            self._db.close()
            raise

    def _prepare(self) -> None:
        with self._translate_errors():
            for pragma in (
                "locking_mode=EXCLUSIVE",
                "auto_vacuum=INCREMENTAL",
                # The journal file stays, so that checkpoints can be saved on a full disk.
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
                    self._create_tables(SCHEMA)
                    self._db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
                elif version != SCHEMA_VERSION:
                    raise SpoolError(f"{self._file}: has an unsupported version ({version})")
                self._create_tables(ADDED_TABLES)

    def _create_tables(self, schema: str) -> None:
        for statement in schema.split(";"):
            self._db.execute(statement)

    def close(self) -> None:
        """Close the database; later calls raise an error."""
        with self._lock:
            self._db.close()

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Hold the lock; translate SQLite errors into a one-line SpoolError."""
        with self._lock:
            try:
                yield
            except sqlite3.Error as error:
                self.problem = f"{self._file}: {_describe_error(error)}"
                raise SpoolError(self.problem) from None

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
            self.problem = ""
        except BaseException:
            # SQLite rolls back by itself after some errors, such as a full disk.
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise


def _describe_error(error: sqlite3.Error) -> str:
    descriptions = {
        "SQLITE_BUSY": "another program uses it; is this service running twice?",
        "SQLITE_FULL": "the disk is full",
        "SQLITE_NOTADB": DAMAGED,
        "SQLITE_CORRUPT": DAMAGED,
    }
    name = getattr(error, "sqlite_errorname", "")
    default = f"{error} ({name})" if name else str(error)
    return descriptions.get("_".join(name.split("_")[:2]), default)
