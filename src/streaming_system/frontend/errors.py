"""What is said about pages that are not there, and about what went wrong."""

import logging
from typing import Any
from urllib.parse import unquote_to_bytes

from pyramid.exceptions import URLDecodeError
from pyramid.httpexceptions import HTTPBadRequest, HTTPException, HTTPInternalServerError
from pyramid.response import Response
from pyramid.view import exception_view_config, notfound_view_config

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
def http_error(error: HTTPException, request: Any) -> dict[str, Any]:
    """Answer with the status that a view or Pyramid has chosen."""
    # Pyramid's own words for an unknown path are the path.
    detail = str(error.detail or "")
    return _error_values(request, error.status_int, "" if detail.startswith("/") else detail)


@exception_view_config(URLDecodeError)
def undecodable_path(error: URLDecodeError, request: Any) -> Response:
    """Refuse a path that is no text: a page about it could not even say where it is."""
    response = Response(
        "the address is not UTF-8\n", HTTPBadRequest.code, content_type="text/plain"
    )
    response.cache_control.no_store = True
    return response


@exception_view_config(UnicodeDecodeError, renderer="error.jinja2")
def undecodable_query(error: UnicodeDecodeError, request: Any) -> dict[str, Any]:
    """Say that an address is none; whatever else cannot be decoded is a fault of ours."""
    try:
        unquote_to_bytes(request.query_string).decode()
    except UnicodeDecodeError:
        return _error_values(request, HTTPBadRequest.code, "")
    answer: dict[str, Any] = internal_error(error, request)
    return answer


@exception_view_config(Exception, renderer="error.jinja2")
def internal_error(error: Exception, request: Any) -> dict[str, Any]:
    """Log what went wrong here, and keep it from the viewer."""
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return _error_values(request, HTTPInternalServerError.code, "")


def _error_values(request: Any, status: int, detail: str) -> dict[str, Any]:
    request.response.status_int = status
    request.response.cache_control.no_store = True
    # What begins like that is asked for by apps, which would not understand a page.
    by_app = request.environ.get("PATH_INFO", "").startswith("/streams/")
    if by_app or (request.matched_route and request.matched_route.name in API_ROUTES):
        request.override_renderer = "json"
        request.response.headers["Access-Control-Allow-Origin"] = "*"
        words = (
            "there is nothing at this address" if status < 500 else "something is wrong on our side"
        )
        # Such an address may be taken for that of an event, whose errors are for people.
        of_event = request.matched_route and request.matched_route.name == "room.of_event"
        return {"error": words if of_event or not detail else detail}
    # The view that failed may have chosen another one.
    request.override_renderer = "error.jinja2"
    return {"status": status, "detail": detail}
