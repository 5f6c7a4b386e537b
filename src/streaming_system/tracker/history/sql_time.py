"""Times as numbers in SQL, which every database spells in its own way."""

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class EpochMs(FunctionElement[int]):
    """``EpochMs(column)``: whole milliseconds since 1970, in SQL."""

    type = sa.BigInteger()
    inherit_cache = True
    name = "epoch_ms"


@compiles(EpochMs, "sqlite")
def _sqlite(element: EpochMs, compiler: Any, **options: Any) -> str:
    column = compiler.process(element.clauses, **options)
    # SQLite counts days since noon of 24 November 4714 BC.
    return f"CAST(ROUND((julianday({column}) - 2440587.5) * 86400000) AS INTEGER)"


@compiles(EpochMs, "postgresql")
def _postgresql(element: EpochMs, compiler: Any, **options: Any) -> str:
    column = compiler.process(element.clauses, **options)
    return f"CAST(ROUND(EXTRACT(EPOCH FROM {column}) * 1000) AS BIGINT)"


def to_ms(moment: datetime) -> int:
    """Return the same in Python."""
    return (moment - _EPOCH) // _MILLISECOND


def from_ms(milliseconds: int) -> datetime:
    """Return the moment that is so many milliseconds after 1970."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def floor_to(moment: datetime, step: timedelta) -> datetime:
    """Return the last moment until then that is a whole number of steps after 1970."""
    return moment - (moment - _EPOCH) % step
