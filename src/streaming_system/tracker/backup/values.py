"""Values of the database in a backup, which are JSON: their encoding, validation and decoding."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

_MIN_INT64, _MAX_INT64 = -(2**63), 2**63 - 1

Converter = Callable[[Any], Any]


def encode_time(time: datetime) -> str:
    """Return a time as RFC 3339 text in UTC."""
    # SQLite stores UTC without offset.
    utc = time if time.tzinfo is None else time.astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='microseconds')}Z"


def decode_time(text: str) -> datetime:
    """Return the time in a text.

    :raises ValueError: if it is no time, or has no UTC offset.
    """
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("a time has no UTC offset")
    return time


# The types that JSON lacks.
_ENCODERS: dict[type[sa.types.TypeEngine[Any]], Converter] = {
    sa.DateTime: encode_time,
    sa.Date: date.isoformat,
    sa.LargeBinary: bytes.hex,
}


def _decode_integer(value: Any) -> int:
    if type(value) is not int or not _MIN_INT64 <= value <= _MAX_INT64:
        raise ValueError("a value is no integer of 64 bits")
    return value


def _decode_float(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError("a value is no number")
    return float(value)


def _decode_boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("a value is neither true nor false")
    return value


def _decode_text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("a value is no text")
    # A lone surrogate has no UTF-8.
    value.encode()
    return value


# A decoder gets any JSON value but null.
_DECODERS: dict[type[sa.types.TypeEngine[Any]], Converter] = {
    sa.DateTime: decode_time,
    sa.Date: date.fromisoformat,
    sa.LargeBinary: bytes.fromhex,
    sa.Integer: _decode_integer,
    sa.Float: _decode_float,
    sa.Boolean: _decode_boolean,
    sa.String: _decode_text,
}


def _decoder(column: sa.Column[Any]) -> Converter:
    """Return the function that validates and decodes a column's values."""
    convert = _converter(column, _DECODERS) or (lambda value: value)
    max_chars = getattr(column.type, "length", None)

    def decode(value: Any) -> Any:
        if value is None:
            if not column.nullable:
                raise ValueError(f"the column {column.name} is null")
            return None
        if max_chars is not None and isinstance(value, str) and len(value) > max_chars:
            raise ValueError(f"the column {column.name} has more than {max_chars} characters")
        try:
            return convert(value)
        except (TypeError, ValueError):
            raise ValueError(f"the column {column.name} has an invalid value") from None

    return decode


def _converter(
    column: sa.Column[Any], converters: Mapping[type[sa.types.TypeEngine[Any]], Converter]
) -> Converter | None:
    return next(
        (converter for kind, converter in converters.items() if isinstance(column.type, kind)),
        None,
    )


def row_encoders(columns: Sequence[sa.Column[Any]]) -> list[Converter | None]:
    """Return the functions that encode the values of columns; ``None`` for those that JSON has."""
    return [_converter(column, _ENCODERS) for column in columns]


def encode_row(encoders: Sequence[Converter | None], row: Sequence[Any]) -> list[Any]:
    """Return a row as JSON values."""
    return [
        value if encode is None or value is None else encode(value)
        for encode, value in zip(encoders, row, strict=True)
    ]


def decode_rows(
    table: sa.Table, columns: Sequence[str], rows: list[list[Any]]
) -> list[dict[str, Any]]:
    """Return rows of a file as values of a table.

    :raises ValueError: for a value that the column cannot have. SQLite would store it.
    """
    decoders = [(name, _decoder(table.columns[name])) for name in columns]
    return [
        {name: decode(value) for (name, decode), value in zip(decoders, row, strict=True)}
        for row in rows
    ]
