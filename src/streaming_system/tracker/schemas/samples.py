"""Figures over time, as the JSON API speaks of them."""

import colander

from streaming_system.tracker.schemas.types import (
    ApiSchema,
    BoundedInteger,
    BoundedList,
    BoundedNumber,
    DisplayText,
    Rfc3339DateTime,
    RoomId,
)

MAX_DAYS = 400


class SampleQuerySchema(ApiSchema):
    """Which figures are asked for."""

    from_ = colander.SchemaNode(
        Rfc3339DateTime(),
        name="from",
        missing=None,
        description=f"Where they begin: an hour before `to` if not given, at most {MAX_DAYS} "
        "days before it.",
    )
    to = colander.SchemaNode(
        Rfc3339DateTime(),
        missing=None,
        description="Where they end: now, if not given or in the future.",
    )
    step = colander.SchemaNode(
        BoundedInteger(5, 86400),
        missing=5,
        description="Seconds between two figures. The answer may have longer ones: where there "
        "would be more than 400, or the tracker keeps no finer ones.",
        example=60,
    )


class SampleSeriesSchema(ApiSchema):
    """The figures of an endpoint: one for each of `times`, a mean over the step after it."""

    endpoint = colander.SchemaNode(DisplayText(), example="edge1")
    clients = colander.SchemaNode(
        BoundedList(BoundedNumber(0, 1e18), 100_000, distinct=False), example=[12, 13]
    )
    bitrate = colander.SchemaNode(
        BoundedList(BoundedNumber(0, 1e18), 100_000, distinct=False),
        description="In bit/s.",
        example=[9600000, 9800000],
    )


class SamplesSchema(ApiSchema):
    """The figures of a room's endpoints over time."""

    room = colander.SchemaNode(RoomId(), example="hall")
    step = colander.SchemaNode(BoundedInteger(1, 86400), description="In seconds.", example=60)
    times = colander.SchemaNode(
        BoundedList(Rfc3339DateTime(), 100_000, distinct=False),
        example=["2026-08-22T12:00:00.000Z", "2026-08-22T12:01:00.000Z"],
    )
    endpoints = colander.SchemaNode(BoundedList(SampleSeriesSchema(), 10_000, distinct=False))
