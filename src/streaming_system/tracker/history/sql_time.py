"""Times as numbers in SQL, for SQLite and PostgreSQL."""

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class EpochMs(FunctionElement[int]):
    """``EpochMs(column)``: milliseconds since 1970, in SQL."""

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


def to_ms(time: datetime) -> int:
    """Return the milliseconds from 1970 to a time."""
    return (time - _EPOCH) // _MILLISECOND


def from_ms(milliseconds: int) -> datetime:
    """Return the time that is so many milliseconds after 1970, in UTC."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def floor_to(time: datetime, step: timedelta) -> datetime:
    """Round a time down to a multiple of a step since 1970."""
    return time - (time - _EPOCH) % step
