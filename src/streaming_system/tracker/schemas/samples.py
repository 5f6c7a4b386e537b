"""Figures over time, as the JSON API speaks of them."""

import colander

from streaming_system.tracker.schemas.types import (
    ListOf,
    Moment,
    Number,
    Record,
    RoomId,
    Whole,
    Words,
)

MOST_DAYS = 400


class SampleQuery(Record):
    """Which figures are asked for."""

    from_ = colander.SchemaNode(
        Moment(),
        name="from",
        missing=None,
        description=f"Where they begin: an hour before `to` if not given, at most {MOST_DAYS} "
        "days before it.",
    )
    to = colander.SchemaNode(
        Moment(), missing=None, description="Where they end: now, if not given or in the future."
    )
    step = colander.SchemaNode(
        Whole(5, 86400),
        missing=5,
        description="Seconds between two figures. The answer may have longer ones: where there "
        "would be more than 400, or the tracker keeps no finer ones.",
        example=60,
    )


class SampleLine(Record):
    """The figures of an endpoint: one for each of `times`, a mean over the step after it."""

    endpoint = colander.SchemaNode(Words(), example="edge1")
    clients = colander.SchemaNode(
        ListOf(Number(0, 1e18), 100_000, distinct=False), example=[12, 13]
    )
    bitrate = colander.SchemaNode(
        ListOf(Number(0, 1e18), 100_000, distinct=False),
        description="In bit/s.",
        example=[9600000, 9800000],
    )


class Samples(Record):
    """The figures of a room's endpoints over time."""

    room = colander.SchemaNode(RoomId(), example="hall")
    step = colander.SchemaNode(Whole(1, 86400), description="In seconds.", example=60)
    times = colander.SchemaNode(
        ListOf(Moment(), 100_000, distinct=False),
        example=["2026-08-22T12:00:00.000Z", "2026-08-22T12:01:00.000Z"],
    )
    endpoints = colander.SchemaNode(ListOf(SampleLine(), 10_000, distinct=False))
