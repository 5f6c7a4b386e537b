"""Rooms, as the JSON API speaks of them."""

import colander

from streaming_system.tracker.schemas.types import (
    MAX_CLIENTS,
    ApiSchema,
    BoundedInteger,
    BoundedList,
    BoundedNumber,
    DisplayText,
    Identifier,
    Nullable,
    Rfc3339DateTime,
    RoomId,
    StrictBoolean,
)


class RoomViewersSchema(ApiSchema):
    """How many watch a room."""

    players = colander.SchemaNode(
        BoundedInteger(0, MAX_CLIENTS),
        description="Open players that report to the tracker: each is one viewer.",
        example=120,
    )
    others = colander.SchemaNode(
        BoundedInteger(0, MAX_CLIENTS),
        description="Viewers that only the endpoints see, such as VLC and television sets.",
        example=7,
    )


class RoomStatusSchema(ApiSchema):
    """A room of the conference, as it is now."""

    room = colander.SchemaNode(RoomId(), example="hall")
    title = colander.SchemaNode(DisplayText(), example="Great Hall")
    live = colander.SchemaNode(
        StrictBoolean(),
        description="That an endpoint is alive, or the room can be watched elsewhere.",
        example=True,
    )
    youtube = colander.SchemaNode(
        Nullable(DisplayText()), description="The id of its video.", example=None
    )
    viewers = RoomViewersSchema()
    bitrate = colander.SchemaNode(
        BoundedInteger(0, 2**53), description="What is sent, in bit/s.", example=9600000
    )
    startup_p95_ms = colander.SchemaNode(
        Nullable(BoundedInteger(0, 2**53)),
        description="Of twenty players that began within five minutes, nineteen needed at most so "
        "long.",
        example=2100,
    )
    rebuffer_ratio = colander.SchemaNode(
        Nullable(BoundedNumber(0, 1)),
        description="The share of their time that players stood still for want of data, within "
        "five minutes.",
        example=0.0001,
    )
    endpoints = colander.SchemaNode(
        BoundedList(Identifier(), 10_000),
        description="The names of the endpoints that are alive.",
        example=["edge1"],
    )


class RoomListSchema(ApiSchema):
    """Every room of the conference."""

    generated_at = colander.SchemaNode(Rfc3339DateTime(), example="2026-08-22T12:00:00.000Z")
    rooms = colander.SchemaNode(BoundedList(RoomStatusSchema(), 10_000, distinct=False))
