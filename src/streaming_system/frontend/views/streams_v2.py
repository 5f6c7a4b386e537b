"""For apps, players and TV sets: which streams there are."""

import json
from importlib.resources import files
from typing import Any

from pyramid.httpexceptions import HTTPFound, HTTPNotFound
from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.frontend import playlist, streams_v2
from streaming_system.frontend.http_cache import FROM_SCHEDULE
from streaming_system.frontend.page_cache import answer, tagged
from streaming_system.frontend.request_methods import title_of
from streaming_system.frontend.room_view import RoomState, room_state, room_states


@view_config(route_name="apps.v2", http_cache=FROM_SCHEDULE)
def v2(request: Any) -> Response:
    """Return the document that apps for media.ccc.de read."""
    conference = request.conference
    site = request.application_url
    logo = conference.default.logo or request.route_path("brand.logo")
    where = streams_v2.Addresses(
        site=site,
        picture=request.relative_url(logo, to_application=True),
        streams=conference.site,
        poster=request.poster,
    )
    found = streams_v2.document(room_states(request), where, request.site_title, request.now)
    body = json.dumps(found, ensure_ascii=False, indent=2)
    return _answer(request, body, "application/json")


@view_config(route_name="apps.schema", http_cache=3600)
def schema(request: Any) -> Response:
    """Return the JSON Schema of that document."""
    body = files("streaming_system.frontend").joinpath("static/streams-v2.schema.json").read_text()
    return _answer(request, body, "application/schema+json")


@view_config(route_name="apps.playlist", http_cache=FROM_SCHEDULE)
def all_rooms(request: Any) -> Response:
    """Return the streams of all live rooms, for VLC and TV sets."""
    return _playlist(request, room_states(request), most=1)


@view_config(route_name="room.playlist", http_cache=FROM_SCHEDULE)
def one_room(request: Any) -> Response:
    """Return the streams of a room."""
    told = request.registry["live"].current()
    state = room_state(request.room, request.schedule, told, request.now)
    return _playlist(request, [state])


@view_config(route_name="room.of_event", http_cache=3600)
def of_event(request: Any) -> Any:
    """Lead from an app's link, which names the event, to the room."""
    name = request.matchdict["room"]
    room = request.conference.rooms.get(name)
    if room is None:
        raise HTTPNotFound(request.translate("there is no room called %(room)s", room=name))
    # An event has one name, whatever the language of who asks.
    event = streams_v2.mandator_of(room.conference or title_of(request.conference))
    if request.matchdict["event"] != event:
        raise HTTPNotFound(
            request.translate(
                "there is no event called %(event)s", event=request.matchdict["event"]
            )
        )
    return HTTPFound(location=request.route_path("room", room=room.id))


def _playlist(request: Any, states: list[RoomState], most: int | None = None) -> Response:
    return _answer(
        request,
        playlist.text(states, request.conference.site, request.now, most),
        "audio/x-mpegurl",
    )


def _answer(request: Any, body: str, media: str) -> Response:
    """Return an answer that caches and programs of any site may have, and need not have twice."""
    response = answer(request, tagged(body), media)
    if media.startswith("application/"):
        # JSON is always UTF-8; a charset would be another type to strict clients.
        response.headers["Content-Type"] = media
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
