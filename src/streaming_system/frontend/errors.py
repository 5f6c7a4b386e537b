"""Error pages, and JSON errors for programs."""

import logging
from typing import Any

from pyramid.exceptions import URLDecodeError
from pyramid.httpexceptions import (
    HTTPBadRequest,
    HTTPException,
    HTTPInternalServerError,
    HTTPNotFound,
)
from pyramid.response import Response
from pyramid.view import exception_view_config, notfound_view_config

from streaming_system.frontend.address_redirects import find_redirect
from streaming_system.frontend.request_methods import utc_now
from streaming_system.frontend.room_view import RoomView, build_room_views
from streaming_system.web.request_guard import InvalidRequestError

# On the page of an unknown address.
MAX_LIVE_ROOMS = 6

log = logging.getLogger(__name__)

API_ROUTES = (
    "room.json",
    "room.rss",
    "room.atom",
    "room.ics",
    "talk.ics",
    "apps.playlist",
    "oembed",
    "room.playlist",
    "words",
    "schedule.file",
)


@notfound_view_config(renderer="error.jinja2")
@exception_view_config(HTTPException, renderer="error.jinja2")
def http_error(error: HTTPException, request: Any) -> dict[str, Any] | Response:
    """Render an HTTP error that a view or Pyramid raised, or redirect to the page that is meant."""
    if error.status_int == HTTPNotFound.code and (redirect := find_redirect(request)):
        return redirect
    # For an unknown path, Pyramid's detail is the path.
    detail = str(error.detail or "")
    return _error_values(request, error.status_int, "" if detail.startswith("/") else detail)


@exception_view_config(URLDecodeError)
def undecodable_path(error: URLDecodeError, request: Any) -> Response:
    """Return a plain 400 for a path that is not UTF-8: an error page shows the path."""
    response = Response(
        "the address is not UTF-8\n", HTTPBadRequest.code, content_type="text/plain"
    )
    response.cache_control.no_store = True
    return response


@exception_view_config(InvalidRequestError, renderer="error.jinja2")
def invalid_request(error: InvalidRequestError, request: Any) -> dict[str, Any]:
    """Return a 400; the page explains it in the viewer's language."""
    return _error_values(request, HTTPBadRequest.code, "")


@exception_view_config(Exception, renderer="error.jinja2")
def internal_error(error: Exception, request: Any) -> dict[str, Any]:
    """Log an unexpected exception; the viewer sees no details."""
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return _error_values(request, HTTPInternalServerError.code, "")


def _error_values(request: Any, status: int, detail: str) -> dict[str, Any]:
    request.response.status_int = status
    request.response.cache_control.no_store = True
    # Apps request these paths and expect JSON.
    is_app_path = request.environ.get("PATH_INFO", "").startswith("/streams/")
    if is_app_path or (request.matched_route and request.matched_route.name in API_ROUTES):
        request.override_renderer = "json"
        request.response.headers["Access-Control-Allow-Origin"] = "*"
        message = (
            "there is nothing at this address" if status < 500 else "something is wrong on our side"
        )
        # Such a path can match the route of an event, whose errors are for people.
        is_event_url = request.matched_route and request.matched_route.name == "room.of_event"
        return {"error": message if is_event_url or not detail else detail}
    # The failed view may have set another renderer.
    request.override_renderer = "error.jinja2"
    live = _live_rooms(request) if status == HTTPNotFound.code else []
    return {"status": status, "detail": detail, "live": live}


def _live_rooms(request: Any) -> list[RoomView]:
    """Return some live rooms, which a viewer may have looked for."""
    # The page shows what is live now, whatever time the address has.
    request.now = request.registry.settings.get("clock", utc_now)()
    rooms = [state for state in build_room_views(request) if state.has_live_badge]
    return rooms[:MAX_LIVE_ROOMS]
