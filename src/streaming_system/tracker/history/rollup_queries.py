"""The rows of the tables of spans: what they are made of, and how."""

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
    """Return the rows of :class:`Sample1Min` for a span of whole minutes, from samples."""
    held = sample_intervals(begin, end + MINUTE)
    minute = MINUTE // _MS
    number = held.c.first // minute
    turn = (number + 1) * minute
    columns = (held.c.room, held.c.name, held.c.clients, held.c.bitrate, held.c.cbitrate)
    # A report holds for a minute at most, so that it is part of two minutes at most.
    until_turn = sa.case((held.c.last < turn, held.c.last), else_=turn)
    parts = sa.union_all(
        sa.select(*columns, number.label("number"), (until_turn - held.c.first).label("ms"),
                  held.c.own),
        sa.select(*columns, number + 1, held.c.last - turn, sa.literal(0))
        .where(held.c.last > turn),
    ).subquery()  # fmt: skip
    where = (parts.c.room, parts.c.name, parts.c.number)
    query = (
        sa.select(
            *where,
            sa.func.sum(parts.c.own),
            sa.func.sum(parts.c.clients * parts.c.ms),
            sa.func.max(parts.c.clients),
            sa.func.sum(parts.c.bitrate * parts.c.ms),
            sa.func.max(parts.c.bitrate),
            sa.func.sum(parts.c.cbitrate * parts.c.ms),
        )
        # What holds for no time at all is a report that another one followed at once, or one
        # from before the span.
        .where(parts.c.number < (end - begin) // MINUTE, (parts.c.ms > 0) | (parts.c.own > 0))
        .group_by(*where)
    )
    return [
        {"room": room, "name": name, "at": begin + place * MINUTE, **_metric_columns(figures)}
        for room, name, place, *figures in db.execute(query)
    ]


def rollup_samples_10min(db: Session, begin: datetime, end: datetime) -> list[RollupRow]:
    """Return the rows of :class:`SampleTen` for a span of whole tens, from minutes."""
    ten = _interval_index(Sample1Min.at, begin, TEN_MINUTES)
    query = (
        sa.select(
            Sample1Min.room,
            Sample1Min.name,
            ten,
            sa.func.sum(Sample1Min.samples),
            sa.func.sum(Sample1Min.clients_ms),
            sa.func.max(Sample1Min.clients_max),
            sa.func.sum(Sample1Min.bitrate_ms),
            sa.func.max(Sample1Min.bitrate_max),
            sa.func.sum(Sample1Min.cbitrate_ms),
        )
        .where(Sample1Min.at >= begin, Sample1Min.at < end)
        .group_by(Sample1Min.room, Sample1Min.name, ten)
    )
    return [
        {"room": room, "name": name, "at": begin + place * TEN_MINUTES, **_metric_columns(figures)}
        for room, name, place, *figures in db.execute(query)
    ]


def rollup_playback_1min(db: Session, begin: datetime, end: datetime) -> list[RollupRow]:
    """Return the rows of :class:`Playback1Min` for a span of whole minutes."""
    rows = _RollupRows()
    minute = _interval_index(Playback.at, begin, MINUTE)
    where = (Playback.room, Playback.endpoint, minute)
    within = (Playback.at >= begin, Playback.at < end)
    sums = (sa.func.sum(getattr(Playback, name)) for name in _PLAYBACK_SUMS)
    for room, endpoint, place, *figures in db.execute(
        sa.select(*where, *sums).where(*within).group_by(*where)
    ):
        row = rows.row(begin + place * MINUTE, room, endpoint)
        row.update(zip(_PLAYBACK_SUMS, map(int, figures), strict=True))
    for room, endpoint, place, took in db.execute(
        sa.select(*where, sa.type_coerce(Playback.startup_ms, sa.Integer)).where(
            *within, Playback.startup_ms.is_not(None)
        )
    ):
        row = rows.row(begin + place * MINUTE, room, endpoint)
        row["startups"] = histogram.add(row["startups"], took)
    for place in range((end - begin) // MINUTE):
        at = begin + place * MINUTE
        for room, endpoint, viewers in db.execute(
            sa.select(Player.room, Player.endpoint, sa.func.count())
            .where(Player.begun <= at, Player.until > at)
            .group_by(Player.room, Player.endpoint)
        ):
            rows.row(at, room, endpoint)["viewers"] = viewers
    return rows.all()


def rollup_playback_10min(db: Session, begin: datetime, end: datetime) -> list[RollupRow]:
    """Return the rows of :class:`PlaybackTen` for a span of whole tens, from minutes."""
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
    """Rows of playback, made when they are needed first."""

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
    at: sa.SQLColumnExpression[datetime], begin: datetime, span: timedelta
) -> sa.ColumnElement[int]:
    return ((EpochMs(at) - to_ms(begin)) // (span // _MS)).label("number")


def _metric_columns(sums: Sequence[Any]) -> RollupRow:
    # PostgreSQL sums whole numbers to decimals.
    names = ("samples", "clients_ms", "clients_max", "bitrate_ms", "bitrate_max", "cbitrate_ms")
    return dict(zip(names, map(int, sums), strict=True))
