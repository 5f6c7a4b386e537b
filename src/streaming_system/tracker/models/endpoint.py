"""Endpoints and the history of their reports."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from streaming_system.tracker.models.base import BIG_ID, Base, UtcDateTime, stored, stored_rows


class EndpointMetrics:
    """Metrics that an endpoint reports; bitrates are in bit/s.

    ``bitrate`` is what it sends, ``cbitrate`` what its clients together should get;
    ``stream_metrics`` are those of single streams, such as ``webm_high_clients``.
    """

    clients: Mapped[int] = mapped_column(sa.BigInteger, info=stored("number of connected viewers"))
    bitrate: Mapped[int] = mapped_column(sa.BigInteger, info=stored("bit/s that it sends"))
    cbitrate: Mapped[int] = mapped_column(
        sa.BigInteger, info=stored("bit/s that its viewers should get")
    )
    stream_metrics: Mapped[dict[str, int]] = mapped_column(
        "figures", sa.JSON, info=stored("metrics of single streams")
    )


class Endpoint(EndpointMetrics, Base):
    """The present state of a server that streams one room to viewers. Its address is public.

    ``name`` identifies it within its room; the default is its address. ``url`` is the base of its
    stream URLs; if it is "", the pattern in the ini file applies to ``host``. ``files`` are the
    paths of streams below it, by stream, where they are not the conventional ones. ``ingest`` is
    what encoders send to it, a :class:`StreamIngestSchema` for each stream. ``capacity`` is in
    bit/s, ``None`` if unknown.

    ``slate_since`` is when its viewers began to get a slate, because its input is lost.

    No viewers are assigned to it while it is ``draining`` at its own request, or ``drained`` by the
    crew. ``since`` is when it began to report without a gap, ``left_at`` when it deregistered, and
    ``assigned`` the number of assigned viewers that its last report cannot include yet.
    ``token_id`` is the token that registered it first, ``None`` for the shared secret.

    ``instance`` is the agent that may report it; "" if it reports without such an id. ``clash_at``
    is when another instance last tried, and ``clash_host`` where that one streams. ``clock_offset``
    is by how many seconds its machine's clock is ahead, ``None`` if unknown.
    """

    __tablename__ = "endpoint"
    __table_args__ = (
        sa.UniqueConstraint("room", "name"),
        stored_rows(about="servers", retention="7 days after its last report"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, info=stored("row number"))
    room: Mapped[str] = mapped_column(sa.String(64), info=stored("room"))
    name: Mapped[str] = mapped_column(sa.String(64), info=stored("name of the server in its room"))
    host: Mapped[str] = mapped_column(sa.String(255), info=stored("address of the server"))
    url: Mapped[str] = mapped_column(
        sa.String(1000), default="", info=stored("base of its stream URLs")
    )
    formats: Mapped[list[str]] = mapped_column(
        sa.JSON, default=list, info=stored("formats of its streams")
    )
    qualities: Mapped[list[str]] = mapped_column(
        sa.JSON, default=list, info=stored("qualities of its streams")
    )
    files: Mapped[dict[str, str]] = mapped_column(
        sa.JSON, default=dict, server_default="{}", info=stored("paths of its streams")
    )
    ingest: Mapped[list[dict[str, Any]]] = mapped_column(
        sa.JSON,
        default=list,
        server_default="[]",
        info=stored("what encoders send: bitrates, frame rates, keyframe intervals, drops"),
    )
    capacity: Mapped[int | None] = mapped_column(
        sa.BigInteger, info=stored("bit/s that it can send")
    )
    region: Mapped[str] = mapped_column(
        sa.String(64), default="", info=stored("country or region of the server")
    )
    tags: Mapped[list[str]] = mapped_column(
        sa.JSON, default=list, info=stored("labels of the operator")
    )
    software: Mapped[str] = mapped_column(
        sa.String(200), default="", info=stored("name and version of its software")
    )
    draining: Mapped[bool] = mapped_column(default=False, info=stored("it accepts no new viewers"))
    drained: Mapped[bool] = mapped_column(
        default=False, info=stored("the crew sends it no new viewers")
    )
    since: Mapped[datetime] = mapped_column(UtcDateTime, info=stored("when it began to report"))
    last_seen: Mapped[datetime] = mapped_column(
        UtcDateTime, index=True, info=stored("time of its last report")
    )
    left_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, info=stored("when it deregistered")
    )
    slate_since: Mapped[datetime | None] = mapped_column(
        UtcDateTime, info=stored("when its viewers began to get a slate")
    )
    assigned: Mapped[int] = mapped_column(
        "handed",
        sa.BigInteger,
        default=0,
        info=stored("number of viewers assigned since its last report"),
    )
    token_id: Mapped[int | None] = mapped_column(
        sa.Integer, info=stored("id of the token that registered it first")
    )
    instance: Mapped[str] = mapped_column(
        sa.String(64), default="", server_default="", info=stored("random id of its agent")
    )
    clash_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, info=stored("when another agent last used its name")
    )
    clash_host: Mapped[str] = mapped_column(
        sa.String(255), default="", server_default="", info=stored("address of that other server")
    )
    clock_offset: Mapped[float | None] = mapped_column(
        sa.Float, info=stored("seconds that its clock is ahead")
    )


class Sample(EndpointMetrics, Base):
    """The metrics of one report: the history behind the graphs."""

    __tablename__ = "sample"
    __table_args__ = (
        sa.Index("ix_sample_room_at", "room", "at"),
        stored_rows(about="servers", retention="`retention.samples_hours`"),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True, info=stored("row number"))
    room: Mapped[str] = mapped_column(sa.String(64), info=stored("room"))
    name: Mapped[str] = mapped_column(sa.String(64), info=stored("name of the server"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True, info=stored("time of the report"))


class _SampleRollup:
    """A rollup of an endpoint's samples over an interval that begins at ``at``.

    A sample is valid until the next one, for 60 s at most. A column ``_ms`` is the sum of values
    times their milliseconds of validity within the interval, so that intervals add up and means are
    weighted by time. A column ``_max`` is the largest valid value. ``samples`` is the number of
    reports.
    """

    at: Mapped[datetime] = mapped_column(
        UtcDateTime, primary_key=True, info=stored("begin of the interval")
    )
    room: Mapped[str] = mapped_column(sa.String(64), primary_key=True, info=stored("room"))
    name: Mapped[str] = mapped_column(
        sa.String(64), primary_key=True, info=stored("name of the server")
    )
    samples: Mapped[int] = mapped_column(sa.Integer, info=stored("number of reports"))
    clients_ms: Mapped[int] = mapped_column(sa.BigInteger, info=stored("sum of viewers"))
    clients_max: Mapped[int] = mapped_column(
        sa.BigInteger, info=stored("largest number of viewers")
    )
    bitrate_ms: Mapped[int] = mapped_column(sa.BigInteger, info=stored("sum of bit/s"))
    bitrate_max: Mapped[int] = mapped_column(sa.BigInteger, info=stored("largest bit/s"))
    cbitrate_ms: Mapped[int] = mapped_column(
        sa.BigInteger, info=stored("sum of bit/s that viewers should get")
    )


class Sample1Min(_SampleRollup, Base):
    """A rollup of one minute."""

    __tablename__ = "sample_minute"
    __table_args__ = stored_rows(about="servers", retention="`retention.minutes_days`")


class Sample10Min(_SampleRollup, Base):
    """A rollup of ten minutes."""

    __tablename__ = "sample_ten"
    __table_args__ = stored_rows(about="servers", retention="`retention.ten_minutes_days`")


class LogHour(Base):
    """Totals of an endpoint's access log in one hour. ``viewers`` counts distinct ones."""

    __tablename__ = "log_hour"
    __table_args__ = stored_rows(about="no person", retention="`retention.ten_minutes_days`")

    hour: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True, info=stored("hour"))
    room: Mapped[str] = mapped_column(sa.String(64), primary_key=True, info=stored("room"))
    name: Mapped[str] = mapped_column(
        sa.String(64), primary_key=True, info=stored("name of the server")
    )
    hits: Mapped[int] = mapped_column(sa.BigInteger, info=stored("number of requests"))
    bytes: Mapped[int] = mapped_column(sa.BigInteger, info=stored("bytes sent"))
    errors: Mapped[int] = mapped_column(sa.BigInteger, info=stored("number of failed requests"))
    viewers: Mapped[int] = mapped_column(sa.BigInteger, info=stored("number of distinct viewers"))


class LogBatch(Base):
    """The latest batch of log lines that a sender has delivered for a room, by its own name."""

    __tablename__ = "log_batch"
    __table_args__ = stored_rows(about="servers", retention="`retention.ten_minutes_days`")

    sender: Mapped[str] = mapped_column(
        sa.String(40), primary_key=True, info=stored("name of the sending agent")
    )
    room: Mapped[str] = mapped_column(sa.String(64), primary_key=True, info=stored("room"))
    batch: Mapped[str] = mapped_column(sa.String(60), info=stored("name of its latest batch"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, info=stored("when it arrived"))


class LogVisitor(Base):
    """A visitor of one hour: the address hashed with the salt of the day."""

    __tablename__ = "log_visitor"
    __table_args__ = stored_rows(about="viewers", retention="a day")

    hour: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True, info=stored("hour"))
    room: Mapped[str] = mapped_column(sa.String(64), primary_key=True, info=stored("room"))
    name: Mapped[str] = mapped_column(
        sa.String(64), primary_key=True, info=stored("name of the server")
    )
    visitor: Mapped[Any] = mapped_column(
        sa.LargeBinary(16),
        primary_key=True,
        info=stored("hash of address and user agent with the salt of the day"),
    )
