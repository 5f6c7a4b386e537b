"""Rooms, for programs."""

from collections.abc import Sequence
from typing import Any

from streaming_system.rooms import Room
from streaming_system.tracker.api.view import api_view
from streaming_system.tracker.models import Endpoint
from streaming_system.tracker.views.api.shown import utc


@api_view("room.list")
def rooms(request: Any) -> dict[str, Any]:
    """Return every room."""
    alive = request.endpoints.alive(now=request.now)
    known = request.registry.settings["conference"].rooms.values()
    return {
        "generated_at": utc(request.now),
        "rooms": [_room(room, [e for e in alive if e.room == room.id]) for room in known],
    }


@api_view("room.get")
def room(request: Any) -> dict[str, Any]:
    """Return one room."""
    room_id = request.validated["room"]
    alive = request.endpoints.alive(now=request.now, room=room_id)
    return _room(request.registry.settings["conference"].rooms[room_id], alive)


def _room(room: Room, alive: Sequence[Endpoint]) -> dict[str, Any]:
    clients = sum(endpoint.clients for endpoint in alive)
    return {
        "room": room.id,
        "title": room.title,
        "live": bool(alive or room.youtube),
        "youtube": room.youtube or None,
        "viewers": {"players": 0, "others": clients},
        "bitrate": sum(endpoint.bitrate for endpoint in alive),
        "endpoints": [endpoint.name for endpoint in alive],
    }
