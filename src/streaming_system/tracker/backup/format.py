"""The file of a backup: compressed lines of JSON that are the same from every database.

The first line says what it is and which columns the tables have. Then, for each table in turn,
come its rows, a list each, and an object with their count and checksum. A file that ends early, or
in which anything has changed, is found out.
"""

import gzip
import hashlib
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, BinaryIO

import sqlalchemy as sa

FORMAT = "streaming-system tracker backup"
FORMAT_VERSION = 1
BATCH_ROWS = 1000


class BackupError(Exception):
    """What cannot be backed up or restored, with one line that says why."""


@dataclass
class Checksum:
    """How many rows a table has, and the sum of the SHA-256 of each.

    A sum says the same in whichever order a database gives its rows.
    """

    rows: int = 0
    total: int = 0

    def add(self, line: bytes) -> None:
        self.rows += 1
        self.total = (self.total + int.from_bytes(hashlib.sha256(line).digest(), "big")) % 2**256

    @property
    def sha256(self) -> str:
        return f"{self.total:064x}"


class BackupWriter:
    """Writes tables into a file, one after the other. Without its end, a file counts as cut off."""

    def __init__(
        self, file: BinaryIO, *, revision: str, taken: datetime, tables: Mapping[str, sa.Table]
    ) -> None:
        # Level 6 takes twice as long for a few hundredths of the size.
        self._file = gzip.GzipFile(fileobj=file, mode="wb", compresslevel=3, mtime=0)
        head = {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            "revision": revision,
            "taken": _encode_time(taken),
            "tables": {name: list(table.columns.keys()) for name, table in tables.items()},
        }
        self._file.write(_encode_line(head))

    def table(self, table: sa.Table, connection: sa.Connection) -> Iterator[Checksum]:
        """Write the rows of a table; yield now and then how many it has been."""
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
        """End the file, and leave it open."""
        self._file.close()


class BackupReader:
    """Reads a file, from its beginning to its end.

    :raises BackupError: here, or later, where the file is not as it was written.
    """

    def __init__(self, file: BinaryIO) -> None:
        file.seek(0)
        self._file = gzip.GzipFile(fileobj=file, mode="rb")
        head = self._next()
        if not isinstance(head, dict) or head.get("format") != FORMAT:
            raise BackupError("is no backup of a tracker")
        if head.get("version") != FORMAT_VERSION:
            raise BackupError(
                f"is of version {head.get('version')!r}, but this program reads {FORMAT_VERSION}"
            )
        try:
            self.revision = str(head["revision"])
            self.taken = _decode_time(head["taken"])
            self.columns = {str(name): list(columns) for name, columns in head["tables"].items()}
        except (AttributeError, KeyError, TypeError, ValueError):
            raise BackupError("is damaged: its first line says too little") from None
        self.checksums: dict[str, Checksum] = {}

    def batches(self) -> Iterator[tuple[str, list[list[Any]]]]:
        """Yield the rows of all tables, a thousand at a time, and note what each should come to."""
        for name in self.columns:
            yield from ((name, batch) for batch in self._table(name))
        if self._read():
            raise BackupError("is damaged: something follows its end")

    def _table(self, name: str) -> Iterator[list[list[Any]]]:
        checksum, batch, width = Checksum(), [], len(self.columns[name])
        while True:
            line = self._read()
            row = self._parsed(line)
            if isinstance(row, dict):
                break
            if not isinstance(row, list) or len(row) != width:
                raise BackupError(f"is damaged: table {name!r} has a row of another shape")
            checksum.add(line)
            batch.append(row)
            if len(batch) == BATCH_ROWS:
                yield batch
                batch = []
        if row != {"table": name, "rows": checksum.rows, "sha256": checksum.sha256}:
            raise BackupError(f"is damaged: the checksum of table {name!r} is wrong")
        self.checksums[name] = checksum
        if batch:
            yield batch

    def _next(self) -> Any:
        return self._parsed(self._read())

    def _read(self) -> bytes:
        try:
            return self._file.readline()
        except gzip.BadGzipFile as error:
            raise BackupError(f"is damaged, or no backup: {error}") from None
        except EOFError:
            raise BackupError("is cut off before its end") from None
        except zlib.error as error:
            raise BackupError(f"is damaged: {error}") from None

    def _parsed(self, line: bytes) -> Any:
        if not line:
            raise BackupError("is cut off before its end")
        try:
            return json.loads(line)
        except ValueError:
            raise BackupError("is damaged, or no backup: a line is no JSON") from None


def iter_lines(
    connection: sa.Connection, columns: Sequence[sa.Column[Any]]
) -> Iterator[list[bytes]]:
    """Yield the rows of a table as lines of a file, a thousand at a time."""
    makers = [_converter(column, _ENCODERS) for column in columns]
    rows = connection.execute(sa.select(*columns), execution_options={"yield_per": BATCH_ROWS})
    for part in rows.partitions():
        yield [_encode_line(_convert(makers, row)) for row in part]


def decode_rows(
    table: sa.Table, columns: Sequence[str], rows: list[list[Any]]
) -> list[dict[str, Any]]:
    """Return rows of a file as what the table takes."""
    makers = [_converter(table.columns[name], _DECODERS) for name in columns]
    return [dict(zip(columns, _convert(makers, row), strict=True)) for row in rows]


Converter = Callable[[Any], Any]


def _encode_time(moment: datetime) -> str:
    # SQLite knows no offsets: what it keeps is UTC.
    utc = moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='microseconds')}Z"


def _decode_time(text: str) -> datetime:
    return datetime.fromisoformat(text)


# What JSON does not know by itself.
_ENCODERS: dict[type[sa.types.TypeEngine[Any]], Converter] = {
    sa.DateTime: _encode_time,
    sa.Date: date.isoformat,
    sa.LargeBinary: bytes.hex,
}
_DECODERS: dict[type[sa.types.TypeEngine[Any]], Converter] = {
    sa.DateTime: _decode_time,
    sa.Date: date.fromisoformat,
    sa.LargeBinary: bytes.fromhex,
}


def _converter(
    column: sa.Column[Any], makers: Mapping[type[sa.types.TypeEngine[Any]], Converter]
) -> Converter | None:
    return next((make for kind, make in makers.items() if isinstance(column.type, kind)), None)


def _convert(makers: Sequence[Converter | None], row: Sequence[Any]) -> list[Any]:
    return [
        value if make is None or value is None else make(value)
        for make, value in zip(makers, row, strict=True)
    ]


def _encode_line(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"
