"""Exception views: every error becomes one line in the protocol of the request.

The JSON API gets a problem document (RFC 9457), other POST requests get the legacy protocol's plain
text, and everything else gets JSON.
"""

import logging
from typing import Any

from pyramid.exceptions import URLDecodeError
from pyramid.httpexceptions import HTTPException
from pyramid.response import Response
from pyramid.view import exception_view_config, notfound_view_config

from streaming_system.tracker.api.problems import ApiError, problem_for_status
from streaming_system.tracker.api.problems import api_error as build_api_error
from streaming_system.tracker.db.bounds import BoundReachedError
from streaming_system.tracker.ingest.instances import NameClashError
from streaming_system.tracker.legacy.errors import (
    LegacyProtocolError,
    legacy_error_response,
    set_report_status,
)
from streaming_system.tracker.rate_limiting import RateLimitedError
from streaming_system.web.request_guard import InvalidRequestError

RETRY_AFTER_SECONDS = 5

log = logging.getLogger(__name__)


@exception_view_config(ApiError)
def api_error(error: ApiError, request: Any) -> Response:
    """Return a problem document."""
    return error.to_response(request.script_name)


@exception_view_config(LegacyProtocolError)
def legacy_protocol_error(error: LegacyProtocolError, request: Any) -> Response:
    """Return an error of the legacy protocol."""
    response = legacy_error_response(error.reason, error.status)
    if error.status == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    set_report_status(request, response)
    return response


@notfound_view_config()
def not_found(error: HTTPException, request: Any) -> Response:
    """Return 404. The path is not repeated: it may have any length and any characters."""
    return error_response(request, 404, "there is nothing at this address")


@exception_view_config(URLDecodeError)
def undecodable_path(error: URLDecodeError, request: Any) -> Response:
    """Return 400 for a path that is not UTF-8."""
    return error_response(request, 400, "the address is not UTF-8")


@exception_view_config(InvalidRequestError)
def invalid_request(error: InvalidRequestError, request: Any) -> Response:
    """Return 400 for an invalid header or query."""
    return error_response(request, 400, str(error))


@exception_view_config(HTTPException)
def http_error(error: HTTPException, request: Any) -> Response:
    """Return the status that a view or Pyramid has chosen."""
    return error_response(request, error.status_int, str(error.detail or error.title))


@exception_view_config(RateLimitedError)
def rate_limited(error: RateLimitedError, request: Any) -> Response:
    """Return 429 and the time after which the client may retry."""
    reason = f"TOO MANY calls; send it again in {error.seconds} s"
    return error_response(request, 429, reason, retry_after=error.seconds)


@exception_view_config(BoundReachedError)
def bound_reached(error: BoundReachedError, request: Any) -> Response:
    """Return 409: the request is right, but there are as many of these as there may be."""
    return error_response(request, 409, error.detail, code="LIMIT")


@exception_view_config(NameClashError)
def name_taken(error: NameClashError, request: Any) -> Response:
    """Return 409. Only the JSON API has instances of agents."""
    return build_api_error("name-taken", error.detail).to_response(request.script_name)


@exception_view_config(Exception)
def internal_error(error: Exception, request: Any) -> Response:
    """Log an unexpected error. The response does not reveal it."""
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return error_response(request, 500, "something is wrong on our side", code="INTERNAL")


def error_response(
    request: Any, status: int, reason: str, *, code: str = "", retry_after: int | None = None
) -> Response:
    """Return an error in the protocol of the request.

    :param code: the first word of the line of the legacy protocol, if the tracker refuses a valid
        request.
    :param retry_after: seconds after which the client may retry.
    """
    # WebOb's path attributes fail if the path is not UTF-8.
    if request.environ.get("PATH_INFO", "").startswith("/api/"):
        response = problem_for_status(status, reason).to_response(request.script_name)
    elif request.method == "POST":
        response = legacy_error_response(f"{code} {reason}" if code else reason, status)
        if code:
            set_report_status(request, response)
    else:
        response = Response(
            json_body={"error": reason},
            status=status,
            headerlist=[("Content-Type", "application/json"), ("Cache-Control", "no-store")],
        )
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response
