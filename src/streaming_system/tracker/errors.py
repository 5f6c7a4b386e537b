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

from streaming_system.tracker.api.problems import KINDS, Problem
from streaming_system.tracker.db.session import is_unavailable_error
from streaming_system.tracker.rate_limiting import TooMany

__all__ = ["Problem", "Refused"]

log = logging.getLogger(__name__)

# The kind of a problem of which nothing but the status is known.
GENERAL_KINDS = {
    KINDS[kind].status: kind
    for kind in (
        "bad-address",
        "not-found",
        "method-not-allowed",
        "too-many-requests",
        "internal-server-error",
        "service-unavailable",
    )
}


class Refused(Exception):  # noqa: N818 - It is an answer of the protocol, not a fault of ours.
    """A call of the old protocol that is refused."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


@exception_view_config(Problem)
def problem(error: Problem, request: Any) -> Response:
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


@exception_view_config(Refused)
def refused(error: Refused, request: Any) -> Response:
    """Answer as the original's clients expect it."""
    answer = _plain(error.status, error.reason)
    if error.status == HTTPServiceUnavailable.code:
        answer.headers["Retry-After"] = "5"
    return answer


@notfound_view_config()
def not_found(error: HTTPException, request: Any) -> Response:
    """Say so without the address, which is the caller's text: of any length and characters."""
    return _answer(request, HTTPNotFound.code, "there is nothing at this address")


@exception_view_config(URLDecodeError)
def bad_url(error: URLDecodeError, request: Any) -> Response:
    """Refuse an address that cannot even be read."""
    return _answer(request, HTTPBadRequest.code, "the address is not UTF-8")


@exception_view_config(HTTPException)
def http_error(error: HTTPException, request: Any) -> Response:
    """Answer with the status that a view or Pyramid has chosen."""
    return _answer(request, error.status_int, str(error.detail or error.title))


@exception_view_config(TooMany)
def too_many(error: TooMany, request: Any) -> Response:
    """Say when the call can be sent again."""
    reason = f"TOO MANY calls; send it again in {error.seconds} s"
    answer = _answer(request, HTTPTooManyRequests.code, reason)
    answer.headers["Retry-After"] = str(error.seconds)
    return answer


@exception_view_config(sa.exc.OperationalError)
@exception_view_config(sa.exc.InterfaceError)
def no_database(error: sa.exc.DBAPIError, request: Any) -> Response:
    """Say that the database cannot be used now; what was not acknowledged can be sent again."""
    request.registry["trouble"].failed(error.orig or error)
    answer = _answer(request, HTTPServiceUnavailable.code, "the database cannot be used now")
    answer.headers["Retry-After"] = "5"
    return answer


@exception_view_config(sa.exc.InternalError)
def no_transaction(error: sa.exc.InternalError, request: Any) -> Response:
    """Tell a database that takes no writes now from a fault of ours."""
    return no_database(error, request) if is_unavailable_error(error) else fault(error, request)


@exception_view_config(Exception)
def fault(error: Exception, request: Any) -> Response:
    """Log what went wrong here, and keep it from the caller."""
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return _answer(request, HTTPInternalServerError.code, "something is wrong on our side")


def _answer(request: Any, status: int, reason: str) -> Response:
    # The address may be one that cannot be decoded.
    if request.environ.get("PATH_INFO", "").startswith("/api/"):
        phrase = http.HTTPStatus(status).phrase
        kind = GENERAL_KINDS.get(status, phrase.lower().replace(" ", "-"))
        title = KINDS[kind].title if kind in KINDS else phrase
        return problem(Problem(status, kind, title, reason), request)
    if request.method == "POST":
        return _plain(status, reason)
    return Response(
        json_body={"error": reason},
        status=status,
        headerlist=[("Content-Type", "application/json"), ("Cache-Control", "no-store")],
    )


def _plain(status: int, reason: str) -> Response:
    return Response(f"ERROR {reason}\n", status=status, content_type="text/plain", charset="utf-8")
