"""The file format of backups: gzipped JSON lines, which are independent of the database.

The first line has the version and the columns of all tables. Then follow, for each table, its rows
as lists, and an object with their number and checksum. A truncated or changed file is detected.
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
    """A failed backup or restore; the message is one line."""


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
            "taken": _encode_time(taken),
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
        file.seek(0)
        self._file = gzip.GzipFile(fileobj=file, mode="rb")
        header = self._parse(self._next_line())
        if not isinstance(header, dict) or header.get("format") != FORMAT:
            raise BackupError("is no backup of a tracker")
        if header.get("version") != FORMAT_VERSION:
            raise BackupError(
                f"is of version {header.get('version')!r}, but this program reads {FORMAT_VERSION}"
            )
        try:
            self.revision = str(header["revision"])
            self.taken = _decode_time(header["taken"])
            self.columns = {str(name): list(columns) for name, columns in header["tables"].items()}
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
            if len(batch) == BATCH_ROWS:
                yield batch
                batch = []
        if row != {"table": name, "rows": checksum.rows, "sha256": checksum.sha256}:
            raise BackupError(f"is damaged: the checksum of table {name!r} is wrong")
        self.checksums[name] = checksum
        if batch:
            yield batch

    def _next_line(self) -> bytes:
        try:
            return self._file.readline()
        except gzip.BadGzipFile as error:
            raise BackupError(f"is damaged, or no backup: {error}") from None
        except EOFError:
            raise BackupError("is truncated") from None
        except zlib.error as error:
            raise BackupError(f"is damaged: {error}") from None

    def _parse(self, line: bytes) -> Any:
        if not line:
            raise BackupError("is truncated")
        try:
            return json.loads(line)
        except ValueError:
            raise BackupError("is damaged, or no backup: a line is no JSON") from None


def iter_lines(
    connection: sa.Connection, columns: Sequence[sa.Column[Any]]
) -> Iterator[list[bytes]]:
    """Yield the rows of a table as lines of a file, in batches."""
    converters = [_converter(column, _ENCODERS) for column in columns]
    rows = connection.execute(sa.select(*columns), execution_options={"yield_per": BATCH_ROWS})
    for batch in rows.partitions():
        yield [_encode_line(_convert(converters, row)) for row in batch]


def decode_rows(
    table: sa.Table, columns: Sequence[str], rows: list[list[Any]]
) -> list[dict[str, Any]]:
    """Return rows of a file as values of a table."""
    converters = [_converter(table.columns[name], _DECODERS) for name in columns]
    return [dict(zip(columns, _convert(converters, row), strict=True)) for row in rows]


Converter = Callable[[Any], Any]


def _encode_time(time: datetime) -> str:
    # SQLite stores UTC without offset.
    utc = time if time.tzinfo is None else time.astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='microseconds')}Z"


def _decode_time(text: str) -> datetime:
    return datetime.fromisoformat(text)


# The types that JSON lacks.
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
    column: sa.Column[Any], converters: Mapping[type[sa.types.TypeEngine[Any]], Converter]
) -> Converter | None:
    return next(
        (converter for kind, converter in converters.items() if isinstance(column.type, kind)),
        None,
    )


def _convert(converters: Sequence[Converter | None], row: Sequence[Any]) -> list[Any]:
    return [
        value if convert is None or value is None else convert(value)
        for convert, value in zip(converters, row, strict=True)
    ]


def _encode_line(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"
