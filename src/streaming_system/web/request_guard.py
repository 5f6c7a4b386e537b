"""The outermost WSGI middleware of both apps: it validates each request, and handles last errors.

Everything behind it, the response cache included, sees valid and bounded headers only. An invalid
request gets a 400 in the app's own format: the app's exception view of
:class:`InvalidRequestError` renders it.
"""

import logging
import sys
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from pyramid.events import ContextFound

from streaming_system.web import request_id
from streaming_system.web.json_logging import current_request_id
from streaming_system.web.request_headers import validate_request

REASON_KEY = "streaming_system.invalid_request"
ERROR_BODY = b"something is wrong on our side\n"
ERROR_HEADERS = (
    ("Content-Type", "text/plain; charset=utf-8"),
    ("Content-Length", str(len(ERROR_BODY))),
    ("Cache-Control", "no-store"),
    (
        "Content-Security-Policy",
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)

log = logging.getLogger(__name__)


class InvalidRequestError(Exception):
    """A request with an invalid query or header; the message is public."""


def includeme(config: Any) -> None:
    """Raise :class:`InvalidRequestError` where the app's exception views see it."""
    config.add_subscriber(_raise_if_invalid, ContextFound)


def _raise_if_invalid(event: ContextFound) -> None:
    if reason := event.request.environ.get(REASON_KEY):
        raise InvalidRequestError(reason)


class RequestGuardMiddleware:
    """Validates requests, and responds to exceptions that the app has not handled.

    :param app: the Pyramid app, or the cache in front of it.
    """

    def __init__(self, app: Any) -> None:
        self._handler = app
        self.registry = app.registry

    @property
    def app(self) -> WSGIApplication:
        """The app behind the cache. It handles invalid requests."""
        app: WSGIApplication = getattr(self._handler, "app", self._handler)
        return app

    @app.setter
    def app(self, app: WSGIApplication) -> None:
        self._handler.app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Handle a request."""
        environ["HTTP_X_REQUEST_ID"] = request_id.request_id_from(environ)
        environ[REASON_KEY] = reason = validate_request(environ)
        handler: WSGIApplication = self.app if reason else self._handler
        try:
            return handler(environ, start_response)
        except Exception:
            return _respond_to_error(environ, start_response)


def _respond_to_error(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Log an exception outside of the exception views, such as one of a subscriber."""
    own_id = environ["HTTP_X_REQUEST_ID"]
    token = current_request_id.set(own_id)
    try:
        log.exception("a request failed outside of the error views")
    finally:
        current_request_id.reset(token)
    headers = [*ERROR_HEADERS, (request_id.REQUEST_ID_HEADER, own_id)]
    start_response("500 Internal Server Error", headers, sys.exc_info())
    return [ERROR_BODY]
