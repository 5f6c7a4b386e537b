"""The queries behind rollups: they aggregate reports per minute, and minutes per ten minutes."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.history import histogram
from streaming_system.tracker.history.sample_intervals import sample_intervals
from streaming_system.tracker.history.sql_time import EpochMs, floor_to, to_ms
from streaming_system.tracker.models import (
    Playback,
    Playback1Min,
    Player,
    Sample1Min,
)

MINUTE = timedelta(minutes=1)
TEN_MINUTES = timedelta(minutes=10)
_MS = timedelta(milliseconds=1)
_PLAYBACK_SUMS = ("starts", "played_ms", "rebuffer_ms", "rebuffers", "dropped", "errors")

RollupRow = dict[str, Any]


def rollup_samples_1min(db: Session, begin: datetime, end: datetime) -> list[RollupRow]:
    """Return the rows of :class:`Sample1Min` for a range of whole minutes, from samples."""
    intervals = sample_intervals(begin, end + MINUTE)
    minute_ms = MINUTE // _MS
    index = intervals.c.first // minute_ms
    next_minute = (index + 1) * minute_ms
    columns = (
        intervals.c.room,
        intervals.c.name,
        intervals.c.clients,
        intervals.c.bitrate,
        intervals.c.cbitrate,
    )
    # A sample is valid for a minute at most, so it belongs to two minutes at most.
    end_in_minute = sa.case((intervals.c.last < next_minute, intervals.c.last), else_=next_minute)
    parts = sa.union_all(
        sa.select(
            *columns,
            index.label("minute_index"),
            (end_in_minute - intervals.c.first).label("ms"),
            intervals.c.is_new,
        ),
        sa.select(*columns, index + 1, intervals.c.last - next_minute, sa.literal(0)).where(
            intervals.c.last > next_minute
        ),
    ).subquery()
    group = (parts.c.room, parts.c.name, parts.c.minute_index)
    query = (
        sa.select(
            *group,
            sa.func.sum(parts.c.is_new),
            sa.func.sum(parts.c.clients * parts.c.ms),
            sa.func.max(parts.c.clients),
            sa.func.sum(parts.c.bitrate * parts.c.ms),
            sa.func.max(parts.c.bitrate),
            sa.func.sum(parts.c.cbitrate * parts.c.ms),
        )
        # A sample of the range counts even if the next one replaced it in the same millisecond.
        .where(
            parts.c.minute_index < (end - begin) // MINUTE, (parts.c.ms > 0) | (parts.c.is_new > 0)
        )
        .group_by(*group)
    )
    return [
        {"room": room, "name": name, "at": begin + index * MINUTE, **_metric_columns(sums)}
        for room, name, index, *sums in db.execute(query)
    ]


def rollup_samples_10min(db: Session, begin: datetime, end: datetime) -> list[RollupRow]:
    """Return the rows of :class:`Sample10Min` for a range of whole ten minutes, from minutes."""
    index = _interval_index(Sample1Min.at, begin, TEN_MINUTES)
    query = (
        sa.select(
            Sample1Min.room,
            Sample1Min.name,
            index,
            sa.func.sum(Sample1Min.samples),
            sa.func.sum(Sample1Min.clients_ms),
            sa.func.max(Sample1Min.clients_max),
            sa.func.sum(Sample1Min.bitrate_ms),
            sa.func.max(Sample1Min.bitrate_max),
            sa.func.sum(Sample1Min.cbitrate_ms),
        )
        .where(Sample1Min.at >= begin, Sample1Min.at < end)
        .group_by(Sample1Min.room, Sample1Min.name, index)
    )
    return [
        {"room": room, "name": name, "at": begin + number * TEN_MINUTES, **_metric_columns(sums)}
        for room, name, number, *sums in db.execute(query)
    ]


def rollup_playback_1min(db: Session, begin: datetime, end: datetime) -> list[RollupRow]:
    """Return the rows of :class:`Playback1Min` for a range of whole minutes."""
    rows = _RollupRows()
    index = _interval_index(Playback.at, begin, MINUTE)
    group = (Playback.room, Playback.endpoint, index)
    in_range = (Playback.at >= begin, Playback.at < end)
    sums = (sa.func.sum(getattr(Playback, name)) for name in _PLAYBACK_SUMS)
    for room, endpoint, number, *values in db.execute(
        sa.select(*group, *sums).where(*in_range).group_by(*group)
    ):
        row = rows.row(begin + number * MINUTE, room, endpoint)
        row.update(zip(_PLAYBACK_SUMS, map(int, values), strict=True))
    for room, endpoint, number, startup_ms in db.execute(
        sa.select(*group, sa.type_coerce(Playback.startup_ms, sa.Integer)).where(
            *in_range, Playback.startup_ms.is_not(None)
        )
    ):
        row = rows.row(begin + number * MINUTE, room, endpoint)
        row["startups"] = histogram.add(row["startups"], startup_ms)
    for number in range((end - begin) // MINUTE):
        at = begin + number * MINUTE
        for room, endpoint, viewers in db.execute(
            sa.select(Player.room, Player.endpoint, sa.func.count())
            .where(Player.begun <= at, Player.until > at)
            .group_by(Player.room, Player.endpoint)
        ):
            rows.row(at, room, endpoint)["viewers"] = viewers
    return rows.all()


def rollup_playback_10min(db: Session, begin: datetime, end: datetime) -> list[RollupRow]:
    """Return the rows of :class:`Playback10Min` for a range of whole ten minutes, from minutes."""
    rows = _RollupRows()
    for minute in db.execute(
        sa.select(Playback1Min.__table__).where(Playback1Min.at >= begin, Playback1Min.at < end)
    ):
        row = rows.row(floor_to(minute.at, TEN_MINUTES), minute.room, minute.endpoint)
        row["startups"] = histogram.merge(row["startups"], minute.startups)
        row["viewers"] += minute.viewers if minute.at == row["at"] else 0
        row.update({name: row[name] + getattr(minute, name) for name in _PLAYBACK_SUMS})
    return rows.all()


class _RollupRows:
    """Playback rows by key, created on first access."""

    def __init__(self) -> None:
        self._rows: dict[tuple[datetime, str, str], RollupRow] = {}

    def row(self, at: datetime, room: str, endpoint: str) -> RollupRow:
        return self._rows.setdefault(
            (at, room, endpoint),
            {"at": at, "room": room, "endpoint": endpoint, "viewers": 0, "startups": []}
            | dict.fromkeys(_PLAYBACK_SUMS, 0),
        )

    def all(self) -> list[RollupRow]:
        return list(self._rows.values())


def _interval_index(
    at: sa.SQLColumnExpression[datetime], begin: datetime, length: timedelta
) -> sa.ColumnElement[int]:
    return ((EpochMs(at) - to_ms(begin)) // (length // _MS)).label("interval_index")


def _metric_columns(sums: Sequence[Any]) -> RollupRow:
    # PostgreSQL returns sums of integers as Decimal.
    names = ("samples", "clients_ms", "clients_max", "bitrate_ms", "bitrate_max", "cbitrate_ms")
    return dict(zip(names, map(int, sums), strict=True))
