"""Players, and the history of playback."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from streaming_system.tracker.models.base import BIG_ID, Base, UtcDateTime, stored, stored_rows


class Player(Base):
    """One open player, which is one viewer. ``sid`` is a random identifier of its own.

    It counts from ``begun`` until ``until``: when the next report is overdue, or when the player
    sent its last report. Its metrics are totals since it began, so a lost report loses no data.
    Columns that end in ``_ms`` are milliseconds.
    """

    __tablename__ = "player"
    __table_args__ = (
        sa.Index("ix_player_until_room", "until", "room", "endpoint"),
        sa.Index("ix_player_begun_room", "begun", "room"),
        sa.Index("ix_player_room_endpoint_moved", "room", "endpoint", "moved"),
        stored_rows(about="viewers", retention="`retention.samples_hours`"),
    )

    sid: Mapped[str] = mapped_column(
        sa.String(64),
        primary_key=True,
        info=stored("random number of an open player, or keyed hash of the cookie of an old one"),
    )
    room: Mapped[str] = mapped_column(sa.String(64), info=stored("room"))
    endpoint: Mapped[str] = mapped_column(sa.String(64), info=stored("name of the server"))
    format: Mapped[str] = mapped_column(sa.String(16), info=stored("format of the stream"))
    quality: Mapped[str] = mapped_column(sa.String(32), info=stored("quality of the stream"))
    begun: Mapped[datetime] = mapped_column(UtcDateTime, info=stored("begin of playback"))
    # When it joined its present endpoint.
    moved: Mapped[datetime] = mapped_column(UtcDateTime, info=stored("when it joined the server"))
    last_seen: Mapped[datetime] = mapped_column(UtcDateTime, info=stored("time of its last report"))
    until: Mapped[datetime] = mapped_column(UtcDateTime, info=stored("when it counts as closed"))
    startup_ms: Mapped[int | None] = mapped_column(sa.Integer, info=stored("startup time"))
    played_ms: Mapped[int] = mapped_column(sa.BigInteger, info=stored("time played"))
    rebuffer_ms: Mapped[int] = mapped_column(sa.BigInteger, info=stored("time spent rebuffering"))
    rebuffers: Mapped[int] = mapped_column(sa.Integer, info=stored("number of interruptions"))
    dropped: Mapped[int] = mapped_column(sa.BigInteger, info=stored("number of dropped frames"))
    errors: Mapped[int] = mapped_column(sa.Integer, info=stored("number of errors"))


class _PlaybackCounters:
    """Playback metrics: counts, and times in milliseconds."""

    starts: Mapped[int] = mapped_column(sa.Integer, info=stored("number of players that started"))
    played_ms: Mapped[int] = mapped_column(sa.BigInteger, info=stored("time played"))
    rebuffer_ms: Mapped[int] = mapped_column(sa.BigInteger, info=stored("time spent rebuffering"))
    rebuffers: Mapped[int] = mapped_column(sa.Integer, info=stored("number of interruptions"))
    dropped: Mapped[int] = mapped_column(sa.BigInteger, info=stored("number of dropped frames"))
    errors: Mapped[int] = mapped_column(sa.Integer, info=stored("number of errors"))


class Playback(_PlaybackCounters, Base):
    """What counts of the changes of one player's totals since its last report.

    It has no identifier of the player. ``network`` is a bucket of thousands of networks; see
    ``ingest/player_networks.py``. ``outliers`` is 1 if the report claimed what cannot be, so that
    nothing of it counts.
    """

    __tablename__ = "playback"
    __table_args__ = (
        sa.Index("ix_playback_at", "at"),
        stored_rows(about="viewers", retention="`retention.samples_hours`"),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True, info=stored("row number"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, info=stored("time of the report"))
    room: Mapped[str] = mapped_column(sa.String(64), info=stored("room"))
    endpoint: Mapped[str] = mapped_column(sa.String(64), info=stored("name of the server"))
    format: Mapped[str] = mapped_column(sa.String(16), info=stored("format of the stream"))
    quality: Mapped[str] = mapped_column(sa.String(32), info=stored("quality of the stream"))
    startup_ms: Mapped[int | None] = mapped_column(sa.Integer, info=stored("startup time"))
    bitrate: Mapped[int | None] = mapped_column(sa.BigInteger, info=stored("bit/s of the stream"))
    network: Mapped[int | None] = mapped_column(
        sa.Integer, info=stored("bucket of its network, which thousands of networks share")
    )
    outliers: Mapped[int] = mapped_column(
        sa.Integer,
        default=0,
        server_default="0",
        info=stored("1 if the report claimed what cannot be"),
    )


class _PlaybackRollup(_PlaybackCounters):
    """A rollup of the playback on one endpoint over an interval that begins at ``at``.

    ``startups`` is a histogram of startup times. ``viewers`` is the number at the beginning of the
    interval.
    """

    at: Mapped[datetime] = mapped_column(
        UtcDateTime, primary_key=True, info=stored("begin of the interval")
    )
    room: Mapped[str] = mapped_column(sa.String(64), primary_key=True, info=stored("room"))
    endpoint: Mapped[str] = mapped_column(
        sa.String(64), primary_key=True, info=stored("name of the server")
    )
    viewers: Mapped[int] = mapped_column(sa.Integer, info=stored("number of viewers"))
    startups: Mapped[list[int]] = mapped_column(sa.JSON, info=stored("histogram of startup times"))


class Playback1Min(_PlaybackRollup, Base):
    """A rollup of one minute."""

    __tablename__ = "playback_minute"
    __table_args__ = stored_rows(about="no person", retention="`retention.minutes_days`")


class Playback10Min(_PlaybackRollup, Base):
    """A rollup of ten minutes."""

    __tablename__ = "playback_ten"
    __table_args__ = stored_rows(about="no person", retention="`retention.ten_minutes_days`")


class RollupCursor(Base):
    """The time up to which a rollup table is complete."""

    __tablename__ = "rollup"
    __table_args__ = stored_rows(about="no person", retention="unlimited")

    name: Mapped[str] = mapped_column(
        sa.String(32), primary_key=True, info=stored("name of the rollup")
    )
    until: Mapped[datetime] = mapped_column(UtcDateTime, info=stored("until when it is complete"))
