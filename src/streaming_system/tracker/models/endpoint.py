"""Endpoints and the history of their reports."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from streaming_system.tracker.models.base import BIG_ID, Base, UtcDateTime


class EndpointMetrics:
    """Metrics that an endpoint reports; bitrates are in bit/s.

    ``bitrate`` is what it sends, ``cbitrate`` what its clients together should get;
    ``stream_metrics`` are those of single streams, such as ``webm_high_clients``.
    """

    clients: Mapped[int] = mapped_column(sa.BigInteger)
    bitrate: Mapped[int] = mapped_column(sa.BigInteger)
    cbitrate: Mapped[int] = mapped_column(sa.BigInteger)
    stream_metrics: Mapped[dict[str, int]] = mapped_column("figures", sa.JSON)


class Endpoint(EndpointMetrics, Base):
    """The present state of a server that streams one room to viewers. Its address is public.

    ``name`` identifies it within its room; the default is its address. ``url`` is the base of its
    stream URLs; if it is "", the pattern in the ini file applies to ``host``. ``files`` are the
    paths of streams below it, by stream, where they are not the conventional ones. ``capacity`` is
    in bit/s, ``None`` if unknown.

    No viewers are assigned to it while it is ``draining`` at its own request, or ``drained`` by the
    crew. ``since`` is when it began to report without a gap, ``left_at`` when it deregistered, and
    ``assigned`` the number of assigned viewers that its last report cannot include yet.
    ``token_id`` is the token that registered it first, ``None`` for the shared secret.
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
    files: Mapped[dict[str, str]] = mapped_column(sa.JSON, default=dict, server_default="{}")
    capacity: Mapped[int | None] = mapped_column(sa.BigInteger)
    region: Mapped[str] = mapped_column(sa.String(64), default="")
    tags: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    software: Mapped[str] = mapped_column(sa.String(200), default="")
    draining: Mapped[bool] = mapped_column(default=False)
    drained: Mapped[bool] = mapped_column(default=False)
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    left_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    assigned: Mapped[int] = mapped_column("handed", sa.BigInteger, default=0)
    token_id: Mapped[int | None] = mapped_column(sa.Integer)


class Sample(EndpointMetrics, Base):
    """The metrics of one report: the history behind the graphs."""

    __tablename__ = "sample"
    __table_args__ = (sa.Index("ix_sample_room_at", "room", "at"),)

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    room: Mapped[str] = mapped_column(sa.String(64))
    name: Mapped[str] = mapped_column(sa.String(64))
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class _SampleRollup:
    """A rollup of an endpoint's samples over an interval that begins at ``at``.

    A sample is valid until the next one, for 60 s at most. A column ``_ms`` is the sum of values
    times their milliseconds of validity within the interval, so that intervals add up and means are
    weighted by time. A column ``_max`` is the largest valid value. ``samples`` is the number of
    reports.
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
    """A rollup of one minute."""

    __tablename__ = "sample_minute"


class Sample10Min(_SampleRollup, Base):
    """A rollup of ten minutes."""

    __tablename__ = "sample_ten"


class LogHour(Base):
    """Totals of an endpoint's access log in one hour. ``viewers`` counts distinct ones."""

    __tablename__ = "log_hour"

    hour: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    room: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    hits: Mapped[int] = mapped_column(sa.BigInteger)
    bytes: Mapped[int] = mapped_column(sa.BigInteger)
    errors: Mapped[int] = mapped_column(sa.BigInteger)
    viewers: Mapped[int] = mapped_column(sa.BigInteger)


class LogBatch(Base):
    """The latest batch of log lines that a sender has delivered for a room, by its own name."""

    __tablename__ = "log_batch"

    sender: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    room: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    batch: Mapped[str] = mapped_column(sa.String(60))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class LogVisitor(Base):
    """A visitor of one hour: the address hashed with the salt of the day."""

    __tablename__ = "log_visitor"

    hour: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    room: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    visitor: Mapped[Any] = mapped_column(sa.LargeBinary(16), primary_key=True)
