"""API schemas of metrics over time."""

from streaming_system.tracker.schemas.types import ApiSchema, BoundedList, DisplayText, Member
from streaming_system.util.validation import Integer, Number, Rfc3339DateTime, RoomId

MAX_DAYS = 400


class SampleQuerySchema(ApiSchema):
    """The time range and resolution of the metrics."""

    from_ = Member(
        Rfc3339DateTime(),
        name="from",
        missing=None,
        description=f"The start of the range, at most {MAX_DAYS} days before `to`; default: an "
        "hour before `to`.",
    )
    to = Member(
        Rfc3339DateTime(),
        missing=None,
        description="The end of the range, at most the current time, which is the default.",
    )
    step = Member(
        Integer(5, 86400),
        missing=5,
        description="The minimum of seconds between two values. The response has a longer step "
        "if there would be more than 400 values, or if no finer ones are stored.",
        example=60,
    )


class SampleSeriesSchema(ApiSchema):
    """The metrics of an endpoint: for each of `times`, the mean over the following step."""

    endpoint = Member(DisplayText(), example="edge1")
    clients = Member(BoundedList(Number(0, 1e18), 100_000, distinct=False), example=[12, 13])
    bitrate = Member(
        BoundedList(Number(0, 1e18), 100_000, distinct=False),
        description="In bit/s.",
        example=[9600000, 9800000],
    )


class SamplesSchema(ApiSchema):
    """The metrics of a room's endpoints over time."""

    room = Member(RoomId(), example="hall")
    step = Member(Integer(1, 86400), description="In seconds.", example=60)
    times = Member(
        BoundedList(Rfc3339DateTime(), 100_000, distinct=False),
        example=["2026-08-22T12:00:00.000Z", "2026-08-22T12:01:00.000Z"],
    )
    endpoints = Member(BoundedList(SampleSeriesSchema(), 10_000, distinct=False))
