"""The databases' own clients: they run the statements of an answer, and nothing else."""

import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa

from .table import postgres_program

MARK = "that was all of it"


def statements_of(app: Any, do: Callable[[], object]) -> list[str]:
    """Return the statements that a tracker runs while something is done, parameters filled in."""
    engine = app.registry["db.sessions"].kw["bind"]
    traced: list[Any] = []
    found: list[str] = []

    def psycopg_says(connection: Any, cursor: Any, text: str, values: Any, *_: Any) -> None:
        found.append(psycopg.ClientCursor(cursor.connection).mogrify(text, values))

    def sqlite_says(connection: Any, cursor: Any, *_: Any) -> None:
        traced.append(cursor.connection)
        cursor.connection.set_trace_callback(found.append)

    told = sqlite_says if engine.dialect.name == "sqlite" else psycopg_says
    sa.event.listen(engine, "before_cursor_execute", told)
    try:
        do()
    finally:
        sa.event.remove(engine, "before_cursor_execute", told)
        for connection in traced:
            connection.set_trace_callback(None)
    return [text for text in found if text.lstrip().upper().startswith(("SELECT", "WITH"))]


class Shell:
    """A client that reads statements from a pipe, and says when it is done with them."""

    def __init__(self, *command: str, done: str) -> None:
        self.name = command[0].rsplit("/", 1)[-1]
        self._done = done
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        # Its start does not count.
        self.run(["SELECT 1"])

    def run(self, statements: list[str]) -> int:
        """Run statements; return how many bytes came back."""
        text = "".join(f"{statement};\n" for statement in statements)
        self._process.stdin.write(f"{text}{self._done}\n".encode())
        self._process.stdin.flush()
        size = 0
        for line in self._process.stdout:
            if line.strip() == MARK.encode():
                return size
            size += len(line)
            last = line
        raise AssertionError(f"{self.name} has ended: {last.decode()}")

    def end(self) -> None:
        """End it."""
        self._process.communicate()


class InPython:
    """SQLite's library without its shell, where that is not installed."""

    name = "python's sqlite3"

    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path)

    def run(self, statements: list[str]) -> int:
        """Run statements; return how many rows came back."""
        return sum(len(self._connection.execute(text).fetchall()) for text in statements)

    def end(self) -> None:
        """Close the file."""
        self._connection.close()


@contextmanager
def client_of(url: str) -> Iterator[Shell | InPython]:
    """Start the client of a database."""
    place = sa.make_url(url)
    if place.get_backend_name() == "postgresql":
        plain = place.set(drivername="postgresql").render_as_string(hide_password=False)
        client: Shell | InPython = Shell(
            *(postgres_program("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", plain),
            done=f"\\echo {MARK}",
        )
    elif shutil.which("sqlite3"):
        client = Shell("sqlite3", "-batch", "-bail", place.database, done=f".print {MARK}")
    else:
        client = InPython(place.database)
    try:
        yield client
    finally:
        client.end()
