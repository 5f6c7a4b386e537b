"""Documents for apps, players and TV sets: streams/v2.json and playlists."""

import json
from importlib.resources import files
from typing import Any

from pyramid.httpexceptions import HTTPFound, HTTPNotFound
from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.frontend import playlist, streams_v2
from streaming_system.frontend.http_cache import SCHEDULE_MAX_AGE
from streaming_system.frontend.page_cache import page_response, with_etag
from streaming_system.frontend.request_methods import configured_title
from streaming_system.frontend.room_view import RoomView, build_room_view, build_room_views


@view_config(route_name="apps.v2", http_cache=SCHEDULE_MAX_AGE)
def v2_document(request: Any) -> Response:
    """Return the document for apps of media.ccc.de."""
    conference = request.conference
    logo = conference.default.logo or request.route_path("brand.logo")
    urls = streams_v2.UrlBuilder(
        site_url=request.application_url,
        default_image_url=request.relative_url(logo, to_application=True),
        site=conference.site,
        poster_url=request.poster_url,
    )
    document = streams_v2.build_document(
        build_room_views(request), urls, request.site_title, request.now
    )
    body = json.dumps(document, ensure_ascii=False, indent=2)
    return _public_response(request, body, "application/json")


@view_config(route_name="apps.schema", http_cache=3600)
def v2_schema(request: Any) -> Response:
    """Return the JSON Schema of that document."""
    body = files("streaming_system.frontend").joinpath("static/streams-v2.schema.json").read_text()
    return _public_response(request, body, "application/schema+json")


@view_config(route_name="apps.playlist", http_cache=SCHEDULE_MAX_AGE)
def all_rooms_playlist(request: Any) -> Response:
    """Return one stream of each live room, for VLC and TV sets."""
    return _playlist_response(request, build_room_views(request), max_streams=1)


@view_config(route_name="room.playlist", http_cache=SCHEDULE_MAX_AGE)
def room_playlist(request: Any) -> Response:
    """Return the streams of a room."""
    statuses = request.registry["room_statuses"].get()
    state = build_room_view(request.room, request.schedule, statuses, request.now)
    return _playlist_response(request, [state])


@view_config(route_name="room.of_event", http_cache=3600)
def redirect_from_event_url(request: Any) -> Any:
    """Redirect an app's link, which contains the event, to the room."""
    name = request.matchdict["room"]
    room = request.conference.rooms.get(name)
    if room is None:
        raise HTTPNotFound(request.translate("there is no room called %(room)s", room=name))
    # Apps have the names of the default language.
    conference = request.registry.settings["conference"]
    name = conference.rooms[room.id].conference or configured_title(conference)
    event = streams_v2.mandator_slug(name)
    if request.matchdict["event"] != event:
        raise HTTPNotFound(
            request.translate(
                "there is no event called %(event)s", event=request.matchdict["event"]
            )
        )
    return HTTPFound(location=request.route_path("room", room=room.id))


def _playlist_response(
    request: Any, states: list[RoomView], max_streams: int | None = None
) -> Response:
    return _public_response(
        request,
        playlist.build_playlist(states, request.conference.site, request.now, max_streams),
        "audio/x-mpegurl",
    )


def _public_response(request: Any, body: str, media: str) -> Response:
    """Return a response that programs of all origins may read."""
    response = page_response(request, with_etag(body), media)
    if media.startswith("application/"):
        # JSON is always UTF-8; strict clients reject a charset.
        response.headers["Content-Type"] = media
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
