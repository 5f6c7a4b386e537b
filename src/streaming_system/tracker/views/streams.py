"""Which rooms are live, and where viewers are sent."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from pyramid.httpexceptions import HTTPFound, HTTPNotFound
from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.rooms import Room
from streaming_system.tracker.services.directory import Offer, groups_of, lives_elsewhere

# What hundred thousand players ask for costs one query a second, if a cache stands before us.
CACHE = (1, {"public": True, "stale_while_revalidate": 5})
# Where a viewer is does not change every second.
REGION_SECONDS = 300


@view_config(route_name="streams.script", http_cache=0)
def active_script(request: Any) -> Response:
    """Return the old pages' list of live rooms."""
    alive = {endpoint.room for endpoint in request.endpoints.alive(now=request.now)}
    rooms = request.registry.settings["conference"].rooms.values()
    active = [
        room.id for room in rooms if lives_elsewhere(room) or not alive.isdisjoint(groups_of(room))
    ]
    return _script(f"var streamers_active = {_literal(active)};\n")


@view_config(route_name="stream.script", http_cache=0)
def stream_script(request: Any) -> Response:
    """Send a viewer of the old pages to the endpoint that will be least used with them."""
    room = request.registry.settings["conference"].rooms.get(request.matchdict["room"])
    if room is None:
        return _script("// There is no such room.\n", status=404)
    endpoint = request.endpoints.send(
        rooms=list(groups_of(room)), prefer=_preferred_here(request), now=request.now
    )
    elsewhere = [fallback.value for fallback in room.fallbacks if fallback.kind == "url"]
    if endpoint:
        stream = f"new Streams({_literal(request.directory.url(endpoint, room.id))})"
    elif elsewhere:
        stream = f"new Streams({_literal(elsewhere[0].replace('{room}', room.id))})"
    elif lives_elsewhere(room):
        # Old pages offer YouTube only to a room with a stream; they never use this one's address.
        stream = "new Streams('')"
    else:
        stream = "null"
    return _script(f"var streamer_{room.id} = {stream};\n")


@view_config(route_name="streams.list", renderer="json", http_cache=0)
def streams(request: Any) -> dict[str, Any]:
    """Return every room with its live endpoints, least loaded first."""
    offers = request.directory.all_rooms(now=request.now)
    # Anybody may build a page of their own around these facts.
    request.response.headers["Access-Control-Allow-Origin"] = "*"
    rooms = request.registry.settings["conference"].rooms.values()
    return {
        "generated_at": _utc(request.now),
        "rooms": {room.id: _room(room, offers[room.id]) for room in rooms},
    }


@view_config(route_name="room.streams", renderer="json", http_cache=CACHE)
def room_streams(request: Any) -> Any:
    """Return the endpoints of one room with weights, the same to everybody of a region."""
    request.response.headers["Access-Control-Allow-Origin"] = "*"
    room = request.registry.settings["conference"].rooms.get(request.matchdict["room"])
    if room is None:
        raise HTTPNotFound
    regions = request.registry["regions"]
    if regions.any and "region" not in request.GET:
        return _to_region(request)
    region = request.GET.get("region", "")
    offers = request.directory.room(room, prefer=regions.preferred_in(region), now=request.now)
    return {
        "generated_at": _utc(request.now),
        "room": room.id,
        "region": region if regions.preferred_in(region) else "",
        "live": bool(offers) or lives_elsewhere(room),
        "endpoints": [
            {
                "name": offer.endpoint.name,
                "url": offer.url,
                "formats": list(offer.formats),
                "qualities": offer.endpoint.qualities,
                "region": offer.endpoint.region,
                "tags": offer.endpoint.tags,
                "weight": offer.weight,
            }
            for offer in offers
        ],
        "fallbacks": _elsewhere(room),
    }


def _to_region(request: Any) -> Response:
    """Lead a viewer to the list of their region, which they share with all others there."""
    region = request.registry["regions"].of(request.remote_addr, request.headers)
    answer = HTTPFound(location=f"?{urlencode({'region': region})}")
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.cache_expires(REGION_SECONDS)
    answer.cache_control.private = True
    # What the view says for the list itself does not hold for the way to it.
    answer.cache_control.prevent_auto = True
    return answer


def _preferred_here(request: Any) -> Sequence[str]:
    regions = request.registry["regions"]
    preferred: Sequence[str] = regions.preferred_in(
        regions.of(request.remote_addr, request.headers)
    )
    return preferred


def _elsewhere(room: Room) -> list[dict[str, str]]:
    """Return where a room can be watched besides its endpoints, in the order to be tried."""
    told = [
        {"kind": fallback.kind, fallback.kind: fallback.value.replace("{room}", room.id)}
        for fallback in room.fallbacks
        if fallback.kind != "group"
    ]
    if room.youtube:
        told.append({"kind": "youtube", "youtube": room.youtube})
    return told


def _room(room: Room, offers: Sequence[Offer]) -> dict[str, Any]:
    return {
        "live": bool(offers) or lives_elsewhere(room),
        "youtube": room.youtube or None,
        "clients": sum(offer.endpoint.clients for offer in offers),
        "bitrate": sum(offer.endpoint.bitrate for offer in offers),
        "endpoints": [
            {
                "ip": offer.endpoint.host,
                "name": offer.endpoint.name,
                "url": offer.url,
                "clients": offer.endpoint.clients,
                "bitrate": offer.endpoint.bitrate,
                "last_seen": _utc(offer.endpoint.last_seen),
                "formats": list(offer.formats),
                "weight": offer.weight,
            }
            for offer in offers
        ],
    }


def _utc(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _literal(value: Any) -> str:
    """Return a value as JavaScript that cannot end the script element around it."""
    return json.dumps(value).replace("<", "\\u003c")


def _script(text: str, status: int = 200) -> Response:
    return Response(text, status=status, content_type="text/javascript", charset="utf-8")
