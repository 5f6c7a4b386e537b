"""Time series of endpoint metrics, from samples and rollups."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.history.sample_intervals import sample_intervals
from streaming_system.tracker.history.sql_time import EpochMs, floor_to, from_ms, to_ms
from streaming_system.tracker.models import Base, RollupCursor, Sample1Min, Sample10Min

MINUTE = timedelta(minutes=1)
TEN_MINUTES = timedelta(minutes=10)
# The possible distances of two points. Each one above a minute consists of whole minutes, and each
# one above ten minutes of whole ten minutes, so that each point is a sum of whole rollup rows.
STEPS = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400)
)
MAX_POINTS = 400

_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, kw_only=True)
class Series:
    """The metrics of one room, or of one endpoint, over time.

    :param clients: viewers; one value for each of :attr:`SeriesSet.times`.
    :param bitrate: bit/s; likewise.
    """

    clients: tuple[float, ...]
    bitrate: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class SeriesSet:
    """Series with common times.

    :param times: the beginning of each step. Values are means over the step; that of an
        incomplete step is the current value.
    :param series: by name of the room, or of the endpoint if the query was for one room.
    """

    times: tuple[datetime, ...]
    step: timedelta
    series: Mapping[str, Series]


# By name: clients and bitrate of each step, multiplied by milliseconds.
_SeriesTotals = defaultdict[str, tuple[list[float], list[float]]]


class TimeSeriesQuery:
    """Queries the metrics of endpoints over time.

    The value of an endpoint is that of its last report, and 0 after the endpoint's TTL. The value
    of a room is the sum over its endpoints. Means are weighted by time.
    """

    def __init__(self, db: Session, settings: Mapping[str, Any]) -> None:
        """Create a query; ``settings`` define the retention of samples and minutes."""
        self.db = db
        self._samples_retention = timedelta(hours=settings["retention.samples_hours"])
        self._minutes_retention = timedelta(days=settings["retention.minutes_days"])

    def finest_step(self, *, begin: datetime, end: datetime, now: datetime) -> timedelta:
        """Return the smallest step with :data:`MAX_POINTS` points at most and available data."""
        min_step = (end - begin) / MAX_POINTS
        if begin < now - self._samples_retention:
            min_step = max(min_step, MINUTE)
        if begin < now - self._minutes_retention:
            min_step = max(min_step, TEN_MINUTES)
        return next((step for step in STEPS if step >= min_step), STEPS[-1])

    def fetch(
        self, *, begin: datetime, end: datetime, step: timedelta, room: str | None = None
    ) -> SeriesSet:
        """Return the series of every room with an endpoint, or of one room's endpoints.

        :param begin: is rounded down to a multiple of the step.
        :param end: must not be in the future.
        :param step: one of :data:`STEPS`.
        :param room: only this room; the series are those of its endpoints.
        """
        begin = floor_to(begin, step)
        times = tuple(begin + step * index for index in range(-((begin - end) // step)))
        count = len(times)
        # A sample at the end itself belongs to one more step, which is dropped below.
        totals: _SeriesTotals = defaultdict(lambda: ([0.0] * (count + 1), [0.0] * (count + 1)))
        done = begin
        for table, interval in ((Sample10Min, TEN_MINUTES), (Sample1Min, MINUTE)):
            if step % interval == timedelta(0):
                until = max(done, min(rolled_up_until(self.db, table), times[-1] + step))
                self._add_rollup(totals, table, (begin, done, until), step, room)
                done = until
        current = self._add_samples(totals, (begin, done, end), step, room) if done < end else {}
        step_ms = step / _MS
        means = {
            name: (
                [total / step_ms for total in clients[:count]],
                [total / step_ms for total in bitrate[:count]],
            )
            for name, (clients, bitrate) in sorted(totals.items())
        }
        if done < end < times[-1] + step:
            for name, (clients, bitrate) in means.items():
                clients[-1], bitrate[-1] = current.get(name, (0.0, 0.0))
        return SeriesSet(
            times=times,
            step=step,
            series={
                name: Series(clients=tuple(clients), bitrate=tuple(bitrate))
                for name, (clients, bitrate) in means.items()
            },
        )

    def _add_rollup(
        self,
        totals: _SeriesTotals,
        table: type[Sample1Min | Sample10Min],
        times: tuple[datetime, datetime, datetime],
        step: timedelta,
        room: str | None,
    ) -> None:
        """Add the rows of a rollup table.

        :param times: the beginning of the first step, and the time range of the rows.
        """
        origin, begin, until = times
        key = (table.room if room is None else table.name).label("key")
        index = ((EpochMs(table.at) - to_ms(origin)) // (step // _MS)).label("step_index")
        query = (
            sa.select(key, index, _sum(table.clients_ms), _sum(table.bitrate_ms))
            .where(table.at >= begin, table.at < until)
            .where(sa.true() if room is None else table.room == room)
            .group_by(key, index)
        )
        for name, number, clients, bitrate in self.db.connection().execute(query):
            clients_totals, bitrate_totals = totals[name]
            clients_totals[number] += clients
            bitrate_totals[number] += bitrate

    def _add_samples(
        self,
        totals: _SeriesTotals,
        times: tuple[datetime, datetime, datetime],
        step: timedelta,
        room: str | None,
    ) -> dict[str, tuple[float, float]]:
        """Add samples.

        Each sample is a change by its values at the beginning of its validity, and the opposite
        change at the end. The database sums the changes of each step; a running sum over the
        steps gives the values.

        :param times: the beginning of the first step, and the time range.
        :returns: the values at the end, by name.
        """
        origin, begin, end = times
        step_ms = step // _MS
        intervals = sample_intervals(begin, end, room)
        key = (intervals.c.room if room is None else intervals.c.name).label("key")
        changes = sa.union_all(
            sa.select(key, intervals.c.first.label("at"), intervals.c.clients, intervals.c.bitrate),
            sa.select(key, intervals.c.last, -intervals.c.clients, -intervals.c.bitrate),
        ).subquery()
        at = changes.c.at + (begin - origin) // _MS
        index = (at // step_ms).label("step_index")
        rest_of_step = step_ms - at % step_ms
        query = (
            sa.select(
                changes.c.key,
                index,
                _sum(changes.c.clients),
                _sum(changes.c.bitrate),
                _sum(changes.c.clients * rest_of_step),
                _sum(changes.c.bitrate * rest_of_step),
            )
            .where(changes.c.at <= (end - begin) // _MS)
            .group_by(changes.c.key, index)
            .order_by(changes.c.key, index)
        )
        steps = ((begin - origin) // _MS // step_ms, (end - origin) // _MS // step_ms)
        rows = self.db.connection().execute(query)
        return {
            name: _add_running_sums(totals[name], changes_of_name, steps, step_ms)
            for name, changes_of_name in groupby(rows, itemgetter(0))
        }


def rolled_up_until(db: Session, table: type[Base]) -> datetime:
    """Return the time up to which a rollup table is complete; 1970 before the first rollup."""
    until = db.scalar(sa.select(RollupCursor.until).where(RollupCursor.name == table.__tablename__))
    return until or from_ms(0)


def _sum(column: sa.SQLColumnExpression[int]) -> sa.ColumnElement[float]:
    # Clients can report any integer; the sum may exceed SQLite's integers.
    return sa.func.sum(sa.cast(column, sa.Double))


def _add_running_sums(
    totals: tuple[list[float], list[float]],
    changes: Iterable[Any],
    steps: tuple[int, int],
    step_ms: int,
) -> tuple[float, float]:
    """Add the running sums of changes to the totals of a series; return the final values.

    :param steps: the first and the last step to add to.
    """
    clients_totals, bitrate_totals = totals
    clients = bitrate = 0.0
    next_step, last_step = steps
    for _, step, clients_change, bitrate_change, clients_ms, bitrate_ms in changes:
        for unchanged in range(next_step, step):
            clients_totals[unchanged] += clients * step_ms
            bitrate_totals[unchanged] += bitrate * step_ms
        clients_totals[step] += clients * step_ms + clients_ms
        bitrate_totals[step] += bitrate * step_ms + bitrate_ms
        clients += clients_change
        bitrate += bitrate_change
        next_step = step + 1
    for unchanged in range(next_step, last_step + 1):
        clients_totals[unchanged] += clients * step_ms
        bitrate_totals[unchanged] += bitrate * step_ms
    return clients, bitrate
