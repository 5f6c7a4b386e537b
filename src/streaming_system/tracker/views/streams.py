"""Which rooms are live, and where viewers are sent."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.rooms import Room
from streaming_system.tracker.models import Endpoint
from streaming_system.tracker.schemas import STREAMS


@view_config(route_name="streams.script", http_cache=0)
def active_script(request: Any) -> Response:
    """Return the old pages' list of live rooms."""
    alive = {endpoint.room for endpoint in request.endpoints.alive(now=datetime.now(UTC))}
    rooms = request.registry.settings["conference"].rooms.values()
    active = [room.id for room in rooms if room.id in alive or room.youtube]
    return _script(f"var streamers_active = {_literal(active)};\n")


@view_config(route_name="stream.script", http_cache=0)
def stream_script(request: Any) -> Response:
    """Return the old pages' stream of one room: that of the least loaded endpoint."""
    room = request.registry.settings["conference"].rooms.get(request.matchdict["room"])
    if room is None:
        return _script("// There is no such room.\n", status=404)
    alive = request.endpoints.alive(now=datetime.now(UTC), room=room.id)
    if alive:
        stream = f"new Streams({_literal(_url(request, alive[0]))})"
    elif room.youtube:
        # Old pages offer YouTube only to a room with a stream; they never use this one's address.
        stream = "new Streams('')"
    else:
        stream = "null"
    return _script(f"var streamer_{room.id} = {stream};\n")


@view_config(route_name="streams.list", renderer="json", http_cache=0)
def streams(request: Any) -> dict[str, Any]:
    """Return every room with its live endpoints, least loaded first."""
    now = datetime.now(UTC)
    alive = request.endpoints.alive(now=now)
    # Anybody may build a page of their own around these facts.
    request.response.headers["Access-Control-Allow-Origin"] = "*"
    rooms = request.registry.settings["conference"].rooms.values()
    return {
        "generated_at": _utc(now),
        "rooms": {
            room.id: _room(request, room, [e for e in alive if e.room == room.id]) for room in rooms
        },
    }


def _room(request: Any, room: Room, endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    told = [_endpoint(request, endpoint) for endpoint in endpoints]
    return {
        "live": bool(told or room.youtube),
        "youtube": room.youtube or None,
        "clients": sum(endpoint["clients"] for endpoint in told),
        "bitrate": sum(endpoint["bitrate"] for endpoint in told),
        "endpoints": told,
    }


def _endpoint(request: Any, endpoint: Endpoint) -> dict[str, Any]:
    return {
        "ip": endpoint.host,
        "url": _url(request, endpoint),
        "clients": endpoint.clients,
        "bitrate": endpoint.bitrate,
        "last_seen": _utc(endpoint.last_seen),
        "formats": [name for name in STREAMS if f"{name}_clients" in endpoint.figures],
    }


def _url(request: Any, endpoint: Endpoint) -> str:
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    pattern: str = request.registry.settings["endpoint.url"]
    return pattern.replace("{host}", host)


def _utc(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _literal(value: Any) -> str:
    """Return a value as JavaScript that cannot end the script element around it."""
    return json.dumps(value).replace("<", "\\u003c")


def _script(text: str, status: int = 200) -> Response:
    return Response(text, status=status, content_type="text/javascript", charset="utf-8")
