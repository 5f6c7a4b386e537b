"""Redirects from other spellings of an address to the page.

They apply where there is no page: a slash at the end, upper case, the name of a room in place of
its id, a former id, or an address of the site that a conference had before. The target is built
from a route and the id of a room, never from the text of the request, so that it is always a path
on this site.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIEnvironment

from pyramid.interfaces import IRoutesMapper
from pyramid.response import Response

from streaming_system.frontend import streams_v2
from streaming_system.frontend.request_methods import configured_title
from streaming_system.frontend.room_names import RoomNames
from streaming_system.frontend.routes import PAGE_ROUTES
from streaming_system.web.normalised_query import quote_query
from streaming_system.web.response_cache import ORIGINAL_QUERY_KEY

MAX_AGE = 3600  # seconds
MAX_SEGMENTS = 5

# What follows the room in addresses of the C3VOC's site, which has a page for each of its streams.
_STREAM_TABS = frozenset(
    {"hd", "sd", "audio", "slides", "music", "dash", "hls", "webm", "video", "translated", "i18n"}
)
# Their views decide on the rest of the path.
_OTHER_ROUTES = frozenset({"theme", "asset", "room.of_event"})
# Browsers treat a backslash as a slash, and ignore some control characters.
_REFUSED = re.compile(r"[\x00-\x1f\x7f\\]|//")


class PathRedirect(Response):
    """A permanent redirect to a path, which depends on no header of the request.

    WebOb would add the ``Host`` of the request to the path, and caches would store that.
    """

    def __init__(self, location: str) -> None:
        super().__init__(status=301, location=location)
        self.cache_control.public = True
        self.cache_control.max_age = MAX_AGE

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Send the headers as they are."""
        start_response(self.status, list(self.headerlist))
        return []


def includeme(config: Any) -> None:
    """Add the names of the rooms."""
    config.registry["room_names"] = RoomNames(config.get_settings()["conference"].rooms)


def find_redirect(request: Any) -> PathRedirect | None:
    """Return the redirect for an address without a page; ``None`` if there is none."""
    path: str = request.path_info
    if request.method not in ("GET", "HEAD") or _REFUSED.search(path.rstrip("/")):
        return None
    segments = path.strip("/").split("/")
    if not path.startswith("/") or path.startswith("//") or len(segments) > MAX_SEGMENTS:
        return None
    for candidate in _candidates(request, segments):
        if name := _find_route(request, candidate):
            # The view of this very path has found nothing.
            is_same = candidate == path
            return None if is_same else _redirect(request, candidate, is_page=name in PAGE_ROUTES)
    event = segments[0].lower()
    if (events := request.registry["events"]) and event != segments[0] and event in events.names():
        return _redirect(request, "/".join(("", event, *(segments[1:] or [""]))), is_page=True)
    return None


def _redirect(request: Any, path: str, *, is_page: bool) -> PathRedirect:
    query = quote_query(request.environ.get(ORIGINAL_QUERY_KEY, request.query_string))
    location = quote(request.script_name + path)
    response = PathRedirect(f"{location}?{query}" if query else location)
    if not is_page:
        response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def _candidates(request: Any, segments: Sequence[str]) -> Iterator[str]:
    """Generate the paths that a request may mean, the most likely one first."""
    yield "/".join(("", *segments))
    yield "/".join(("", *segments)).lower()
    names = request.registry["room_names"]
    first = segments[0].lower()
    if segments == ["multiview"]:
        yield "/wall"
    if first == "talk":
        # The id of a talk has upper and lower case.
        yield "/".join(("", first, *segments[1:]))
        return
    if first == "embed" and len(segments) > 1:
        if room_id := names.find(segments[1]):
            yield f"/embed/{room_id}"
        return
    yield from _room_candidates(names, segments)
    room_id = names.find(segments[1]) if len(segments) > 1 else None
    if room_id and _event_slug(request, room_id) == first:
        yield from _room_candidates(names, segments[1:])


def _room_candidates(names: RoomNames, segments: Sequence[str]) -> Iterator[str]:
    room_id = names.find(segments[0])
    if room_id is None:
        return
    rest = [segment.lower() for segment in segments[1:]]
    if rest and rest[0] in _STREAM_TABS:
        rest = []
    yield "/".join(("", room_id, *rest))


def _event_slug(request: Any, room_id: str) -> str:
    # Apps have the names of the default language.
    conference = request.registry.settings["conference"]
    title = conference.rooms[room_id].conference or configured_title(conference)
    return streams_v2.mandator_slug(title)


def _find_route(request: Any, path: str) -> str:
    """Return the name of the route of a path; "" if its room or talk does not exist."""
    for route in request.registry.getUtility(IRoutesMapper).get_routes():
        if (match := route.match(path)) is None:
            continue
        if route.name in _OTHER_ROUTES or route.name.startswith("__static"):
            return ""
        if "room" in match and match["room"] not in request.conference.rooms:
            return ""
        if "talk" in match and not request.schedule_views.find_talk(
            request.schedule, match["talk"]
        ):
            return ""
        name: str = route.name
        return name
    return ""
