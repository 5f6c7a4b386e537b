"""The tables of history, which PostgreSQL keeps in partitions by time.

To forget a partition is to drop a file, however many rows it has. What has no partition of its own,
since it came too early or too late, is in the default one until it is moved.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.history.sql_time import floor_to
from streaming_system.tracker.models import (
    Base,
    Playback,
    Playback1Min,
    Sample,
    Sample1Min,
    UtcDateTime,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# What one partition may hold; the shortest of which there are not too many to plan with.
PARTITION_WIDTHS = (HOUR, 6 * HOUR, DAY, 7 * DAY, 28 * DAY)
MAX_PARTITIONS = 100
# Whoever waits for a lock that excludes all others keeps them waiting, too.
LOCK_TIMEOUT_MS = 100
# So many rows that have lost their partition are deleted at a time.
MAX_BATCH_ROWS = 5000

_RANGE_BOUNDS = re.compile(r"FOR VALUES FROM \((.*)\) TO \((.*)\)")
_MIN_TIME, _MAX_TIME = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def partition_names(connection: sa.Connection) -> set[str]:
    """Return the names of all partitions, which no migration is about: their parents are."""
    if connection.dialect.name != "postgresql":
        return set()
    found = connection.exec_driver_sql("SELECT relname FROM pg_class WHERE relispartition")
    return set(found.scalars())


@dataclass(frozen=True, kw_only=True)
class PartitionScheme:
    """How a table is parted.

    :param width: the span of a partition, and ``ahead``: for how long there are always some.
    """

    table: str
    width: timedelta

    @property
    def ahead(self) -> timedelta:
        return max(DAY, 3 * self.width)


@dataclass(frozen=True, kw_only=True)
class Partition:
    """A partition, and the times that it is for."""

    name: str
    begin: datetime
    end: datetime


def partition_schemes(settings: Mapping[str, Any]) -> dict[type[Base], PartitionScheme]:
    """Return how each table of history is parted, by how long the ini wants to keep its rows."""
    raw = _choose_width(timedelta(hours=settings["keep.raw"]), HOUR)
    minutes = _choose_width(timedelta(days=settings["keep.minutes"]), DAY)
    widths = {Sample: raw, Playback: raw, Sample1Min: minutes, Playback1Min: minutes}
    return {
        model: PartitionScheme(table=model.__tablename__, width=width)
        for model, width in widths.items()
    }


def _choose_width(keep: timedelta, least: timedelta) -> timedelta:
    return next(
        (width for width in PARTITION_WIDTHS if width >= least and keep <= MAX_PARTITIONS * width),
        PARTITION_WIDTHS[-1],
    )


class Partitions:
    """The partitions of one table. Every method is for a transaction of its own.

    Those which need a lock that excludes others give it up after :data:`LOCK_TIMEOUT_MS`, so that nobody
    who reports waits for longer: :func:`is_lock_timeout` tells that from other errors.
    """

    def __init__(self, db: Session, plan: PartitionScheme) -> None:
        self._db = db
        self._table = plan.table
        self._plan = plan

    def missing(self, *, now: datetime) -> list[Partition]:
        """Return the partitions that there should be from now on."""
        parts = self._all()
        found: list[Partition] = []
        moment = floor_to(now, self._plan.width)
        while moment < now + self._plan.ahead:
            around = next((part for part in parts if part.begin <= moment < part.end), None)
            if around is None:
                around = self._place(parts, moment)
                found.append(around)
            moment = around.end
        return found

    def stray(self, *, since: datetime, now: datetime) -> Partition | None:
        """Return the partition that the first row without one should have."""
        default = self._default
        within = (default.c.at >= since, default.c.at < now + self._plan.ahead)
        first = self._db.scalar(sa.select(sa.func.min(default.c.at)).where(*within))
        return self._place(self._all(), first) if first else None

    def make(self, part: Partition) -> None:
        """Make a partition, with the rows that had none."""
        name, default = self._quoted(part.name), self._quoted(self._default.name)
        table, times = self._quoted(self._table), {"begin": part.begin, "end": part.end}
        self._limit()
        # Nobody may add to it while rows go from there. Most of the time it is empty.
        self._sql(f"LOCK TABLE {default} IN ACCESS EXCLUSIVE MODE")
        self._sql(f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
        self._sql(
            f"WITH moved AS (DELETE FROM {default} WHERE at >= :begin AND at < :end RETURNING *) "  # noqa: S608 - Our own names.
            f"INSERT INTO {name} SELECT * FROM moved",
            times,
        )
        # Bounds cannot be parameters.
        begin, end = (f"'{moment.isoformat()}'" for moment in (part.begin, part.end))
        self._sql(
            f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({begin}) TO ({end})"
        )

    def old(self, limit: datetime) -> list[str]:
        """Return the names of the partitions that hold nothing from a moment on."""
        return [part.name for part in self._all() if part.end <= limit]

    def detach(self, name: str) -> None:
        """Take a partition away: a moment's work. Its rows wait for :meth:`drop`."""
        self._limit()
        self._sql(f"ALTER TABLE {self._quoted(self._table)} DETACH PARTITION {self._quoted(name)}")

    def detached(self) -> list[str]:
        """Return the names of the partitions that have been taken away, by whomever."""
        return list(
            self._db.scalars(
                sa.text(
                    "SELECT relname FROM pg_class WHERE relkind = 'r' AND NOT relispartition "
                    "AND relname ~ :pattern AND relnamespace = "
                    "(SELECT relnamespace FROM pg_class WHERE oid = to_regclass(:table)) "
                    "ORDER BY relname"
                ),
                {"pattern": f"^{self._table}_(before|p[0-9]{{10}})$", "table": self._table},
            )
        )

    def drop(self, name: str) -> int:
        """Drop what has been taken away; return how many rows it had."""
        count = self._db.scalar(sa.select(sa.func.count()).select_from(sa.table(name))) or 0
        self._sql(f"DROP TABLE {self._quoted(name)}")
        return count

    def forget_strays(self, limit: datetime) -> int:
        """Delete some rows without a partition that are older than a moment; return how many."""
        default = self._quoted(self._default.name)
        done = self._db.execute(
            sa.text(
                f"DELETE FROM {default} WHERE ctid = ANY(ARRAY("  # noqa: S608 - Our own names.
                f"SELECT ctid FROM {default} WHERE at < :limit LIMIT {MAX_BATCH_ROWS}))"
            ),
            {"limit": limit},
        )
        return int(done.rowcount)  # type: ignore[attr-defined]

    @property
    def _default(self) -> sa.TableClause:
        return sa.table(f"{self._table}_default", sa.column("at", UtcDateTime))

    def _all(self) -> list[Partition]:
        # Bounds are told as the session would write times.
        self._sql("SET LOCAL TimeZone = 'UTC'")
        self._sql("SET LOCAL DateStyle = 'ISO'")
        rows = self._db.execute(
            sa.text(
                "SELECT relname, pg_get_expr(relpartbound, oid) FROM pg_class "
                "WHERE oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = to_regclass(:of))"
            ),
            {"of": self._table},
        )
        found = [(name, _RANGE_BOUNDS.fullmatch(bounds)) for name, bounds in rows]
        return [
            Partition(name=name, begin=_parse_bound(bounds[1]), end=_parse_bound(bounds[2]))
            for name, bounds in found
            if bounds
        ]

    def _place(self, parts: Sequence[Partition], moment: datetime) -> Partition:
        """Return the partition for a moment that has none, between those that there are.

        They may be of another width, if the ini was changed.
        """
        begin = floor_to(moment, self._plan.width)
        end = begin + self._plan.width
        begin = max([begin, *(part.end for part in parts if part.end <= moment)])
        end = min([end, *(part.begin for part in parts if part.begin > moment)])
        return Partition(name=f"{self._table}_p{begin:%Y%m%d%H}", begin=begin, end=end)

    def _limit(self) -> None:
        self._sql(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")

    def _quoted(self, name: str) -> str:
        return self._db.get_bind().dialect.identifier_preparer.quote(name)

    def _sql(self, text: str, values: Mapping[str, Any] | None = None) -> None:
        self._db.execute(sa.text(text), values or {})


def is_lock_timeout(error: sa.exc.DBAPIError) -> bool:
    """Tell whether somebody else had a lock for longer than we wanted to wait."""
    return getattr(error.orig, "sqlstate", None) == "55P03"


def _parse_bound(bound: str) -> datetime:
    if bound in ("MINVALUE", "MAXVALUE"):
        return _MIN_TIME if bound == "MINVALUE" else _MAX_TIME
    return datetime.fromisoformat(bound.strip("'"))
