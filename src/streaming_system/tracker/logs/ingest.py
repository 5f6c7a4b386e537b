"""Ingests access logs of endpoints: stores their lines in files, and counts them per hour."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from streaming_system.tracker.crew.server_keys import DailySalts, hash_visitor
from streaming_system.tracker.db.bounds import Bounds
from streaming_system.tracker.db.session import ensure_write_transaction
from streaming_system.tracker.logs.access_log_format import AccessLogLine, parse_line, split_lines
from streaming_system.tracker.logs.store import RotatingLogStore
from streaming_system.tracker.models import LogBatch, LogHour, LogVisitor
from streaming_system.util.user_agents import is_check

# Older lines are stored, but not counted: the salt of their day is deleted.
MAX_PAST = timedelta(days=1)
# The clock of an endpoint may be fast.
MAX_FUTURE = timedelta(hours=1)
# Counters stop here: databases reject larger integers.
MAX_COUNT = 2**62


class AccessLogError(Exception):
    """Log lines that cannot be stored; the message is one line."""


@dataclass(frozen=True, kw_only=True)
class AccessLogTotal:
    """The totals of one hour, or of one endpoint over several hours.

    ``viewers`` are distinct within an hour and endpoint, without our own checks. For an endpoint,
    it is the maximum over its hours; for an hour, it is the sum over all endpoints.
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
    """The totals of the lines of one hour."""

    hits: int = 0
    bytes_sent: int = 0
    errors: int = 0
    visitors: set[bytes] = field(default_factory=set)

    def add(self, line: AccessLogLine, visitor: bytes) -> None:
        self.hits += 1
        self.bytes_sent += line.bytes
        self.errors += line.status >= 400
        if not is_check(line.user_agent):
            self.visitors.add(visitor)


class AccessLogs:
    """The access logs of endpoints."""

    def __init__(
        self, db: Session, settings: Mapping[str, Any], bounds: Bounds | None = None
    ) -> None:
        self.db = db
        self._bounds = bounds or Bounds({})
        self.address_retention_days: int = settings["privacy.days"]
        folder = settings["logdir"]
        self.store = folder and RotatingLogStore(
            folder=folder,
            max_file_bytes=settings["logdir.size"],
            max_rotated_files=settings["logdir.files"],
            rotate_daily=self.address_retention_days > 0,
        )

    def ingest(
        self,
        *,
        room: str,
        name: str,
        text: str,
        batch: tuple[str, str] | None = None,
        now: datetime,
    ) -> None:
        """Store and count the lines of an endpoint's access log.

        The counters are written first. If the lines cannot be written, the transaction is rolled
        back, so that a retry is counted once. When this method returns, the lines are on disk.

        :param text: lines in the combined format; invalid lines are stored, but not counted.
        :param batch: the ids of sender and batch; the last batch of a sender is ignored if it is
            sent again.
        :raises AccessLogError: if the lines cannot be stored; then nothing is counted.
        """
        if not self.store:
            raise AccessLogError("the tracker keeps no logs: the ini file has no logdir")
        if batch and not self._record_batch(room, *batch, now):
            return
        hasher = _VisitorHasher(DailySalts(self.db), now)
        hours: dict[datetime, _HourlyTotals] = {}
        stored = []
        for text_line in split_lines(text):
            line = parse_line(text_line)
            visitor = hasher.hash(line) if line else b""
            if line and _is_countable(line, now):
                hour = line.time.replace(minute=0, second=0)
                hours.setdefault(hour, _HourlyTotals()).add(line, visitor)
            stored.append(
                text_line if self.address_retention_days else _anonymize(text_line, line, visitor)
            )
        if not stored:
            return
        self._count(room, name, hours, now)
        lines = "".join(f"{line}\n" for line in stored).encode()
        try:
            self.store.append(room=room, name=name, lines=lines, now=now)
        except OSError as error:
            raise AccessLogError("the logs cannot be written now; send them again") from error

    def totals_by_endpoint(self, *, begin: datetime, end: datetime) -> Sequence[AccessLogTotal]:
        """Return the totals of the hours that start within a time range, by room and endpoint."""
        return self._totals(begin, end, LogHour.room, LogHour.name)

    def totals_by_hour(self, *, begin: datetime, end: datetime) -> Sequence[AccessLogTotal]:
        """Return the totals over all endpoints of each hour that starts within a time range."""
        return self._totals(begin, end, LogHour.hour)

    def delete_expired_files(self, *, now: datetime) -> int:
        """Delete log files with addresses after their retention; return the number deleted.

        :raises AccessLogError: if they cannot be deleted.
        """
        if not (self.store and self.address_retention_days):
            return 0
        try:
            return self.store.delete_before(now - timedelta(days=self.address_retention_days))
        except OSError as error:
            raise AccessLogError(f"old log files cannot be removed: {error.strerror}") from None

    def _record_batch(self, room: str, sender: str, batch: str, now: datetime) -> bool:
        """Store the id of a batch; return whether it is new.

        A concurrent request with the same batch waits here for the end of this transaction.
        """
        dialect = ensure_write_transaction(self.db).dialect.name
        insert = (postgresql if dialect == "postgresql" else sqlite).insert(LogBatch.__table__)
        upsert = insert.on_conflict_do_update(
            index_elements=["sender", "room"],
            set_={"batch": insert.excluded.batch, "at": insert.excluded.at},
            where=LogBatch.__table__.c.batch != insert.excluded.batch,
        ).returning(LogBatch.__table__.c.sender)
        values = {"sender": sender, "room": room, "batch": batch, "at": now}
        return self.db.execute(upsert, values).first() is not None

    def _totals(self, begin: datetime, end: datetime, *group: Any) -> list[AccessLogTotal]:
        # The same viewer may be counted in several hours, so hours are not added up.
        viewers = sa.func.sum if LogHour.hour in group else sa.func.max
        rows = self.db.execute(
            sa.select(
                *group,
                sa.func.sum(LogHour.hits).label("hits"),
                sa.func.sum(LogHour.bytes).label("bytes"),
                sa.func.sum(LogHour.errors).label("errors"),
                viewers(LogHour.viewers).label("viewers"),
            )
            .where(LogHour.hour >= begin, LogHour.hour < end)
            .group_by(*group)
            .order_by(*group)
        )
        return [_access_log_total(row) for row in rows.mappings()]

    def _count(
        self, room: str, name: str, hours: Mapping[datetime, _HourlyTotals], now: datetime
    ) -> None:
        connection = ensure_write_transaction(self.db)
        dialect = connection.dialect.name
        DailySalts(self.db).delete_before((now - MAX_PAST).date())
        # Beyond the bound of their tables, lines are stored without being counted.
        if not hours or not all(
            self._bounds.has_space(connection, model.__tablename__, now=now)
            for model in (LogVisitor, LogHour)
        ):
            return
        insert = (postgresql if dialect == "postgresql" else sqlite).insert
        # Rows are always written in primary-key order to avoid deadlocks.
        visitors = [
            {"hour": hour, "room": room, "name": name, "visitor": visitor}
            for hour in sorted(hours)
            for visitor in sorted(hours[hour].visitors)
        ]
        insert_new = (
            insert(LogVisitor.__table__).on_conflict_do_nothing().returning(LogVisitor.hour)
        )
        new_visitors = Counter(self.db.scalars(insert_new, visitors) if visitors else ())
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
                    "bytes": hours[hour].bytes_sent,
                    "errors": hours[hour].errors,
                    "viewers": new_visitors[hour],
                }
                for hour in sorted(hours)
            ],
        )


def _access_log_total(row: Any) -> AccessLogTotal:
    # PostgreSQL returns sums as Decimal.
    totals = {name: int(row[name]) for name in ("hits", "bytes", "errors", "viewers")}
    return AccessLogTotal(**{**row, **totals})


class _VisitorHasher:
    """Hashes address and user agent with the salt of the day."""

    def __init__(self, salts: DailySalts, now: datetime) -> None:
        self._salts, self._now = salts, now
        self._salt_by_day: dict[date, bytes] = {}
        self._hashes: dict[tuple[str, str, date], bytes] = {}

    def hash(self, line: AccessLogLine) -> bytes:
        # Lines that are not countable use today's salt: other days' salts are deleted, and a new
        # one would be of no use.
        day = (line.time if _is_countable(line, self._now) else self._now).date()
        key = (line.address, line.user_agent, day)
        if key not in self._hashes:
            if day not in self._salt_by_day:
                self._salt_by_day[day] = self._salts.get(day)
            self._hashes[key] = hash_visitor(line.address, line.user_agent, self._salt_by_day[day])
        return self._hashes[key]


def _is_countable(line: AccessLogLine, now: datetime) -> bool:
    return now - MAX_PAST <= line.time <= now + MAX_FUTURE


def _anonymize(text: str, line: AccessLogLine | None, visitor: bytes) -> str:
    """Return a line without personal data."""
    if line is None:
        return f"# a line of {len(text)} characters that cannot be read"
    return line.anonymize(visitor.hex())


def _saturating_sum(old: Any, new: Any) -> Any:
    # Beyond their range, both databases would reject the statement.
    return sa.case((old > MAX_COUNT - new, MAX_COUNT), else_=old + new)
