"""What the tracker remembers."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class UtcDateTime(sa.TypeDecorator[datetime]):
    """An aware time in UTC. The one place where databases that know no offsets are helped.

    SQLite stores what it is given without the offset, so that only UTC may go in.
    """

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no UTC offset")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class Base(DeclarativeBase):
    """Names every constraint the same way in every database, so that migrations can find it."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Figures:
    """What a server says of itself at one moment.

    Bitrates are in bit/s. ``bitrate`` is what it sends, ``cbitrate`` what its clients together
    should get; ``figures`` holds those of single streams, such as ``webm_high_clients``.
    """

    clients: Mapped[int] = mapped_column(sa.BigInteger)
    bitrate: Mapped[int] = mapped_column(sa.BigInteger)
    cbitrate: Mapped[int] = mapped_column(sa.BigInteger)
    figures: Mapped[dict[str, int]] = mapped_column(sa.JSON)


class Endpoint(Figures, Base):
    """A server which streams one room to viewers, as it is now. Its address is public."""

    __tablename__ = "endpoint"
    __table_args__ = (sa.UniqueConstraint("room", "ip"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    room: Mapped[str] = mapped_column(sa.String(64))
    ip: Mapped[str] = mapped_column(sa.String(45))
    last_seen: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class Sample(Figures, Base):
    """What an endpoint reported at some moment: the history behind the graphs."""

    __tablename__ = "sample"
    __table_args__ = (sa.Index("ix_sample_room_at", "room", "at"),)

    id: Mapped[int] = mapped_column(
        sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True
    )
    room: Mapped[str] = mapped_column(sa.String(64))
    ip: Mapped[str] = mapped_column(sa.String(45))
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class Account(Base):
    """Somebody of the crew who may log in."""

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(64), unique=True)
    password_hash: Mapped[str] = mapped_column(sa.String(255))
    role: Mapped[str] = mapped_column(sa.String(16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
