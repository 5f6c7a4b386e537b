"""Bounds on what clients can fill: endpoints, components, and the rows of tables."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

# The values of the label of the metric. ``players_per_address`` is the key ``limit.players``.
BOUNDS = (
    "components_per_room",
    "endpoints_per_room",
    "endpoints_per_token",
    "feedback",
    "feedback_per_talk",
    "incidents_per_room",
    "players_per_address",
    "reminder_browsers",
    "rows_per_table",
)
# A table may exceed its bound by the rows of this time.
ROW_COUNT_TTL = timedelta(seconds=30)
# One lock for all bounds: only new endpoints and components wait for it. The number is arbitrary.
_ADVISORY_LOCK_ID = 0x626F756E64
# The planner's statistics count inserted and deleted rows within a second, without a scan.
_POSTGRESQL_ROWS = sa.text(
    "SELECT coalesce(sum(n_live_tup), 0) FROM pg_stat_user_tables WHERE relid = to_regclass(:name) "
    "OR relid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = to_regclass(:name))"
)


class BoundReachedError(Exception):
    """A new object that a bound does not allow; nothing was changed.

    :param detail: which bound, its value, and what to do.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Bounds:
    """The bounds of the ini file, and the sizes of tables.

    :param settings: the app's, for the keys ``bound.*``; a missing key means no bound.
    :param on_reached: called with one of :data:`BOUNDS` whenever a bound is reached.
    """

    def __init__(
        self, settings: Mapping[str, Any], on_reached: Callable[[str], None] = lambda name: None
    ) -> None:
        self._settings = settings
        self.on_reached = on_reached
        self._row_counts: dict[str, tuple[datetime, int]] = {}

    def get(self, name: str) -> int | None:
        """Return the value of one of :data:`BOUNDS`; ``None`` if there is no bound."""
        value: int | None = self._settings.get(f"bound.{name}")
        return value

    def error(self, name: str, detail: str) -> BoundReachedError:
        """Count a refusal; return the error, which names the key of the ini file."""
        self.on_reached(name)
        return BoundReachedError(f"{detail} (bound.{name} is {self.get(name)})")

    def has_space(self, connection: sa.Connection, table: str, *, now: datetime) -> bool:
        """Return whether a table may get more rows; count it as reached otherwise."""
        maximum = self.get("rows_per_table")
        if maximum is None or self._count_rows(connection, table, maximum, now) < maximum:
            return True
        self.on_reached("rows_per_table")
        return False

    def require_space(self, connection: sa.Connection, table: str, *, now: datetime) -> None:
        """Require that a table may get more rows.

        :raises BoundReachedError: otherwise.
        """
        if not self.has_space(connection, table, now=now):
            raise self.table_full_error(table)

    def table_full_error(self, table: str) -> BoundReachedError:
        """Return the error for a new object whose table is full."""
        maximum = self.get("rows_per_table")
        return BoundReachedError(f"the table {table} is full (bound.rows_per_table is {maximum})")

    def _count_rows(
        self, connection: sa.Connection, table: str, maximum: int, now: datetime
    ) -> int:
        cached = self._row_counts.get(table)
        if cached is None or abs(now - cached[0]) >= ROW_COUNT_TTL:
            cached = self._row_counts[table] = now, _estimate_rows(connection, table, maximum)
        return cached[1]


def serialize_new(connection: sa.Connection) -> None:
    """Let transactions that create bounded objects run one after the other.

    A write transaction of SQLite is alone anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK_ID)))


def _estimate_rows(connection: sa.Connection, table: str, maximum: int) -> int:
    if connection.dialect.name == "postgresql":
        return int(connection.scalar(_POSTGRESQL_ROWS, {"name": table}) or 0)
    # The range of row ids is an upper bound that needs no scan.
    rowid = sa.column("rowid", sa.Integer)
    ids = sa.select(sa.func.max(rowid) - sa.func.min(rowid) + 1).select_from(sa.table(table))
    estimate = connection.scalar(ids) or 0
    if estimate < maximum:
        return int(estimate)
    return connection.scalar(sa.select(sa.func.count()).select_from(sa.table(table))) or 0


def includeme(config: Any) -> None:
    """Create ``request.registry["bounds"]``."""
    registry = config.registry
    registry["bounds"] = Bounds(config.get_settings(), registry["metrics"].count_bound)
