"""Partitions by time of the history tables, on PostgreSQL.

Dropping a partition deletes a file, however many rows it has. Rows outside all partitions, because
they are too old or too new, are in the default partition until they are moved or deleted.
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
PARTITION_WIDTHS = (HOUR, 6 * HOUR, DAY, 7 * DAY, 28 * DAY)
# The query planner slows down with the number of partitions.
MAX_PARTITIONS = 100
# A transaction that waits for an exclusive lock blocks all later ones.
LOCK_TIMEOUT_MS = 100
# Default partition rows that one transaction deletes at most.
MAX_BATCH_ROWS = 5000

_RANGE_BOUNDS = re.compile(r"FOR VALUES FROM \((.*)\) TO \((.*)\)")
_MIN_TIME, _MAX_TIME = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def partition_names(connection: sa.Connection) -> set[str]:
    """Return the names of all partitions. Migrations only know their parent tables."""
    if connection.dialect.name != "postgresql":
        return set()
    names = connection.exec_driver_sql("SELECT relname FROM pg_class WHERE relispartition")
    return set(names.scalars())


@dataclass(frozen=True, kw_only=True)
class PartitionScheme:
    """The partitioning of a table.

    :param width: the time range of one partition.
    """

    table: str
    width: timedelta

    @property
    def premake(self) -> timedelta:
        """How far into the future partitions are created in advance."""
        return max(DAY, 3 * self.width)


@dataclass(frozen=True, kw_only=True)
class Partition:
    """A partition, with the rows from ``begin`` until before ``end``."""

    name: str
    begin: datetime
    end: datetime


def partition_schemes(settings: Mapping[str, Any]) -> dict[type[Base], PartitionScheme]:
    """Return the partitioning of each history table; widths depend on the retention."""
    reports = _choose_width(timedelta(hours=settings["retention.samples_hours"]), HOUR)
    minutes = _choose_width(timedelta(days=settings["retention.minutes_days"]), DAY)
    widths = {Sample: reports, Playback: reports, Sample1Min: minutes, Playback1Min: minutes}
    return {
        model: PartitionScheme(table=model.__tablename__, width=width)
        for model, width in widths.items()
    }


def _choose_width(retention: timedelta, min_width: timedelta) -> timedelta:
    """Return the smallest width that does not exceed the maximum number of partitions."""
    widths = (width for width in PARTITION_WIDTHS if width >= min_width)
    return next(
        (width for width in widths if retention <= MAX_PARTITIONS * width), PARTITION_WIDTHS[-1]
    )


class Partitions:
    """The partitions of one table. Call each method in a transaction of its own.

    Methods that need an exclusive lock fail after :data:`LOCK_TIMEOUT_MS`, so that reports wait no
    longer than that; :func:`is_lock_timeout` recognises this error.
    """

    def __init__(self, db: Session, scheme: PartitionScheme) -> None:
        self._db = db
        self._table = scheme.table
        self._scheme = scheme

    def missing(self, *, now: datetime) -> list[Partition]:
        """Return the partitions to create, from now to the end of the premake time."""
        partitions = self._existing()
        result: list[Partition] = []
        time = floor_to(now, self._scheme.width)
        while time < now + self._scheme.premake:
            partition = next((p for p in partitions if p.begin <= time < p.end), None)
            if partition is None:
                partition = self._partition_at(partitions, time)
                result.append(partition)
            time = partition.end
        return result

    def first_missing_for_default_rows(self, *, since: datetime, now: datetime) -> Partition | None:
        """Return the missing partition of the oldest default partition row."""
        default = self._default_table
        in_range = (default.c.at >= since, default.c.at < now + self._scheme.premake)
        first = self._db.scalar(sa.select(sa.func.min(default.c.at)).where(*in_range))
        return self._partition_at(self._existing(), first) if first else None

    def create(self, partition: Partition) -> None:
        """Create a partition, and move its default partition rows into it."""
        name, default = self._quote(partition.name), self._quote(self._default_table.name)
        table, times = self._quote(self._table), {"begin": partition.begin, "end": partition.end}
        self._set_lock_timeout()
        # New rows must not enter the default partition meanwhile. It is usually empty.
        self._execute(f"LOCK TABLE {default} IN ACCESS EXCLUSIVE MODE")
        self._execute(
            f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
        )
        self._execute(
            f"WITH moved AS (DELETE FROM {default} WHERE at >= :begin AND at < :end RETURNING *) "  # noqa: S608 - The names are constants.
            f"INSERT INTO {name} SELECT * FROM moved",
            times,
        )
        # PostgreSQL accepts no parameters here.
        begin, end = (f"'{time.isoformat()}'" for time in (partition.begin, partition.end))
        self._execute(
            f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({begin}) TO ({end})"
        )

    def expired(self, cutoff: datetime) -> list[str]:
        """Return the names of the partitions that end at or before a time."""
        return [partition.name for partition in self._existing() if partition.end <= cutoff]

    def detach(self, name: str) -> None:
        """Detach a partition, which takes a moment. :meth:`drop` deletes its rows."""
        self._set_lock_timeout()
        self._execute(
            f"ALTER TABLE {self._quote(self._table)} DETACH PARTITION {self._quote(name)}"
        )

    def detached(self) -> list[str]:
        """Return the names of all detached partitions of the table."""
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
        """Drop a detached partition; return its number of rows."""
        count = self._db.scalar(sa.select(sa.func.count()).select_from(sa.table(name))) or 0
        self._execute(f"DROP TABLE {self._quote(name)}")
        return count

    def delete_default_rows(self, cutoff: datetime) -> int:
        """Delete a batch of default partition rows before a time; return their number."""
        default = self._quote(self._default_table.name)
        result = self._db.execute(
            sa.text(
                f"DELETE FROM {default} WHERE ctid = ANY(ARRAY("  # noqa: S608 - The name is a constant.
                f"SELECT ctid FROM {default} WHERE at < :cutoff LIMIT {MAX_BATCH_ROWS}))"
            ),
            {"cutoff": cutoff},
        )
        return int(result.rowcount)  # type: ignore[attr-defined]

    @property
    def _default_table(self) -> sa.TableClause:
        return sa.table(f"{self._table}_default", sa.column("at", UtcDateTime))

    def _existing(self) -> list[Partition]:
        # PostgreSQL formats bounds according to these settings.
        self._execute("SET LOCAL TimeZone = 'UTC'")
        self._execute("SET LOCAL DateStyle = 'ISO'")
        rows = self._db.execute(
            sa.text(
                "SELECT relname, pg_get_expr(relpartbound, oid) FROM pg_class WHERE oid IN "
                "(SELECT inhrelid FROM pg_inherits WHERE inhparent = to_regclass(:table))"
            ),
            {"table": self._table},
        )
        matches = [(name, _RANGE_BOUNDS.fullmatch(bounds)) for name, bounds in rows]
        return [
            Partition(name=name, begin=_parse_bound(match[1]), end=_parse_bound(match[2]))
            for name, match in matches
            if match
        ]

    def _partition_at(self, partitions: Sequence[Partition], time: datetime) -> Partition:
        """Return a new partition that contains a time and fits between the existing ones.

        Existing partitions have another width if the retention was changed.
        """
        begin = floor_to(time, self._scheme.width)
        end = begin + self._scheme.width
        begin = max([begin, *(p.end for p in partitions if p.end <= time)])
        end = min([end, *(p.begin for p in partitions if p.begin > time)])
        return Partition(name=f"{self._table}_p{begin:%Y%m%d%H}", begin=begin, end=end)

    def _set_lock_timeout(self) -> None:
        self._execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")

    def _quote(self, name: str) -> str:
        return self._db.get_bind().dialect.identifier_preparer.quote(name)

    def _execute(self, text: str, values: Mapping[str, Any] | None = None) -> None:
        self._db.execute(sa.text(text), values or {})


def is_lock_timeout(error: sa.exc.DBAPIError) -> bool:
    """Return whether a statement failed because it had to wait too long for a lock."""
    return getattr(error.orig, "sqlstate", None) == "55P03"


def _parse_bound(bound: str) -> datetime:
    if bound in ("MINVALUE", "MAXVALUE"):
        return _MIN_TIME if bound == "MINVALUE" else _MAX_TIME
    return datetime.fromisoformat(bound.strip("'"))
