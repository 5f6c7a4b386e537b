"""Rooms, as the JSON API speaks of them."""

import colander

from streaming_system.tracker.schemas.types import (
    MAX_CLIENTS,
    Flag,
    ListOf,
    Moment,
    Name,
    Number,
    OrNull,
    Record,
    RoomId,
    Whole,
    Words,
)


class RoomViewers(Record):
    """How many watch a room."""

    players = colander.SchemaNode(
        Whole(0, MAX_CLIENTS),
        description="Open players that report to the tracker: each is one viewer.",
        example=120,
    )
    others = colander.SchemaNode(
        Whole(0, MAX_CLIENTS),
        description="Viewers that only the endpoints see, such as VLC and television sets.",
        example=7,
    )


class Room(Record):
    """A room of the conference, as it is now."""

    room = colander.SchemaNode(RoomId(), example="hall")
    title = colander.SchemaNode(Words(), example="Great Hall")
    live = colander.SchemaNode(
        Flag(),
        description="That an endpoint is alive, or the room can be watched elsewhere.",
        example=True,
    )
    youtube = colander.SchemaNode(OrNull(Words()), description="The id of its video.", example=None)
    viewers = RoomViewers()
    bitrate = colander.SchemaNode(
        Whole(0, 2**53), description="What is sent, in bit/s.", example=9600000
    )
    startup_p95_ms = colander.SchemaNode(
        OrNull(Whole(0, 2**53)),
        description="Of twenty players that began within five minutes, nineteen needed at most so "
        "long.",
        example=2100,
    )
    rebuffer_ratio = colander.SchemaNode(
        OrNull(Number(0, 1)),
        description="The share of their time that players stood still for want of data, within "
        "five minutes.",
        example=0.0001,
    )
    endpoints = colander.SchemaNode(
        ListOf(Name(), 10_000),
        description="The names of the endpoints that are alive.",
        example=["edge1"],
    )


class RoomList(Record):
    """Every room of the conference."""

    generated_at = colander.SchemaNode(Moment(), example="2026-08-22T12:00:00.000Z")
    rooms = colander.SchemaNode(ListOf(Room(), 10_000, distinct=False))
