"""The base class and the types of all tables."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase

# SQLite generates keys for its INTEGER type only.
BIG_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def stored(purpose: str) -> dict[str, str]:
    """Return the ``info`` of a column: what it contains, for docs/how-to/privacy.md."""
    return {"purpose": purpose}


def stored_rows(*, about: str, retention: str) -> dict[str, dict[str, str]]:
    """Return the options of a table: whom or what its rows are about, and their retention."""
    return {"info": {"about": about, "retention": retention}}


class UtcDateTime(sa.TypeDecorator[datetime]):
    """A timezone-aware time in UTC.

    SQLite stores times without an offset, so they are converted to UTC first.
    """

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is UTC:
            return value
        if value.tzinfo is None:
            raise ValueError(f"{value} has no UTC offset")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        time: datetime = value
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


class Base(DeclarativeBase):
    """The base class, with names of constraints that migrations can rely on."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
