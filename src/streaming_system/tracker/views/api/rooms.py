"""Rooms and their current state."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from streaming_system.config import Room
from streaming_system.config.stream_sources import active_youtube_id
from streaming_system.tracker.api.dispatch import api_view
from streaming_system.tracker.audience.qoe import QoeMetrics
from streaming_system.tracker.endpoints.stream_directory import StreamOffer, is_live, is_on_slate
from streaming_system.tracker.views.api.serialization import format_utc


@api_view("room.list")
def list_rooms(request: Any) -> dict[str, Any]:
    """Return all rooms."""
    offers = request.directory.all_rooms(now=request.now)
    players = request.viewers.by_endpoint(now=request.now)
    others = request.viewers.non_reporting(now=request.now)
    qoe = _recent_qoe(request)
    configured = request.conference.rooms.values()
    return {
        "generated_at": format_utc(request.now),
        "rooms": [
            _room_json(room, offers[room.id], players, others, qoe.get(room.id), request.now)
            for room in configured
        ],
    }


@api_view("room.get")
def get_room(request: Any) -> dict[str, Any]:
    """Return one room."""
    room = request.conference.rooms[request.validated["room"]]
    offers = request.directory.room(room, now=request.now)
    players = request.viewers.by_endpoint(now=request.now)
    others = request.viewers.non_reporting(now=request.now)
    qoe = _recent_qoe(request, room.id).get(room.id)
    return _room_json(room, offers, players, others, qoe, request.now)


def _recent_qoe(request: Any, room: str | None = None) -> Mapping[str, QoeMetrics]:
    """Return the recent quality of experience by room."""
    metrics = request.playback.qoe_metrics(now=request.now, room=room, by_endpoint=False)
    return {each.room: each for each in metrics}


def _room_json(
    room: Room,
    offers: Sequence[StreamOffer],
    players: Mapping[tuple[str, str], int],
    others: Mapping[tuple[str, str], int],
    qoe: QoeMetrics | None,
    now: datetime,
) -> dict[str, Any]:
    alive = [offer.endpoint for offer in offers]
    own = [offer.endpoint for offer in offers if offer.counts_for_room]
    return {
        "room": room.id,
        "title": room.title,
        "live": is_live(room, offers, now),
        "slate": is_on_slate(room, offers, now),
        "youtube": active_youtube_id(room, now) or None,
        "viewers": {
            "players": sum(count for (watched, _), count in players.items() if watched == room.id),
            "others": sum(others.get((endpoint.room, endpoint.name), 0) for endpoint in own),
        },
        "bitrate": sum(endpoint.bitrate for endpoint in own),
        "startup_p95_ms": qoe.startup_p95_ms if qoe else None,
        "rebuffer_ratio": qoe.rebuffer_ratio if qoe else None,
        "endpoints": [endpoint.name for endpoint in alive],
    }
