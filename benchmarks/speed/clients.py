"""The databases' own clients, which only run the statements of a response."""

import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa

from .table import postgres_program

END_MARK = "end of results"


def record_statements(app: Any, action: Callable[[], object]) -> list[str]:
    """Return the SELECT statements that a tracker runs during a call, with parameters filled in."""
    engine = app.registry["db.sessions"].kw["bind"]
    traced: list[Any] = []
    statements: list[str] = []

    def record_psycopg(connection: Any, cursor: Any, text: str, values: Any, *_: Any) -> None:
        statements.append(psycopg.ClientCursor(cursor.connection).mogrify(text, values))

    def record_sqlite(connection: Any, cursor: Any, *_: Any) -> None:
        traced.append(cursor.connection)
        cursor.connection.set_trace_callback(statements.append)

    record = record_sqlite if engine.dialect.name == "sqlite" else record_psycopg
    sa.event.listen(engine, "before_cursor_execute", record)
    try:
        action()
    finally:
        sa.event.remove(engine, "before_cursor_execute", record)
        for connection in traced:
            connection.set_trace_callback(None)
    return [text for text in statements if text.lstrip().upper().startswith(("SELECT", "WITH"))]


class ShellClient:
    """A client that reads statements from a pipe, and marks the end of their results."""

    def __init__(self, *command: str, end_command: str) -> None:
        self.name = command[0].rsplit("/", 1)[-1]
        self._end_command = end_command
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        # Wait for the start, which does not count.
        self.run(["SELECT 1"])

    def run(self, statements: list[str]) -> int:
        """Run statements; return the number of bytes received."""
        text = "".join(f"{statement};\n" for statement in statements)
        self._process.stdin.write(f"{text}{self._end_command}\n".encode())
        self._process.stdin.flush()
        size = 0
        for line in self._process.stdout:
            if line.strip() == END_MARK.encode():
                return size
            size += len(line)
            last = line
        raise AssertionError(f"{self.name} has exited: {last.decode()}")

    def close(self) -> None:
        self._process.communicate()


class PythonClient:
    """SQLite's library, used if its shell is not installed."""

    name = "python's sqlite3"

    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path)

    def run(self, statements: list[str]) -> int:
        """Run statements; return the number of rows."""
        return sum(len(self._connection.execute(text).fetchall()) for text in statements)

    def close(self) -> None:
        self._connection.close()


@contextmanager
def open_client(url: str) -> Iterator[ShellClient | PythonClient]:
    """Start the client of a database."""
    database_url = sa.make_url(url)
    if database_url.get_backend_name() == "postgresql":
        dsn = database_url.set(drivername="postgresql").render_as_string(hide_password=False)
        client: ShellClient | PythonClient = ShellClient(
            *(postgres_program("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", dsn),
            end_command=f"\\echo {END_MARK}",
        )
    elif shutil.which("sqlite3"):
        client = ShellClient(
            "sqlite3", "-batch", "-bail", database_url.database, end_command=f".print {END_MARK}"
        )
    else:
        client = PythonClient(database_url.database)
    try:
        yield client
    finally:
        client.close()
