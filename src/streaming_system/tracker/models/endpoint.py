"""The servers that stream, and what they have reported."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from streaming_system.tracker.models.base import BIG_ID, Base, UtcDateTime


class EndpointMetrics:
    """What a server says of itself at one moment.

    Bitrates are in bit/s. ``bitrate`` is what it sends, ``cbitrate`` what its clients together
    should get; ``figures`` holds those of single streams, such as ``webm_high_clients``.
    """

    clients: Mapped[int] = mapped_column(sa.BigInteger)
    bitrate: Mapped[int] = mapped_column(sa.BigInteger)
    cbitrate: Mapped[int] = mapped_column(sa.BigInteger)
    figures: Mapped[dict[str, int]] = mapped_column(sa.JSON)


class Endpoint(EndpointMetrics, Base):
    """A server which streams one room to viewers, as it is now. Its address is public.

    ``name`` identifies it within its room; where it chooses none it is its address. ``url`` is the
    base of its streams, "" where the ini's pattern makes it of ``host``. ``capacity`` is in
    bit/s, ``None`` where unknown.

    It is given no new viewers while it says that it is ``draining``, or the crew has ``drained``
    it. ``since`` is when it began to report without a gap, ``left_at`` when it said goodbye, and
    ``handed`` how many viewers were sent to it that its last report cannot have counted yet.
    """

    __tablename__ = "endpoint"
    __table_args__ = (sa.UniqueConstraint("room", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    room: Mapped[str] = mapped_column(sa.String(64))
    name: Mapped[str] = mapped_column(sa.String(64))
    host: Mapped[str] = mapped_column(sa.String(255))
    url: Mapped[str] = mapped_column(sa.String(1000), default="")
    formats: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    qualities: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    capacity: Mapped[int | None] = mapped_column(sa.BigInteger)
    region: Mapped[str] = mapped_column(sa.String(64), default="")
    tags: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    software: Mapped[str] = mapped_column(sa.String(200), default="")
    draining: Mapped[bool] = mapped_column(default=False)
    drained: Mapped[bool] = mapped_column(default=False)
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    left_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    handed: Mapped[int] = mapped_column(sa.BigInteger, default=0)


class Sample(EndpointMetrics, Base):
    """What an endpoint reported at some moment: the history behind the graphs."""

    __tablename__ = "sample"
    __table_args__ = (sa.Index("ix_sample_room_at", "room", "at"),)

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    room: Mapped[str] = mapped_column(sa.String(64))
    name: Mapped[str] = mapped_column(sa.String(64))
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class _SampleRollup:
    """What an endpoint's reports say of a span that begins at ``at``.

    A report holds until the next one, for 60 s at most. What ends in ``_ms`` is the figure times
    the milliseconds that it held within the span, so that spans add up and means are over time;
    what ends in ``_max`` is the largest that held. ``samples`` are the reports of the span.
    """

    at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    room: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    samples: Mapped[int] = mapped_column(sa.Integer)
    clients_ms: Mapped[int] = mapped_column(sa.BigInteger)
    clients_max: Mapped[int] = mapped_column(sa.BigInteger)
    bitrate_ms: Mapped[int] = mapped_column(sa.BigInteger)
    bitrate_max: Mapped[int] = mapped_column(sa.BigInteger)
    cbitrate_ms: Mapped[int] = mapped_column(sa.BigInteger)


class Sample1Min(_SampleRollup, Base):
    """The samples of an endpoint within a minute."""

    __tablename__ = "sample_minute"


class Sample10Min(_SampleRollup, Base):
    """The samples of an endpoint within ten minutes."""

    __tablename__ = "sample_ten"


class LogHour(Base):
    """What the access log of an endpoint says of one hour. ``viewers`` are distinct ones."""

    __tablename__ = "log_hour"

    hour: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    room: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    hits: Mapped[int] = mapped_column(sa.BigInteger)
    bytes: Mapped[int] = mapped_column(sa.BigInteger)
    errors: Mapped[int] = mapped_column(sa.BigInteger)
    viewers: Mapped[int] = mapped_column(sa.BigInteger)


class LogBatch(Base):
    """Which lines a sender has handed in last of a room: its own word for them."""

    __tablename__ = "log_batch"

    sender: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    room: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    batch: Mapped[str] = mapped_column(sa.String(60))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class LogVisitor(Base):
    """That somebody was seen in an hour: a hash with the day's salt, which is thrown away."""

    __tablename__ = "log_visitor"

    hour: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    room: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    visitor: Mapped[Any] = mapped_column(sa.LargeBinary(16), primary_key=True)
