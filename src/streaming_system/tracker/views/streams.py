"""The live rooms, and the endpoints for their viewers."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from pyramid.httpexceptions import HTTPFound, HTTPNotFound
from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.config import Fallback, Room
from streaming_system.config.stream_sources import (
    active_external_fallbacks,
    active_youtube_id,
    has_external_stream,
    is_served_by_endpoints,
)
from streaming_system.tracker.endpoints.fallback_groups import room_and_fallbacks
from streaming_system.tracker.endpoints.stream_directory import StreamOffer, is_live, is_on_slate
from streaming_system.tracker.views.api.serialization import format_utc
from streaming_system.util.validation import split_stream_url

# Behind a cache, any number of players costs one query per second.
CACHE_CONTROL = (1, {"public": True, "stale_while_revalidate": 5, "stale_if_error": 30})
# The region of a viewer rarely changes.
REGION_TTL_SECONDS = 300


@view_config(route_name="streams.script", http_cache=0)
def streams_js(request: Any) -> Response:
    """Return the list of live rooms for the original's pages."""
    alive = {endpoint.room for endpoint in request.endpoints.alive(now=request.now)}
    rooms = request.conference.rooms.values()
    active = [
        room.id
        for room in rooms
        if has_external_stream(room, request.now)
        or (
            is_served_by_endpoints(room, request.now)
            and not alive.isdisjoint(room_and_fallbacks(room))
        )
    ]
    return _js_response(f"var streamers_active = {_js_literal(active)};\n")


@view_config(route_name="stream.script", http_cache=0)
def stream_js(request: Any) -> Response:
    """Assign a viewer of the original's pages to the endpoint that will be least utilised."""
    room = request.conference.rooms.get(request.matchdict["room"])
    if room is None:
        return _js_response("// There is no such room.\n", status=404)
    endpoint = None
    if is_served_by_endpoints(room, request.now):
        endpoint = request.endpoints.assign_viewer(
            rooms=list(room_and_fallbacks(room)), prefer=_preferred_labels(request), now=request.now
        )
    elsewhere = [
        split_stream_url(place.value.replace("{room}", room.id))
        for place in active_external_fallbacks(room, request.now)
        if place.kind == "url"
    ]
    if endpoint:
        stream = f"new Streams({_js_literal(request.directory.url(endpoint, room.id))})"
    elif elsewhere and not elsewhere[0].files:
        stream = f"new Streams({_js_literal(elsewhere[0].base)})"
    elif has_external_stream(room, request.now):
        # The original's pages show YouTube only if the room has a stream; they ignore its address.
        # They append names of files to it, so they cannot play a whole address.
        stream = "new Streams('')"
    else:
        stream = "null"
    return _js_response(f"var streamer_{room.id} = {stream};\n")


@view_config(route_name="streams.list", renderer="json", http_cache=CACHE_CONTROL)
def streams_json(request: Any) -> dict[str, Any]:
    """Return all rooms with their live endpoints, least loaded first."""
    offers = request.directory.all_rooms(now=request.now)
    # Pages of any site may use the list.
    request.response.headers["Access-Control-Allow-Origin"] = "*"
    rooms = request.conference.rooms.values()
    return {
        "generated_at": format_utc(request.now),
        "rooms": {room.id: _room_json(room, offers[room.id], request.now) for room in rooms},
    }


@view_config(route_name="room.streams", renderer="json", http_cache=CACHE_CONTROL)
def room_streams_json(request: Any) -> Any:
    """Return the endpoints of one room with weights. All viewers of a region share the response."""
    request.response.headers["Access-Control-Allow-Origin"] = "*"
    room = request.conference.rooms.get(request.matchdict["room"])
    if room is None:
        raise HTTPNotFound
    regions = request.regions
    if regions.is_enabled and "region" not in request.GET:
        return _redirect_to_region(request)
    region = request.GET.get("region", "")
    now = request.now
    offers = request.directory.room(room, prefer=regions.preferred_labels(region), now=now)
    return {
        "generated_at": format_utc(now),
        "room": room.id,
        "region": region if regions.preferred_labels(region) else "",
        "live": is_live(room, offers, now),
        "endpoints": [
            {
                "name": offer.endpoint.name,
                "url": offer.url,
                "formats": list(offer.formats),
                **_files_json(offer),
                "qualities": offer.endpoint.qualities,
                "region": offer.endpoint.region,
                "tags": offer.endpoint.tags,
                "weight": offer.weight,
            }
            for offer in (offers if is_served_by_endpoints(room, now) else ())
        ],
        "fallbacks": [
            _fallback_json(place, room) for place in active_external_fallbacks(room, now)
        ],
    }


def _fallback_json(place: Fallback, room: Room) -> dict[str, Any]:
    value = place.value.replace("{room}", room.id)
    if place.kind != "url":
        return {"kind": place.kind, place.kind: value}
    address = split_stream_url(value)
    only = {"formats": list(address.files), "files": address.files} if address.files else {}
    return {"kind": "url", "url": address.base, **only}


def _redirect_to_region(request: Any) -> Response:
    """Redirect a viewer to the list of their region."""
    region = request.regions.region_of(request.remote_addr, request.headers)
    response = HTTPFound(location=f"?{urlencode({'region': region})}")
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.cache_expires(REGION_TTL_SECONDS)
    response.cache_control.private = True
    # The view's own http_cache applies to the list, and not to this redirect.
    response.cache_control.prevent_auto = True
    return response


def _preferred_labels(request: Any) -> Sequence[str]:
    regions = request.regions
    preferred: Sequence[str] = regions.preferred_labels(
        regions.region_of(request.remote_addr, request.headers)
    )
    return preferred


def _room_json(room: Room, offers: Sequence[StreamOffer], now: datetime) -> dict[str, Any]:
    return {
        "live": is_live(room, offers, now),
        "slate": is_on_slate(room, offers, now),
        "youtube": active_youtube_id(room, now) or None,
        "clients": sum(offer.endpoint.clients for offer in offers if offer.counts_for_room),
        "bitrate": sum(offer.endpoint.bitrate for offer in offers if offer.counts_for_room),
        "endpoints": [
            {
                "ip": offer.endpoint.host,
                "name": offer.endpoint.name,
                "url": offer.url,
                "clients": offer.endpoint.clients,
                "bitrate": offer.endpoint.bitrate,
                "last_seen": format_utc(offer.endpoint.last_seen),
                "formats": list(offer.formats),
                **_files_json(offer),
                "weight": offer.weight,
            }
            # Endpoints get no new viewers while a timed source is active.
            for offer in (offers if is_served_by_endpoints(room, now) else ())
        ],
    }


def _files_json(offer: StreamOffer) -> dict[str, Any]:
    return {"files": offer.files} if offer.files else {}


def _js_literal(value: Any) -> str:
    """Return a value as JavaScript, safe within a script element."""
    return json.dumps(value).replace("<", "\\u003c")


def _js_response(text: str, status: int = 200) -> Response:
    return Response(text, status=status, content_type="text/javascript", charset="utf-8")
