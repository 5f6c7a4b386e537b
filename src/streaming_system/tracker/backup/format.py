"""The file format of backups: gzipped JSON lines, which are independent of the database.

The first line has the version and the columns of all tables. Then follow, for each table, its rows
as lists, and an object with their number and checksum. A truncated or changed file is detected.
"""

import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

import sqlalchemy as sa

from streaming_system.tracker.backup.values import (
    decode_time,
    encode_row,
    encode_time,
    row_encoders,
)

FORMAT = "streaming-system tracker backup"
FORMAT_VERSION = 1
BATCH_ROWS = 1000
BATCH_BYTES = 4 * 1024 * 1024
MAX_LINE_BYTES = 1024 * 1024
# Rows compress by a factor of 10 to 50. More than this is a decompression bomb.
MAX_COMPRESSION_RATIO = 200
MIN_INFLATED_LIMIT_BYTES = 64 * 1024 * 1024
MAX_ERROR_CHARS = 300
_REVISION_PATTERN = re.compile(r"[A-Za-z0-9_]{1,64}", re.ASCII)


class BackupError(Exception):
    """A failed backup or restore; the message is one line, whatever the file contains."""

    def __init__(self, message: str) -> None:
        line = "".join(c if c.isprintable() else "\ufffd" for c in message)
        super().__init__(line if len(line) <= MAX_ERROR_CHARS else f"{line[:MAX_ERROR_CHARS]}…")


@dataclass
class Checksum:
    """The number of rows of a table, and the sum of their SHA-256 hashes.

    The sum does not depend on the order of the rows, which differs between databases.
    """

    rows: int = 0
    total: int = 0

    def add(self, line: bytes) -> None:
        """Add a row."""
        self.rows += 1
        self.total = (self.total + int.from_bytes(hashlib.sha256(line).digest(), "big")) % 2**256

    @property
    def sha256(self) -> str:
        return f"{self.total:064x}"


class BackupWriter:
    """Writes tables into a file. Without :meth:`close`, the file counts as truncated."""

    def __init__(
        self, file: BinaryIO, *, revision: str, taken: datetime, tables: Mapping[str, sa.Table]
    ) -> None:
        # Level 6 takes twice as long and saves a few per cent.
        self._file = gzip.GzipFile(fileobj=file, mode="wb", compresslevel=3, mtime=0)
        header = {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            "revision": revision,
            "taken": encode_time(taken),
            "tables": {name: list(table.columns.keys()) for name, table in tables.items()},
        }
        self._file.write(_encode_line(header))

    def write_table(self, table: sa.Table, connection: sa.Connection) -> Iterator[Checksum]:
        """Write the rows of a table; yield the checksum so far after each batch."""
        checksum = Checksum()
        for lines in iter_lines(connection, list(table.columns)):
            for line in lines:
                checksum.add(line)
            self._file.write(b"".join(lines))
            yield checksum
        self._file.write(
            _encode_line({"table": table.name, "rows": checksum.rows, "sha256": checksum.sha256})
        )
        yield checksum

    def close(self) -> None:
        """Finish the compressed stream; the file itself stays open."""
        self._file.close()


class BackupReader:
    """Reads a file from start to end.

    :raises BackupError: here or later, if the file is damaged.
    """

    def __init__(self, file: BinaryIO) -> None:
        size = file.seek(0, 2)
        file.seek(0)
        self._remaining = max(MAX_COMPRESSION_RATIO * size, MIN_INFLATED_LIMIT_BYTES)
        self._file = gzip.GzipFile(fileobj=file, mode="rb")
        header = self._parse(self._next_line())
        if not isinstance(header, dict) or header.get("format") != FORMAT:
            raise BackupError("is no backup of a tracker")
        if header.get("version") != FORMAT_VERSION:
            raise BackupError(
                f"is of version {header.get('version')!r:.40}, but this program reads "
                f"{FORMAT_VERSION}"
            )
        try:
            self.revision = _parse_revision(header["revision"])
            self.taken = decode_time(header["taken"])
            self.columns = {name: list(columns) for name, columns in header["tables"].items()}
        except (AttributeError, KeyError, TypeError, ValueError):
            raise BackupError("is damaged: its first line is incomplete") from None
        self.checksums: dict[str, Checksum] = {}

    def batches(self) -> Iterator[tuple[str, list[list[Any]]]]:
        """Yield the rows of all tables in batches, and verify the checksum of each table."""
        for name in self.columns:
            yield from ((name, batch) for batch in self._table_batches(name))
        if self._next_line():
            raise BackupError("is damaged: it continues after its last table")

    def _table_batches(self, name: str) -> Iterator[list[list[Any]]]:
        checksum, batch, width = Checksum(), [], len(self.columns[name])
        batch_bytes = 0
        while True:
            line = self._next_line()
            row = self._parse(line)
            if isinstance(row, dict):
                break
            if not isinstance(row, list) or len(row) != width:
                raise BackupError(
                    f"is damaged: table {name!r} has a row with a wrong number of values"
                )
            checksum.add(line)
            batch.append(row)
            batch_bytes += len(line)
            if len(batch) == BATCH_ROWS or batch_bytes >= BATCH_BYTES:
                yield batch
                batch, batch_bytes = [], 0
        if row != {"table": name, "rows": checksum.rows, "sha256": checksum.sha256}:
            raise BackupError(f"is damaged: the checksum of table {name!r} is wrong")
        self.checksums[name] = checksum
        if batch:
            yield batch

    def _next_line(self) -> bytes:
        try:
            line = self._file.readline(MAX_LINE_BYTES + 1)
        except gzip.BadGzipFile:
            raise BackupError("is damaged, or no backup: it is not compressed by gzip") from None
        except EOFError:
            raise BackupError("is truncated") from None
        except zlib.error:
            raise BackupError("is damaged: it cannot be decompressed") from None
        self._remaining -= len(line)
        if len(line) > MAX_LINE_BYTES:
            raise BackupError(f"is no backup: a line has more than {MAX_LINE_BYTES:,} bytes")
        if self._remaining < 0:
            raise BackupError(
                f"is no backup: it inflates to more than {MAX_COMPRESSION_RATIO} times its size"
            )
        return line

    def _parse(self, line: bytes) -> Any:
        if not line:
            raise BackupError("is truncated")
        try:
            return json.loads(line, parse_constant=_reject_constant)
        except (ValueError, RecursionError):
            raise BackupError("is damaged, or no backup: a line is no JSON") from None


def iter_lines(
    connection: sa.Connection, columns: Sequence[sa.Column[Any]]
) -> Iterator[list[bytes]]:
    """Yield the rows of a table as lines of a file, in batches."""
    encoders = row_encoders(columns)
    rows = connection.execute(sa.select(*columns), execution_options={"yield_per": BATCH_ROWS})
    for batch in rows.partitions():
        yield [_encode_line(encode_row(encoders, row)) for row in batch]


def _encode_line(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def _parse_revision(value: Any) -> str:
    # Error messages contain it as a part of a command.
    if not (isinstance(value, str) and _REVISION_PATTERN.fullmatch(value)):
        raise ValueError("the revision is no word")
    return value


def _reject_constant(text: str) -> None:
    raise ValueError(f"{text} is no JSON")
