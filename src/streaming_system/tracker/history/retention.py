"""Retention: which rows are expired, and their deletion."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.crew.audit import FAILED_LOGIN
from streaming_system.tracker.db.session import ensure_write_transaction
from streaming_system.tracker.endpoints.endpoints import ENDPOINT_RETENTION, ENDPOINT_TTL
from streaming_system.tracker.history.rollup import RollupRunner, RollupTable
from streaming_system.tracker.history.sql_time import EpochMs, from_ms, to_ms
from streaming_system.tracker.models import (
    AuditEntry,
    Base,
    Caption,
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
    Reminder,
    Salt,
    Sample,
    Sample1Min,
    Sample10Min,
    TalkFeedback,
)

# Rows that one transaction deletes at most.
MAX_BATCH_ROWS = 5000
DAY = timedelta(days=1)
# Strangers cause failed log-ins, so their number is limited, too.
MAX_FAILED_LOGINS = 10_000
# Log lines are counted for a day; their hour may have started an hour earlier.
LATE_GRACE = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class RetentionCutoffs:
    """The times before which rows are expired.

    Reports and minutes never expire before they are rolled up.
    """

    now: datetime
    samples: datetime
    playback: datetime
    sample_minutes: datetime
    playback_minutes: datetime
    ten_minutes: datetime
    captions: datetime


# The tables that are partitioned on PostgreSQL, and their cutoffs.
PARTITIONED_TABLES: Mapping[type[Base], Callable[[RetentionCutoffs], datetime]] = {
    Sample: lambda c: c.samples,
    Playback: lambda c: c.playback,
    Sample1Min: lambda c: c.sample_minutes,
    Playback1Min: lambda c: c.playback_minutes,
}

# The table, the name of its rows in messages, and the condition for expired rows.
EXPIRY_RULES: tuple[
    tuple[type[Base], str, Callable[[RetentionCutoffs], sa.ColumnElement[bool]]], ...
] = (
    (Sample, "samples", lambda c: Sample.at < c.samples),
    (Playback, "playback reports", lambda c: Playback.at < c.playback),
    (Player, "players", lambda c: Player.until < c.playback),
    (Sample1Min, "minutes of samples", lambda c: Sample1Min.at < c.sample_minutes),
    (Playback1Min, "minutes of playback", lambda c: Playback1Min.at < c.playback_minutes),
    (Sample10Min, "tens of samples", lambda c: Sample10Min.at < c.ten_minutes),
    (Playback10Min, "tens of playback", lambda c: Playback10Min.at < c.ten_minutes),
    (LogHour, "hours of logs", lambda c: LogHour.hour < c.ten_minutes),
    (LogBatch, "batches of logs", lambda c: LogBatch.at < c.ten_minutes),
    (LogVisitor, "visitors", lambda c: LogVisitor.hour < c.now - DAY - LATE_GRACE),
    (Salt, "salts", lambda c: Salt.day < (c.now - DAY).date()),
    (Endpoint, "endpoints", lambda c: Endpoint.last_seen < c.now - ENDPOINT_RETENTION),
    (Component, "components", lambda c: Component.reported_at < c.now - ENDPOINT_RETENTION),
    (
        ComponentMood,
        "moods",
        lambda c: EpochMs(ComponentMood.since) + ComponentMood.seconds * 1000 < to_ms(c.now - DAY),
    ),
    (LoginFailure, "failed log-ins", lambda c: LoginFailure.last_at < c.now - DAY),
    (IncidentRecord, "incidents", lambda c: IncidentRecord.closed_at < c.ten_minutes),
    (Caption, "captions", lambda c: Caption.start < c.captions),
    (TalkFeedback, "feedback on talks", lambda c: TalkFeedback.at < c.ten_minutes),
    (Reminder, "reminders", lambda c: Reminder.until < c.now),
    (AuditEntry, "audit entries", lambda c: AuditEntry.at < c.ten_minutes),
    (
        AuditEntry,
        "audit entries of failed log-ins",
        lambda c: sa.and_(
            AuditEntry.action == FAILED_LOGIN,
            AuditEntry.id
            <= sa.select(AuditEntry.id)
            .where(AuditEntry.action == FAILED_LOGIN)
            .order_by(AuditEntry.id.desc())
            .offset(MAX_FAILED_LOGINS)
            .limit(1)
            .scalar_subquery(),
        ),
    ),
)


class Retention:
    """Applies the settings ``retention.…``."""

    def __init__(self, db: Session, settings: Mapping[str, Any]) -> None:
        self.db = db
        self._reports = timedelta(hours=settings["retention.samples_hours"])
        self._minutes = timedelta(days=settings["retention.minutes_days"])
        self._ten_minutes = timedelta(days=settings["retention.ten_minutes_days"])
        self._captions = timedelta(days=settings["retention.captions_days"])

    def cutoffs(self, *, now: datetime) -> RetentionCutoffs:
        """Return the times before which rows are expired."""

        def rolled_up_until(table: RollupTable) -> datetime:
            return RollupRunner(self.db).rolled_up_until(table) or from_ms(0)

        return RetentionCutoffs(
            now=now,
            # The last sample before a minute is still valid in it.
            samples=min(now - self._reports, rolled_up_until(Sample1Min)) - ENDPOINT_TTL,
            playback=min(now - self._reports, rolled_up_until(Playback1Min)),
            sample_minutes=min(now - self._minutes, rolled_up_until(Sample10Min)),
            playback_minutes=min(now - self._minutes, rolled_up_until(Playback10Min)),
            ten_minutes=now - self._ten_minutes,
            captions=now - self._captions,
        )

    def delete_expired(self, model: type[Base], condition: sa.ColumnElement[bool]) -> int:
        """Delete a batch of :data:`MAX_BATCH_ROWS` expired rows; return the number deleted."""
        connection = ensure_write_transaction(self.db)
        key = tuple(model.__table__.primary_key)
        batch = sa.select(*key).where(condition).limit(MAX_BATCH_ROWS)
        delete = sa.delete(model).where(sa.tuple_(*key).in_(batch))
        return connection.execute(delete).rowcount
