"""Players, and the history of playback."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from streaming_system.tracker.models.base import BIG_ID, Base, UtcDateTime


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
    )

    sid: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    room: Mapped[str] = mapped_column(sa.String(64))
    endpoint: Mapped[str] = mapped_column(sa.String(64))
    format: Mapped[str] = mapped_column(sa.String(16))
    quality: Mapped[str] = mapped_column(sa.String(32))
    begun: Mapped[datetime] = mapped_column(UtcDateTime)
    # When it joined its present endpoint.
    moved: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    startup_ms: Mapped[int | None] = mapped_column(sa.Integer)
    played_ms: Mapped[int] = mapped_column(sa.BigInteger)
    rebuffer_ms: Mapped[int] = mapped_column(sa.BigInteger)
    rebuffers: Mapped[int] = mapped_column(sa.Integer)
    dropped: Mapped[int] = mapped_column(sa.BigInteger)
    errors: Mapped[int] = mapped_column(sa.Integer)


class _PlaybackCounters:
    """Playback metrics: counts, and times in milliseconds."""

    starts: Mapped[int] = mapped_column(sa.Integer)
    played_ms: Mapped[int] = mapped_column(sa.BigInteger)
    rebuffer_ms: Mapped[int] = mapped_column(sa.BigInteger)
    rebuffers: Mapped[int] = mapped_column(sa.Integer)
    dropped: Mapped[int] = mapped_column(sa.BigInteger)
    errors: Mapped[int] = mapped_column(sa.Integer)


class Playback(_PlaybackCounters, Base):
    """What counts of the changes of one player's totals since its last report.

    It has no identifier of the player. ``network`` is a bucket of thousands of networks; see
    ``ingest/player_networks.py``. ``outliers`` is 1 if the report claimed what cannot be, so that
    nothing of it counts.
    """

    __tablename__ = "playback"
    __table_args__ = (sa.Index("ix_playback_at", "at"),)

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    room: Mapped[str] = mapped_column(sa.String(64))
    endpoint: Mapped[str] = mapped_column(sa.String(64))
    format: Mapped[str] = mapped_column(sa.String(16))
    quality: Mapped[str] = mapped_column(sa.String(32))
    startup_ms: Mapped[int | None] = mapped_column(sa.Integer)
    bitrate: Mapped[int | None] = mapped_column(sa.BigInteger)
    network: Mapped[int | None] = mapped_column(sa.Integer)
    outliers: Mapped[int] = mapped_column(sa.Integer, default=0, server_default="0")


class _PlaybackRollup(_PlaybackCounters):
    """A rollup of the playback on one endpoint over an interval that begins at ``at``.

    ``startups`` is a histogram of startup times. ``viewers`` is the number at the beginning of the
    interval.
    """

    at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    room: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    endpoint: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    viewers: Mapped[int] = mapped_column(sa.Integer)
    startups: Mapped[list[int]] = mapped_column(sa.JSON)


class Playback1Min(_PlaybackRollup, Base):
    """A rollup of one minute."""

    __tablename__ = "playback_minute"


class Playback10Min(_PlaybackRollup, Base):
    """A rollup of ten minutes."""

    __tablename__ = "playback_ten"


class RollupCursor(Base):
    """The time up to which a rollup table is complete."""

    __tablename__ = "rollup"

    name: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
