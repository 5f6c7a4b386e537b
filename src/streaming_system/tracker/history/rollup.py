"""Making minutes of single reports, and tens of minutes.

How far a table has got is a row of its own, changed in the transaction that adds the table's rows:
whenever the process is killed, either both are there or neither.
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
from streaming_system.tracker.history.rollup_queries import MINUTE, TEN_MINUTES
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

# A report is written within seconds of the moment that it carries, or it is not acknowledged, and
# it holds until the next one. So what is older than this does not change any more.
LATE_ARRIVAL_GRACE = timedelta(minutes=2)

RollupTable = type[Sample1Min | Sample10Min | Playback1Min | Playback10Min]


@dataclass(frozen=True, kw_only=True)
class RollupRule:
    """How a table of spans is made.

    :param span: what one row is about, and ``chunk`` what one transaction makes.
    :param rows: returns the rows from a moment to another.
    :param first: returns the first moment from another on that there is something to make rows of.
    :param source: the table that the rows are made of, if that is one of spans, too.
    """

    span: timedelta
    chunk: timedelta
    rows: Callable[[Session, datetime, datetime], list[rollup_queries.RollupRow]]
    first: Callable[[Session, datetime], datetime | None]
    source: RollupTable | None = None


def _first_sample(db: Session, since: datetime) -> datetime | None:
    return db.scalar(sa.select(sa.func.min(Sample.at)).where(Sample.at > since - ENDPOINT_TTL))


def _first_playback(db: Session, since: datetime) -> datetime | None:
    found = (
        db.scalar(sa.select(sa.func.min(Playback.at)).where(Playback.at >= since)),
        db.scalar(sa.select(sa.func.min(Player.begun)).where(Player.until > since)),
    )
    return min(filter(None, found), default=None)


def _first_row_of(table: type[Sample1Min | Playback1Min]) -> Callable[..., datetime | None]:
    def first(db: Session, since: datetime) -> datetime | None:
        return db.scalar(sa.select(sa.func.min(table.at)).where(table.at >= since))

    return first


# In the order in which they must be made.
ROLLUP_RULES: dict[RollupTable, RollupRule] = {
    Sample1Min: RollupRule(
        span=MINUTE, chunk=TEN_MINUTES, rows=rollup_queries.rollup_samples_1min, first=_first_sample
    ),
    Sample10Min: RollupRule(
        span=TEN_MINUTES,
        chunk=timedelta(hours=1),
        rows=rollup_queries.rollup_samples_10min,
        first=_first_row_of(Sample1Min),
        source=Sample1Min,
    ),
    Playback1Min: RollupRule(
        span=MINUTE,
        chunk=5 * MINUTE,
        rows=rollup_queries.rollup_playback_1min,
        first=_first_playback,
    ),
    Playback10Min: RollupRule(
        span=TEN_MINUTES,
        chunk=timedelta(hours=1),
        rows=rollup_queries.rollup_playback_10min,
        first=_first_row_of(Playback1Min),
        source=Playback1Min,
    ),
}


@dataclass(frozen=True, kw_only=True)
class RollupProgress:
    """What one step has done: how many rows it made, and whether there is more to do."""

    rows: int
    more: bool


class RollupRunner:
    """The tables of spans, and how far they have got."""

    def __init__(self, db: Session) -> None:
        self.db = db

    def until(self, table: RollupTable) -> datetime | None:
        """Return up to when the rows of a table have been made."""
        return self.db.scalar(
            sa.select(RollupCursor.until).where(RollupCursor.name == table.__tablename__)
        )

    def advance(self, table: RollupTable, *, now: datetime) -> RollupProgress:
        """Make the next rows of a table, few enough that nobody waits for them.

        It is for a transaction of its own. Several at once wait for each other.
        """
        rule = ROLLUP_RULES[table]
        connection = ensure_write_transaction(self.db)
        insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert
        limit = self._limit(rule, now)
        begin = limit and self._begin(table, rule, limit, insert)
        if limit is None or begin is None or begin >= limit:
            return RollupProgress(rows=0, more=False)
        first = rule.first(self.db, begin)
        # Times in which nothing happened need no steps.
        begin = min(max(begin, floor_to(first, rule.span)), limit) if first else limit
        end = min(begin + rule.chunk, limit)
        rows = rule.rows(self.db, begin, end) if begin < end else []
        self.db.execute(sa.delete(table).where(table.at >= begin, table.at < end))
        if rows:
            self.db.execute(sa.insert(table), rows)
        self.db.execute(
            sa.update(RollupCursor)
            .where(RollupCursor.name == table.__tablename__)
            .values(until=end)
        )
        return RollupProgress(rows=len(rows), more=end < limit)

    def _limit(self, rule: RollupRule, now: datetime) -> datetime | None:
        """Return up to when rows can be made."""
        ready = self.until(rule.source) if rule.source else now - LATE_ARRIVAL_GRACE
        return floor_to(ready, rule.span) if ready else None

    def _begin(
        self,
        table: RollupTable,
        rule: RollupRule,
        limit: datetime,
        insert: Callable[..., postgresql.Insert],
    ) -> datetime | None:
        """Return up to when rows have been made, and keep others from making the next."""
        mine = (
            sa.select(RollupCursor.until)
            .where(RollupCursor.name == table.__tablename__)
            .with_for_update()
        )
        until = self.db.scalar(mine)
        if until is None:
            first = rule.first(self.db, from_ms(0))
            begin = min(floor_to(first, rule.span), limit) if first else limit
            values = {"name": table.__tablename__, "until": begin}
            self.db.execute(insert(RollupCursor).values(values).on_conflict_do_nothing())
            until = self.db.scalar(mine)
        return until
