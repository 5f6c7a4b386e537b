"""What was: figures over time, from single samples and from what has been made of them."""

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
# What may lie between two points of a graph. Those above a minute are whole minutes, and those
# above ten are whole tens, so that each point is made of whole rows.
STEPS = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400)
)
MAX_POINTS = 400

_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, kw_only=True)
class Series:
    """Figures over time of one room, or of one endpoint of a room.

    :param clients: viewers, and ``bitrate``: bit/s; one number for each of :attr:`SeriesSet.times`.
    """

    clients: tuple[float, ...]
    bitrate: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class SeriesSet:
    """Lines over the same moments.

    :param times: where each step begins. The figures are means over the step; that of a step
        which is not over yet is what holds now.
    :param lines: by the name of the room, or of the endpoint where one room was asked for.
    """

    times: tuple[datetime, ...]
    step: timedelta
    lines: Mapping[str, Series]


# By name: clients and bitrate of each step, times milliseconds.
_SeriesTotals = defaultdict[str, tuple[list[float], list[float]]]


class TimeSeriesQuery:
    """The figures of endpoints over time.

    An endpoint's figure at a moment is that of its last report, and 0 once the report is too old
    for the endpoint to be alive. A room's is the sum over its endpoints. Means are over time.
    """

    def __init__(self, db: Session, settings: Mapping[str, Any]) -> None:
        """Take how long single samples and minutes are kept from ``settings``."""
        self.db = db
        self._raw = timedelta(hours=settings["keep.raw"])
        self._minutes = timedelta(days=settings["keep.minutes"])

    def step(self, *, begin: datetime, end: datetime, now: datetime) -> timedelta:
        """Return the finest step that is readable in a graph, and that we have figures for."""
        least = (end - begin) / MAX_POINTS
        if begin < now - self._raw:
            least = max(least, MINUTE)
        if begin < now - self._minutes:
            least = max(least, TEN_MINUTES)
        return next((step for step in STEPS if step >= least), STEPS[-1])

    def bitrate_and_clients(
        self, *, begin: datetime, end: datetime, step: timedelta, room: str | None = None
    ) -> SeriesSet:
        """Return the figures of every room that had an endpoint, or of one room's endpoints.

        :param begin: rounded down to a whole step.
        :param end: not in the future.
        :param step: one of :data:`STEPS`.
        :param room: only this room: the lines are its endpoints.
        """
        begin = floor_to(begin, step)
        times = tuple(begin + step * number for number in range(-((begin - end) // step)))
        count = len(times)
        # What begins at the end itself is of a step of its own, which nobody asked for.
        totals: _SeriesTotals = defaultdict(lambda: ([0.0] * (count + 1), [0.0] * (count + 1)))
        done = begin
        for table, span in ((Sample10Min, TEN_MINUTES), (Sample1Min, MINUTE)):
            if step % span == timedelta(0):
                until = max(done, min(rolled_up_until(self.db, table), times[-1] + step))
                self._add_rolled(totals, table, (begin, done, until), step, room)
                done = until
        now = self._add_samples(totals, (begin, done, end), step, room) if done < end else {}
        length = step / _MS
        lines = {
            name: ([sum_ / length for sum_ in clients[:count]],
                   [sum_ / length for sum_ in bitrate[:count]])
            for name, (clients, bitrate) in sorted(totals.items())
        }  # fmt: skip
        if done < end < times[-1] + step:
            for name, (clients, bitrate) in lines.items():
                clients[-1], bitrate[-1] = now.get(name, (0.0, 0.0))
        return SeriesSet(
            times=times,
            step=step,
            lines={
                name: Series(clients=tuple(clients), bitrate=tuple(bitrate))
                for name, (clients, bitrate) in lines.items()
            },
        )

    def _add_rolled(
        self,
        totals: _SeriesTotals,
        table: type[Sample1Min | Sample10Min],
        span: tuple[datetime, datetime, datetime],
        step: timedelta,
        room: str | None,
    ) -> None:
        """Add what the rows of a table say of the time from ``span[1]`` to ``span[2]``."""
        origin, begin, until = span
        key = (table.room if room is None else table.name).label("key")
        number = ((EpochMs(table.at) - to_ms(origin)) // (step // _MS)).label("number")
        query = (
            sa.select(key, number, _sum(table.clients_ms), _sum(table.bitrate_ms))
            .where(table.at >= begin, table.at < until)
            .where(sa.true() if room is None else table.room == room)
            .group_by(key, number)
        )
        for name, place, clients, bitrate in self.db.connection().execute(query):
            line = totals[name]
            line[0][place] += clients
            line[1][place] += bitrate

    def _add_samples(
        self,
        totals: _SeriesTotals,
        span: tuple[datetime, datetime, datetime],
        step: timedelta,
        room: str | None,
    ) -> dict[str, tuple[float, float]]:
        """Add what single samples say of the time from ``span[1]`` to ``span[2]``.

        Every sample adds its figures when it begins to hold and takes them away when it ends. The
        database sums these changes for each step; their running sum is what holds.

        :returns: what holds at the end, by name.
        """
        origin, begin, end = span
        length = step // _MS
        held = sample_intervals(begin, end, room)
        key = (held.c.room if room is None else held.c.name).label("key")
        changes = sa.union_all(
            sa.select(key, held.c.first.label("at"), held.c.clients, held.c.bitrate),
            sa.select(key, held.c.last, -held.c.clients, -held.c.bitrate),
        ).subquery()
        at = changes.c.at + (begin - origin) // _MS
        number = (at // length).label("number")
        rest = length - at % length
        query = (
            sa.select(
                changes.c.key,
                number,
                _sum(changes.c.clients),
                _sum(changes.c.bitrate),
                _sum(changes.c.clients * rest),
                _sum(changes.c.bitrate * rest),
            )
            .where(changes.c.at <= (end - begin) // _MS)
            .group_by(changes.c.key, number)
            .order_by(changes.c.key, number)
        )
        places = ((begin - origin) // _MS // length, (end - origin) // _MS // length)
        changes_by_name = groupby(self.db.connection().execute(query), itemgetter(0))
        return {
            name: _add_running_sums(totals[name], changes, places, length)
            for name, changes in changes_by_name
        }


def rolled_up_until(db: Session, table: type[Base]) -> datetime:
    """Return up to when the rows of a table of spans have been made."""
    return db.scalar(
        sa.select(RollupCursor.until).where(RollupCursor.name == table.__tablename__)
    ) or from_ms(0)


def _sum(column: sa.SQLColumnExpression[int]) -> sa.ColumnElement[float]:
    # The sum of what strangers report may be larger than any integer that SQLite knows.
    return sa.func.sum(sa.cast(column, sa.Double))


def _add_running_sums(
    line: tuple[list[float], list[float]],
    changes: Iterable[Any],
    places: tuple[int, int],
    length: int,
) -> tuple[float, float]:
    """Add the running sums of changes to a line, from a step to another; return what holds then."""
    of_clients, of_bitrate = line
    clients = bitrate = 0.0
    begin, last = places
    for _, place, more_clients, more_bitrate, clients_ms, bitrate_ms in changes:
        for unchanged in range(begin, place):
            of_clients[unchanged] += clients * length
            of_bitrate[unchanged] += bitrate * length
        of_clients[place] += clients * length + clients_ms
        of_bitrate[place] += bitrate * length + bitrate_ms
        clients += more_clients
        bitrate += more_bitrate
        begin = place + 1
    for unchanged in range(begin, last + 1):
        of_clients[unchanged] += clients * length
        of_bitrate[unchanged] += bitrate * length
    return clients, bitrate
