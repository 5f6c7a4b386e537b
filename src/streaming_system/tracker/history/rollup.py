"""Rollups: minutes from reports, and ten minutes from minutes.

A cursor row per table stores how far its rollup has come. The cursor and the new rows are written
in one transaction, so a killed process leaves both or neither.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from streaming_system.tracker.db.session import ensure_write_transaction
from streaming_system.tracker.endpoints.endpoints import ENDPOINT_TTL
from streaming_system.tracker.history import rollup_queries
from streaming_system.tracker.history.rollup_queries import MINUTE, TEN_MINUTES, RollupRow
from streaming_system.tracker.history.sql_time import floor_to, from_ms
from streaming_system.tracker.models import (
    Playback,
    Playback1Min,
    Playback10Min,
    Player,
    RollupCursor,
    Sample,
    Sample1Min,
    Sample10Min,
)

# A report is written within seconds of its time, or it is not acknowledged, and it is valid until
# the next one. Rows older than this do not change any more.
LATE_ARRIVAL_GRACE = timedelta(minutes=2)

RollupTable = type[Sample1Min | Sample10Min | Playback1Min | Playback10Min]


@dataclass(frozen=True, kw_only=True)
class RollupRule:
    """How the rows of a rollup table are computed.

    :param interval: the length of time that one row covers.
    :param chunk: the length of time that one transaction processes.
    :param query: returns the rows of a time range.
    :param first_time: returns the time of the first input at or after a time.
    :param source: the rollup table that provides the input; ``None`` for reports.
    """

    interval: timedelta
    chunk: timedelta
    query: Callable[[Session, datetime, datetime], list[RollupRow]]
    first_time: Callable[[Session, datetime], datetime | None]
    source: RollupTable | None = None


def _first_sample(db: Session, since: datetime) -> datetime | None:
    return db.scalar(sa.select(sa.func.min(Sample.at)).where(Sample.at > since - ENDPOINT_TTL))


def _first_playback(db: Session, since: datetime) -> datetime | None:
    times = (
        db.scalar(sa.select(sa.func.min(Playback.at)).where(Playback.at >= since)),
        db.scalar(sa.select(sa.func.min(Player.begun)).where(Player.until > since)),
    )
    return min(filter(None, times), default=None)


def _first_row_of(table: type[Sample1Min | Playback1Min]) -> Callable[..., datetime | None]:
    def first_row(db: Session, since: datetime) -> datetime | None:
        return db.scalar(sa.select(sa.func.min(table.at)).where(table.at >= since))

    return first_row


# In the order of their dependencies.
ROLLUP_RULES: dict[RollupTable, RollupRule] = {
    Sample1Min: RollupRule(
        interval=MINUTE,
        chunk=TEN_MINUTES,
        query=rollup_queries.rollup_samples_1min,
        first_time=_first_sample,
    ),
    Sample10Min: RollupRule(
        interval=TEN_MINUTES,
        chunk=timedelta(hours=1),
        query=rollup_queries.rollup_samples_10min,
        first_time=_first_row_of(Sample1Min),
        source=Sample1Min,
    ),
    Playback1Min: RollupRule(
        interval=MINUTE,
        chunk=5 * MINUTE,
        query=rollup_queries.rollup_playback_1min,
        first_time=_first_playback,
    ),
    Playback10Min: RollupRule(
        interval=TEN_MINUTES,
        chunk=timedelta(hours=1),
        query=rollup_queries.rollup_playback_10min,
        first_time=_first_row_of(Playback1Min),
        source=Playback1Min,
    ),
}


@dataclass(frozen=True, kw_only=True)
class RollupProgress:
    """The result of one step: the number of rows written, and whether more are due."""

    rows: int
    has_more: bool


class RollupRunner:
    """Advances the rollup tables."""

    def __init__(self, db: Session) -> None:
        self.db = db

    def rolled_up_until(self, table: RollupTable) -> datetime | None:
        """Return the time up to which a table has all rows; ``None`` before the first step."""
        return self.db.scalar(
            sa.select(RollupCursor.until).where(RollupCursor.name == table.__tablename__)
        )

    def advance(self, table: RollupTable, *, now: datetime) -> RollupProgress:
        """Write the next rows of a table: one chunk, so that locks are short.

        Call it in a transaction of its own. Concurrent calls run one after the other.
        """
        rule = ROLLUP_RULES[table]
        connection = ensure_write_transaction(self.db)
        insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert
        limit = self._limit(rule, now)
        begin = limit and self._lock_cursor(table, rule, limit, insert)
        if limit is None or begin is None or begin >= limit:
            return RollupProgress(rows=0, has_more=False)
        first = rule.first_time(self.db, begin)
        # Skip times without input.
        begin = min(max(begin, floor_to(first, rule.interval)), limit) if first else limit
        end = min(begin + rule.chunk, limit)
        rows = rule.query(self.db, begin, end) if begin < end else []
        self.db.execute(sa.delete(table).where(table.at >= begin, table.at < end))
        if rows:
            self.db.execute(sa.insert(table), rows)
        self.db.execute(
            sa.update(RollupCursor)
            .where(RollupCursor.name == table.__tablename__)
            .values(until=end)
        )
        return RollupProgress(rows=len(rows), has_more=end < limit)

    def _limit(self, rule: RollupRule, now: datetime) -> datetime | None:
        """Return the time up to which the input is complete."""
        complete = self.rolled_up_until(rule.source) if rule.source else now - LATE_ARRIVAL_GRACE
        return floor_to(complete, rule.interval) if complete else None

    def _lock_cursor(
        self,
        table: RollupTable,
        rule: RollupRule,
        limit: datetime,
        insert: Callable[..., postgresql.Insert],
    ) -> datetime | None:
        """Lock the cursor of a table, which is created if necessary, and return its time."""
        query = (
            sa.select(RollupCursor.until)
            .where(RollupCursor.name == table.__tablename__)
            .with_for_update()
        )
        until = self.db.scalar(query)
        if until is None:
            first = rule.first_time(self.db, from_ms(0))
            begin = min(floor_to(first, rule.interval), limit) if first else limit
            values = {"name": table.__tablename__, "until": begin}
            self.db.execute(insert(RollupCursor).values(values).on_conflict_do_nothing())
            until = self.db.scalar(query)
        return until
