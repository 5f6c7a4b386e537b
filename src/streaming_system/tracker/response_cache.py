"""Caches the stream lists, live captions and graphs for a second, until a write in this process.

Reports to another worker become visible after a second, as they do behind any proxy cache. Cache
hits are counted in the metrics but not in rate limits, because they cost next to nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from pyramid.settings import asbool

from streaming_system.tracker.endpoints.regions import Regions
from streaming_system.web import request_id
from streaming_system.web.normalised_query import ValueNormaliser, normalise_query, up_to
from streaming_system.web.response_cache import ResponseCacheMiddleware

GRAPHS_PATH = "/overall-stats.json"
STREAMS_SUFFIX = "/streams.json"
CAPTIONS_SUFFIX = "/live.json"
MAX_CHANGE_ID_CHARS = 64
READ_ONLY_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Playback reports are frequent, and their effect may become visible a second later.
PLAYBACK_SUFFIX = "/playback"


def add_response_cache(app: Any, settings: Any) -> WSGIApplication:
    """Return the app behind a response cache, or the app itself if the ini disables the cache."""
    registry = app.registry
    if "telemetry" in registry or not settings["response_cache.enabled"]:
        unchanged: WSGIApplication = app
        return unchanged
    metrics, configurations = registry["metrics"], registry["configuration"]
    allowed_origins = settings["allowed_origins"] or frozenset()
    logs = asbool(settings.get("access_log"))
    invalidation = WriteInvalidationMiddleware(app)

    def record_hit(environ: WSGIEnvironment, status: int, seconds: float) -> None:
        metrics.count(_route_name(environ["PATH_INFO"]), "GET", f"{status}", seconds)
        if logs:
            request_id.log_access("GET", request_id.request_path(environ), status, seconds)

    return ResponseCacheMiddleware(
        invalidation,
        dependencies=lambda: (invalidation.generation, configurations.current()),
        vary_key=lambda environ: _allowed_origin(environ, allowed_origins),
        normalise_query=_query_normaliser(lambda: configurations.current().regions),
        clock=lambda: registry["clock"](),
        is_cacheable_path=lambda path: (
            path.endswith((STREAMS_SUFFIX, CAPTIONS_SUFFIX)) or path == GRAPHS_PATH
        ),
        on_hit=record_hit,
    )


class WriteInvalidationMiddleware:
    """Invalidates cached responses after each request that may have changed the database.

    :ivar generation: a new object after each of these requests.
    """

    def __init__(self, app: Any) -> None:
        self._app: WSGIApplication = app
        self.registry = app.registry
        self.generation = object()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Handle a request."""
        if environ["REQUEST_METHOD"] in READ_ONLY_METHODS or environ["PATH_INFO"].endswith(
            PLAYBACK_SUFFIX
        ):
            return self._app(environ, start_response)
        try:
            return self._app(environ, start_response)
        finally:
            # The transaction is committed; responses rendered meanwhile may miss the change.
            self.generation = object()


def _allowed_origin(environ: WSGIEnvironment, allowed: Set[str]) -> str:
    origin = environ.get("HTTP_ORIGIN", "").lower()
    return origin if origin in allowed else ""


def _query_normaliser(regions: Callable[[], Regions]) -> Callable[[WSGIEnvironment], str]:
    """Return a function that leaves out of a query what lists and graphs ignore."""

    def known_region(name: str) -> str:
        # The list of an unknown region is that of none; without the parameter, it is a redirect.
        return name if regions().preferred_labels(name) else ""

    # The id of a change, which pages add: they want no response from before it.
    of_lists: Mapping[str, ValueNormaliser] = {"told": up_to(MAX_CHANGE_ID_CHARS)}
    of_rooms: Mapping[str, ValueNormaliser] = {**of_lists, "region": known_region}
    of_graphs: Mapping[str, ValueNormaliser] = {"range": str, "room": str}
    by_path = {STREAMS_SUFFIX: of_lists, GRAPHS_PATH: of_graphs}

    def parameters_of(path: str) -> Mapping[str, ValueNormaliser]:
        return {} if path.endswith(CAPTIONS_SUFFIX) else by_path.get(path, of_rooms)

    return lambda environ: normalise_query(
        environ.get("QUERY_STRING", ""), parameters_of(environ["PATH_INFO"])
    )


def _route_name(path: str) -> str:
    """Return the route name of a cacheable path."""
    if path.endswith(CAPTIONS_SUFFIX):
        return "captions.live"
    return {STREAMS_SUFFIX: "streams.list", GRAPHS_PATH: "graphs"}.get(path, "room.streams")
