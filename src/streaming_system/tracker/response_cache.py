"""What everybody asks for is made once a second, and at once when a report changes it.

These are the lists of streams and the graphs. Another worker's reports show a second later, as they
do where a cache stands before us. Such an answer is counted in the metrics, but for no caller's
limit: it costs next to nothing.
"""

from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from pyramid.settings import asbool

from streaming_system.web import request_id
from streaming_system.web.response_cache import ResponseCacheMiddleware

GRAPHS_PATH = "/overall-stats.json"
STREAMS_SUFFIX = "/streams.json"
READ_ONLY_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Players report all the time, and move nothing that could not wait a second.
PLAYBACK_SUFFIX = "/playback"


def add_response_cache(app: Any, settings: Any) -> WSGIApplication:
    """Return the app with :class:`ResponseCacheMiddleware` before it, unless the ini does without."""
    registry = app.registry
    if "telemetry" in registry or not asbool(settings.get("answers.kept", "true")):
        unchanged: WSGIApplication = app
        return unchanged
    metrics = registry["metrics"]
    logs = asbool(settings.get("access_log"))
    written = WriteInvalidationMiddleware(app)

    def seen(environ: WSGIEnvironment, status: int, seconds: float) -> None:
        metrics.count(_route_name(environ["PATH_INFO"]), "GET", f"{status}", seconds)
        if logs:
            request_id.log_access("GET", request_id.request_path(environ), status, seconds)

    return ResponseCacheMiddleware(
        written,
        made_from=lambda: (written.last,),
        group=lambda environ: None,
        clock=lambda: registry["clock"](),
        keeps=lambda path: path.endswith(STREAMS_SUFFIX) or path == GRAPHS_PATH,
        seen=seen,
    )


class WriteInvalidationMiddleware:
    """A WSGI app that knows when it last took something that others may want to see at once.

    :ivar last: another object after each of these requests.
    """

    def __init__(self, app: Any) -> None:
        self._app: WSGIApplication = app
        self.registry = app.registry
        self.last = object()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        if environ["REQUEST_METHOD"] in READ_ONLY_METHODS or environ["PATH_INFO"].endswith(
            PLAYBACK_SUFFIX
        ):
            return self._app(environ, start_response)
        try:
            return self._app(environ, start_response)
        finally:
            # It is committed by now; what was asked for meanwhile may not know of it.
            self.last = object()


def _route_name(path: str) -> str:
    """Return the name of the route of what is kept."""
    return {STREAMS_SUFFIX: "streams.list", GRAPHS_PATH: "graphs"}.get(path, "room.streams")
