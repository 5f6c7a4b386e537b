"""What a caller hears when something is wrong: one line, never a traceback.

The old protocol speaks plain text, ``ERROR`` and a reason; the JSON API speaks RFC 9457;
everything else answers in plain JSON.
"""

import http
import logging
from typing import Any

import sqlalchemy as sa
from pyramid.exceptions import URLDecodeError
from pyramid.httpexceptions import (
    HTTPBadRequest,
    HTTPException,
    HTTPInternalServerError,
    HTTPNotFound,
    HTTPServiceUnavailable,
    HTTPTooManyRequests,
)
from pyramid.response import Response
from pyramid.view import exception_view_config, notfound_view_config

from streaming_system.tracker.api.problems import PROBLEM_TYPES, ApiError
from streaming_system.tracker.db.session import is_unavailable_error
from streaming_system.tracker.rate_limiting import RateLimitedError

__all__ = ["ApiError", "LegacyProtocolError"]

log = logging.getLogger(__name__)

# The kind of a problem of which nothing but the status is known.
PROBLEM_BY_STATUS = {
    PROBLEM_TYPES[kind].status: kind
    for kind in (
        "bad-address",
        "not-found",
        "method-not-allowed",
        "too-many-requests",
        "internal-server-error",
        "service-unavailable",
    )
}


class LegacyProtocolError(Exception):
    """A call of the old protocol that is refused."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


@exception_view_config(ApiError)
def render_problem(error: ApiError, request: Any) -> Response:
    """Answer as RFC 9457 wants it."""
    return Response(
        json_body={
            "type": f"{request.script_name}/api/v1/#{error.kind}",
            "title": error.title,
            "status": error.status,
            "detail": error.detail,
            **error.members,
        },
        status=error.status,
        headerlist=[
            ("Content-Type", "application/problem+json"),
            ("Cache-Control", "no-store"),
            ("Access-Control-Allow-Origin", "*"),
            *error.headers.items(),
        ],
    )


@exception_view_config(LegacyProtocolError)
def render_legacy_error(error: LegacyProtocolError, request: Any) -> Response:
    """Answer as the original's clients expect it."""
    answer = _legacy_response(error.status, error.reason)
    if error.status == HTTPServiceUnavailable.code:
        answer.headers["Retry-After"] = "5"
    return answer


@notfound_view_config()
def not_found(error: HTTPException, request: Any) -> Response:
    """Say so without the address, which is the caller's text: of any length and characters."""
    return _error_response(request, HTTPNotFound.code, "there is nothing at this address")


@exception_view_config(URLDecodeError)
def undecodable_path(error: URLDecodeError, request: Any) -> Response:
    """Refuse an address that cannot even be read."""
    return _error_response(request, HTTPBadRequest.code, "the address is not UTF-8")


@exception_view_config(HTTPException)
def http_error(error: HTTPException, request: Any) -> Response:
    """Answer with the status that a view or Pyramid has chosen."""
    return _error_response(request, error.status_int, str(error.detail or error.title))


@exception_view_config(RateLimitedError)
def rate_limited(error: RateLimitedError, request: Any) -> Response:
    """Say when the call can be sent again."""
    reason = f"TOO MANY calls; send it again in {error.seconds} s"
    answer = _error_response(request, HTTPTooManyRequests.code, reason)
    answer.headers["Retry-After"] = str(error.seconds)
    return answer


@exception_view_config(sa.exc.OperationalError)
@exception_view_config(sa.exc.InterfaceError)
def database_unavailable(error: sa.exc.DBAPIError, request: Any) -> Response:
    """Say that the database cannot be used now; what was not acknowledged can be sent again."""
    request.registry["trouble"].failed(error.orig or error)
    answer = _error_response(
        request, HTTPServiceUnavailable.code, "the database cannot be used now"
    )
    answer.headers["Retry-After"] = "5"
    return answer


@exception_view_config(sa.exc.InternalError)
def transaction_failed(error: sa.exc.InternalError, request: Any) -> Response:
    """Tell a database that takes no writes now from a fault of ours."""
    return (
        database_unavailable(error, request)
        if is_unavailable_error(error)
        else internal_error(error, request)
    )


@exception_view_config(Exception)
def internal_error(error: Exception, request: Any) -> Response:
    """Log what went wrong here, and keep it from the caller."""
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return _error_response(request, HTTPInternalServerError.code, "something is wrong on our side")


def _error_response(request: Any, status: int, reason: str) -> Response:
    # The address may be one that cannot be decoded.
    if request.environ.get("PATH_INFO", "").startswith("/api/"):
        phrase = http.HTTPStatus(status).phrase
        kind = PROBLEM_BY_STATUS.get(status, phrase.lower().replace(" ", "-"))
        title = PROBLEM_TYPES[kind].title if kind in PROBLEM_TYPES else phrase
        return render_problem(ApiError(status, kind, title, reason), request)
    if request.method == "POST":
        return _legacy_response(status, reason)
    return Response(
        json_body={"error": reason},
        status=status,
        headerlist=[("Content-Type", "application/json"), ("Cache-Control", "no-store")],
    )


def _legacy_response(status: int, reason: str) -> Response:
    return Response(f"ERROR {reason}\n", status=status, content_type="text/plain", charset="utf-8")
