"""Access logs of endpoints: kept as files, and counted by the hour."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from streaming_system.tracker.crew.server_keys import DailySalts, hash_visitor
from streaming_system.tracker.db.session import ensure_write_transaction
from streaming_system.tracker.logs.access_log_format import AccessLogLine, parse_line, split_lines
from streaming_system.tracker.logs.store import RotatingLogStore
from streaming_system.tracker.models import LogBatch, LogHour, LogVisitor

# Lines from further away are kept, but not counted: who saw them cannot be told any more.
MAX_PAST = timedelta(days=1)
# A clock may be fast.
MAX_FUTURE = timedelta(hours=1)
# Figures stay below what databases can count.
MAX_COUNT = 2**62


class AccessLogError(Exception):
    """Log lines that cannot be kept now, with one line that says why."""


@dataclass(frozen=True, kw_only=True)
class AccessLogTotal:
    """What access logs say of one hour, or of one endpoint in several.

    ``viewers`` are distinct ones of an hour at one endpoint: the most in any hour, or, for one
    hour, those of all endpoints added up.
    """

    hour: datetime | None = None
    room: str = ""
    name: str = ""
    hits: int
    bytes: int
    errors: int
    viewers: int


@dataclass(kw_only=True)
class _HourlyTotals:
    """What the lines of one hour say."""

    hits: int = 0
    sent: int = 0
    errors: int = 0
    visitors: set[bytes] = field(default_factory=set)

    def add(self, line: AccessLogLine, visitor: bytes) -> None:
        self.hits += 1
        self.sent += line.bytes
        self.errors += line.status >= 400
        self.visitors.add(visitor)


class AccessLogs:
    """The access logs that endpoints hand in."""

    def __init__(self, db: Session, settings: Mapping[str, Any]) -> None:
        self.db = db
        self.days: int = settings["privacy.days"]
        folder = settings["logdir"]
        self.files = folder and RotatingLogStore(
            folder=folder,
            size=settings["logdir.size"],
            files=settings["logdir.files"],
            daily=self.days > 0,
        )

    def take(
        self,
        *,
        room: str,
        name: str,
        text: str,
        batch: tuple[str, str] | None = None,
        now: datetime,
    ) -> None:
        """Keep the lines of an endpoint's access log, and count them.

        The figures come first: if the lines cannot be written they are undone, so that what is
        sent again is counted once. Once this returns, the lines are on the disk.

        :param text: lines in the combined format; what cannot be read is kept, but not counted.
        :param batch: who hands them in, and its word for them: the sender's last one is not taken
            again.
        :raises LogsError: if the lines cannot be kept. Then nothing is.
        """
        if not self.files:
            raise AccessLogError("the tracker keeps no logs: the ini file has no logdir")
        if batch and not self._is_new(room, *batch, now):
            return
        viewers = _VisitorHasher(DailySalts(self.db), now)
        hours: dict[datetime, _HourlyTotals] = {}
        kept = []
        for text_line in split_lines(text):
            line = parse_line(text_line)
            visitor = viewers.of(line) if line else b""
            if line and _is_countable(line, now):
                hour = line.time.replace(minute=0, second=0)
                hours.setdefault(hour, _HourlyTotals()).add(line, visitor)
            kept.append(text_line if self.days else _anonymize(text_line, line, visitor))
        if not kept:
            return
        self._count(room, name, hours, now)
        lines = "".join(f"{line}\n" for line in kept).encode()
        try:
            self.files.append(room=room, name=name, lines=lines, now=now)
        except OSError as error:
            raise AccessLogError("the logs cannot be written now; send them again") from error

    def by_endpoint(self, *, begin: datetime, end: datetime) -> Sequence[AccessLogTotal]:
        """Return the figures of the hours that begin within a span, by room and endpoint."""
        return self._totals(begin, end, LogHour.room, LogHour.name)

    def by_hour(self, *, begin: datetime, end: datetime) -> Sequence[AccessLogTotal]:
        """Return the figures of each hour that begins within a span, of all endpoints together."""
        return self._totals(begin, end, LogHour.hour)

    def prune(self, *, now: datetime) -> int:
        """Remove log files with addresses that are too old; return how many there were.

        :raises LogsError: if they cannot be removed.
        """
        if not (self.files and self.days):
            return 0
        try:
            return self.files.prune(before=now - timedelta(days=self.days))
        except OSError as error:
            raise AccessLogError(f"old log files cannot be removed: {error}") from None

    def _is_new(self, room: str, sender: str, batch: str, now: datetime) -> bool:
        """Note what is handed in; who hands in the same meanwhile waits for what becomes of it."""
        dialect = ensure_write_transaction(self.db).dialect.name
        insert = (postgresql if dialect == "postgresql" else sqlite).insert(LogBatch.__table__)
        noted = insert.on_conflict_do_update(
            index_elements=["sender", "room"],
            set_={"batch": insert.excluded.batch, "at": insert.excluded.at},
            where=LogBatch.__table__.c.batch != insert.excluded.batch,
        ).returning(LogBatch.__table__.c.sender)
        values = {"sender": sender, "room": room, "batch": batch, "at": now}
        return self.db.execute(noted, values).first() is not None

    def _totals(self, begin: datetime, end: datetime, *by: Any) -> list[AccessLogTotal]:
        # Who came in two hours was a viewer in each of them, and no more than that is known.
        viewers = sa.func.sum if LogHour.hour in by else sa.func.max
        rows = self.db.execute(
            sa.select(
                *by,
                sa.func.sum(LogHour.hits).label("hits"),
                sa.func.sum(LogHour.bytes).label("bytes"),
                sa.func.sum(LogHour.errors).label("errors"),
                viewers(LogHour.viewers).label("viewers"),
            )
            .where(LogHour.hour >= begin, LogHour.hour < end)
            .group_by(*by)
            .order_by(*by)
        )
        return [_access_log_total(row) for row in rows.mappings()]

    def _count(
        self, room: str, name: str, hours: Mapping[datetime, _HourlyTotals], now: datetime
    ) -> None:
        dialect = ensure_write_transaction(self.db).dialect.name
        DailySalts(self.db).forget(before=(now - MAX_PAST).date())
        if not hours:
            return
        insert = (postgresql if dialect == "postgresql" else sqlite).insert
        # All writers go through the rows in one order, so that none waits for one that waits.
        visitors = [
            {"hour": hour, "room": room, "name": name, "visitor": visitor}
            for hour in sorted(hours)
            for visitor in sorted(hours[hour].visitors)
        ]
        seen = insert(LogVisitor.__table__).on_conflict_do_nothing().returning(LogVisitor.hour)
        new = Counter(self.db.scalars(seen, visitors))
        upsert = insert(LogHour.__table__)
        self.db.execute(
            upsert.on_conflict_do_update(
                index_elements=["hour", "room", "name"],
                set_={
                    column: _saturating_sum(LogHour.__table__.c[column], upsert.excluded[column])
                    for column in ("hits", "bytes", "errors", "viewers")
                },
            ),
            [
                {
                    "hour": hour,
                    "room": room,
                    "name": name,
                    "hits": hours[hour].hits,
                    "bytes": hours[hour].sent,
                    "errors": hours[hour].errors,
                    "viewers": new[hour],
                }
                for hour in sorted(hours)
            ],
        )


def _access_log_total(row: Any) -> AccessLogTotal:
    # PostgreSQL's sums are decimals.
    figures = {name: int(row[name]) for name in ("hits", "bytes", "errors", "viewers")}
    return AccessLogTotal(**{**row, **figures})


class _VisitorHasher:
    """Who sent a request: a hash with the salt of its day."""

    def __init__(self, salts: DailySalts, now: datetime) -> None:
        self._salts, self._now = salts, now
        self._by_day: dict[date, bytes] = {}
        self._known: dict[tuple[str, str, date], bytes] = {}

    def of(self, line: AccessLogLine) -> bytes:
        # Salts of other days are gone, or would be made for nothing.
        day = (line.time if _is_countable(line, self._now) else self._now).date()
        key = (line.address, line.user_agent, day)
        if key not in self._known:
            if day not in self._by_day:
                self._by_day[day] = self._salts.of_day(day)
            self._known[key] = hash_visitor(line.address, line.user_agent, self._by_day[day])
        return self._known[key]


def _is_countable(line: AccessLogLine, now: datetime) -> bool:
    return now - MAX_PAST <= line.time <= now + MAX_FUTURE


def _anonymize(text: str, line: AccessLogLine | None, visitor: bytes) -> str:
    """Return a line as it may be kept where no address may be."""
    if line is None:
        return f"# a line of {len(text)} characters that cannot be read"
    return line.by(visitor.hex())


def _saturating_sum(old: Any, new: Any) -> Any:
    # Neither database wraps around, but both would refuse the report.
    return sa.case((old > MAX_COUNT - new, MAX_COUNT), else_=old + new)
