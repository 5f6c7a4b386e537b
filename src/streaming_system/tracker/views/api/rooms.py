"""Rooms, for programs."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from streaming_system.config import Room
from streaming_system.config.stream_sources import active_youtube_id, has_external_stream
from streaming_system.tracker.api.dispatch import api_view
from streaming_system.tracker.audience.qoe import QoeMetrics
from streaming_system.tracker.endpoints.stream_directory import StreamOffer
from streaming_system.tracker.views.api.serialization import format_utc


@api_view("room.list")
def list_rooms(request: Any) -> dict[str, Any]:
    """Return every room."""
    offers = request.directory.all_rooms(now=request.now)
    players = request.viewers.by_endpoint(now=request.now)
    others = request.viewers.others(now=request.now)
    played = _recent_qoe(request)
    known = request.registry.settings["conference"].rooms.values()
    return {
        "generated_at": format_utc(request.now),
        "rooms": [
            _room_json(room, offers[room.id], players, others, played.get(room.id), request.now)
            for room in known
        ],
    }


@api_view("room.get")
def room(request: Any) -> dict[str, Any]:
    """Return one room."""
    room = request.registry.settings["conference"].rooms[request.validated["room"]]
    offers = request.directory.room(room, now=request.now)
    players = request.viewers.by_endpoint(now=request.now)
    others = request.viewers.others(now=request.now)
    played = _recent_qoe(request, room.id).get(room.id)
    return _room_json(room, offers, players, others, played, request.now)


def _recent_qoe(request: Any, room: str | None = None) -> Mapping[str, QoeMetrics]:
    """Return how players of each room have fared lately."""
    found = request.playback.figures(now=request.now, room=room, by_endpoint=False)
    return {figures.room: figures for figures in found}


def _room_json(
    room: Room,
    offers: Sequence[StreamOffer],
    players: Mapping[tuple[str, str], int],
    others: Mapping[tuple[str, str], int],
    played: QoeMetrics | None,
    now: datetime,
) -> dict[str, Any]:
    alive = [offer.endpoint for offer in offers]
    own = [offer.endpoint for offer in offers if offer.own]
    return {
        "room": room.id,
        "title": room.title,
        "live": any(offer.reaches_viewers for offer in offers) or has_external_stream(room, now),
        "youtube": active_youtube_id(room, now) or None,
        "viewers": {
            "players": sum(count for (where, _), count in players.items() if where == room.id),
            "others": sum(others.get((endpoint.room, endpoint.name), 0) for endpoint in own),
        },
        "bitrate": sum(endpoint.bitrate for endpoint in own),
        "startup_p95_ms": played.startup_p95_ms if played else None,
        "rebuffer_ratio": played.rebuffer_ratio if played else None,
        "endpoints": [endpoint.name for endpoint in alive],
    }
