"""API schemas of rooms."""

from streaming_system.tracker.schemas.types import (
    MAX_CLIENTS,
    ApiSchema,
    BoundedList,
    DisplayText,
    Member,
)
from streaming_system.util.validation import (
    Flag,
    Identifier,
    Integer,
    Nullable,
    Number,
    Rfc3339DateTime,
    RoomId,
)


class RoomViewersSchema(ApiSchema):
    """The number of viewers of a room."""

    players = Member(
        Integer(0, MAX_CLIENTS),
        description="Players that report to the tracker: each is one viewer.",
        example=120,
    )
    others = Member(
        Integer(0, MAX_CLIENTS),
        description="Viewers that only endpoints count, such as VLC and television sets.",
        example=7,
    )


class RoomStatusSchema(ApiSchema):
    """The current state of a room of the conference."""

    room = Member(RoomId(), example="hall")
    title = Member(DisplayText(), example="Great Hall")
    live = Member(
        Flag(),
        description="Whether an endpoint is alive, or the room can be watched elsewhere.",
        example=True,
    )
    slate = Member(
        Flag(),
        description="Whether viewers of all its endpoints get a slate, because the input is lost.",
        example=False,
    )
    youtube = Member(Nullable(DisplayText()), description="The id of its video.", example=None)
    viewers = RoomViewersSchema()
    bitrate = Member(
        Integer(0, 2**53), description="The outgoing bitrate, in bit/s.", example=9600000
    )
    startup_p95_ms = Member(
        Nullable(Integer(0, 2**53)),
        description="The 95th percentile of the startup times in the last five minutes.",
        example=2100,
    )
    rebuffer_ratio = Member(
        Nullable(Number(0, 1)),
        description="The share of the time that players spent rebuffering in the last five "
        "minutes.",
        example=0.0001,
    )
    endpoints = Member(
        BoundedList(Identifier(), 10_000),
        description="The names of the live endpoints.",
        example=["edge1"],
    )


class RoomListSchema(ApiSchema):
    """All rooms of the conference."""

    generated_at = Member(Rfc3339DateTime(), example="2026-08-22T12:00:00.000Z")
    rooms = Member(BoundedList(RoomStatusSchema(), 10_000, distinct=False))
