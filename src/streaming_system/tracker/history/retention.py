"""Forgetting what is old."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.db.session import ensure_write_transaction
from streaming_system.tracker.endpoints.endpoints import ENDPOINT_RETENTION, ENDPOINT_TTL
from streaming_system.tracker.history.rollup import RollupRunner, RollupTable
from streaming_system.tracker.history.sql_time import EpochMs, from_ms, to_ms
from streaming_system.tracker.models import (
    AuditEntry,
    Base,
    Component,
    ComponentMood,
    Endpoint,
    IncidentRecord,
    LogBatch,
    LogHour,
    LoginFailure,
    LogVisitor,
    Playback,
    Playback1Min,
    Playback10Min,
    Player,
    Salt,
    Sample,
    Sample1Min,
    Sample10Min,
)

# So many rows of a table are deleted in one transaction.
MAX_BATCH_ROWS = 5000
DAY = timedelta(days=1)
# Lines of an access log count for a day; the hour that they are of began before.
LATE_GRACE = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class RetentionCutoffs:
    """Up to when each kind of thing is forgotten.

    Single reports and minutes stay, however old, until something has been made of them.
    """

    now: datetime
    samples: datetime
    playback: datetime
    sample_minutes: datetime
    playback_minutes: datetime
    tens: datetime


# The same of what PostgreSQL keeps in partitions: up to when whole ones are dropped.
PARTITIONED_TABLES: Mapping[type[Base], Callable[[RetentionCutoffs], datetime]] = {
    Sample: lambda t: t.samples,
    Playback: lambda t: t.playback,
    Sample1Min: lambda t: t.sample_minutes,
    Playback1Min: lambda t: t.playback_minutes,
}

# What is forgotten: the table, what people call its rows, and which of them.
EXPIRY_RULES: tuple[
    tuple[type[Base], str, Callable[[RetentionCutoffs], sa.ColumnElement[bool]]], ...
] = (
    (Sample, "samples", lambda t: Sample.at < t.samples),
    (Playback, "playback reports", lambda t: Playback.at < t.playback),
    (Player, "players", lambda t: Player.until < t.playback),
    (Sample1Min, "minutes of samples", lambda t: Sample1Min.at < t.sample_minutes),
    (Playback1Min, "minutes of playback", lambda t: Playback1Min.at < t.playback_minutes),
    (Sample10Min, "tens of samples", lambda t: Sample10Min.at < t.tens),
    (Playback10Min, "tens of playback", lambda t: Playback10Min.at < t.tens),
    (LogHour, "hours of logs", lambda t: LogHour.hour < t.tens),
    (LogBatch, "batches of logs", lambda t: LogBatch.at < t.tens),
    (LogVisitor, "visitors", lambda t: LogVisitor.hour < t.now - DAY - LATE_GRACE),
    (Salt, "salts", lambda t: Salt.day < (t.now - DAY).date()),
    (Endpoint, "endpoints", lambda t: Endpoint.last_seen < t.now - ENDPOINT_RETENTION),
    (Component, "components", lambda t: Component.reported_at < t.now - ENDPOINT_RETENTION),
    (
        ComponentMood,
        "moods",
        lambda t: EpochMs(ComponentMood.since) + ComponentMood.seconds * 1000 < to_ms(t.now - DAY),
    ),
    (LoginFailure, "failed log-ins", lambda t: LoginFailure.last_at < t.now - DAY),
    (IncidentRecord, "incidents", lambda t: IncidentRecord.closed_at < t.tens),
    (AuditEntry, "audit entries", lambda t: AuditEntry.at < t.tens),
)


class Retention:
    """How long things are kept: ``keep.raw``, ``keep.minutes`` and ``keep.tens`` of the ini."""

    def __init__(self, db: Session, settings: Mapping[str, Any]) -> None:
        self.db = db
        self._raw = timedelta(hours=settings["keep.raw"])
        self._minutes = timedelta(days=settings["keep.minutes"])
        self._tens = timedelta(days=settings["keep.tens"])

    def times(self, *, now: datetime) -> RetentionCutoffs:
        """Return up to when things may be forgotten."""

        def made(table: RollupTable) -> datetime:
            return RollupRunner(self.db).until(table) or from_ms(0)

        return RetentionCutoffs(
            now=now,
            # The last report before the next minute still holds in it.
            samples=min(now - self._raw, made(Sample1Min)) - ENDPOINT_TTL,
            playback=min(now - self._raw, made(Playback1Min)),
            sample_minutes=min(now - self._minutes, made(Sample10Min)),
            playback_minutes=min(now - self._minutes, made(Playback10Min)),
            tens=now - self._tens,
        )

    def forget(self, model: type[Base], old: sa.ColumnElement[bool]) -> int:
        """Delete some rows of a table; return how many.

        :param old: which ones; at most :data:`MAX_BATCH_ROWS` of them.
        """
        connection = ensure_write_transaction(self.db)
        key = tuple(model.__table__.primary_key)
        some = sa.select(*key).where(old).limit(MAX_BATCH_ROWS)
        delete = sa.delete(model).where(sa.tuple_(*key).in_(some))
        return connection.execute(delete).rowcount
