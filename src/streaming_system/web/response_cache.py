"""WSGI middleware: an in-process cache of public responses.

A response is fresh for a second and is then served for another second while one thread renews it
(stale-while-revalidate). Hits do not reach Pyramid. Cached are responses with ``Cache-Control:
public`` and those that a view marks (:data:`VARIES_BY_GROUP_KEY`). An entry is invalid once any of
its dependencies is replaced, so that a new schedule shows at once.

Clients can write anything into a key, so that its length is limited and counts as memory. The app
gets the normalised query that is in the key: what the key lacks cannot change a response.
"""

import threading
import time
from collections.abc import Callable, Hashable, Iterable
from datetime import datetime
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from cachetools import TTLCache

from streaming_system.web import request_id
from streaming_system.web.cached_response import (
    ENTITY_HEADERS,
    CachedResponse,
    Headers,
    etag_matches,
    get_etag,
    get_header,
    without_headers,
)
from streaming_system.web.json_logging import current_request_id

TTL_SECONDS = 1.0
STALE_WHILE_REVALIDATE_SECONDS = 1.0
MAX_CACHE_BYTES = 16 * 2**20
MAX_BODY_BYTES = 2 * 2**20
# Two hundred characters of a search take up to 2,400, percent-encoded.
MAX_KEY_CHARS = 4096
# A view sets this key of the environ if its response depends on the client by the client's group
# only. Such a response is private for other caches, which do not know the groups.
VARIES_BY_GROUP_KEY = "streaming_system.by_group"
# The query of the request, for redirects, which are not cached here.
ORIGINAL_QUERY_KEY = "streaming_system.original_query"

# Request headers that are part of the cache key, or of what ``vary_key`` returns.
_SUPPORTED_VARY = frozenset({"accept-encoding", "accept-language", "origin"})
# Requests with these headers expect something else than the whole response.
_BYPASS_HEADERS = (
    "HTTP_RANGE",
    "HTTP_AUTHORIZATION",
    "HTTP_IF_MODIFIED_SINCE",
    "HTTP_IF_MATCH",
)
_REQUEST_ID_HEADER = request_id.REQUEST_ID_HEADER.lower()
_COMPRESSIBLE_TYPES = ("text/", "application/", "image/svg+xml", "audio/x-mpegurl")


class ResponseCacheMiddleware:
    """Caches the responses of a Pyramid app.

    :param app: the WSGI app, with a ``registry``.
    :param dependencies: returns, quickly, the objects that responses are rendered from.
    :param vary_key: returns what a response depends on besides its URL, such as a language or an
        allowed origin: few different values.
    :param normalise_query: returns the query without what the app ignores.
    :param clock: the app's clock.
    :param is_cacheable_path: returns whether responses of a path are cached.
    :param on_hit: called for each response from the cache, which the app does not see, with the
        environ, the status, and the duration in seconds.
    :param max_bytes: the size of the cache; the least recently used entries are evicted.
    """

    def __init__(
        self,
        app: Any,
        *,
        dependencies: Callable[[], tuple[object, ...]],
        vary_key: Callable[[WSGIEnvironment], Hashable],
        normalise_query: Callable[[WSGIEnvironment], str] = lambda environ: environ.get(
            "QUERY_STRING", ""
        ),
        clock: Callable[[], datetime],
        is_cacheable_path: Callable[[str], bool] = lambda path: True,
        on_hit: Callable[[WSGIEnvironment, int, float], None],
        max_bytes: int = MAX_CACHE_BYTES,
    ) -> None:
        self.app: WSGIApplication = app
        self.registry = app.registry
        self._dependencies, self._vary_key, self._clock = dependencies, vary_key, clock
        self._normalise_query = normalise_query
        self._is_cacheable_path, self._on_hit = is_cacheable_path, on_hit
        self._lock = threading.Lock()
        self._cache: TTLCache[Hashable, CachedResponse] = TTLCache(
            max_bytes,
            ttl=TTL_SECONDS + STALE_WHILE_REVALIDATE_SECONDS,
            timer=lambda: time.monotonic(),
            getsizeof=lambda response: response.size,
        )

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Respond from the cache or from the app."""
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD") or not self._is_cacheable_path(
            environ["PATH_INFO"]
        ):
            return self.app(environ, start_response)
        environ = {
            **environ,
            "QUERY_STRING": self._normalise_query(environ),
            ORIGINAL_QUERY_KEY: environ.get("QUERY_STRING", ""),
        }
        if environ["REQUEST_METHOD"] == "HEAD" or any(name in environ for name in _BYPASS_HEADERS):
            return self.app(environ, start_response)
        # The app uses the same id.
        environ["HTTP_X_REQUEST_ID"] = own_id = request_id.request_id_from(environ)
        token = current_request_id.set(own_id)
        try:
            return self._handle(environ, start_response, own_id)
        finally:
            current_request_id.reset(token)

    def _handle(
        self, environ: WSGIEnvironment, start_response: StartResponse, own_id: str
    ) -> Iterable[bytes]:
        started = time.monotonic()
        key = (
            environ["wsgi.url_scheme"],
            environ.get("HTTP_HOST") or (environ["SERVER_NAME"], environ["SERVER_PORT"]),
            environ["SCRIPT_NAME"],
            environ["PATH_INFO"],
            environ["QUERY_STRING"],
            self._vary_key(environ),
        )
        if len(str(key)) > MAX_KEY_CHARS:
            return self.app(environ, start_response)
        try:
            wall, dependencies = self._clock().timestamp(), self._dependencies()
        except Exception:
            # It fails in the app, too, whose error views respond.
            return self.app(environ, start_response)
        cached = self._lookup(key, dependencies, wall, started)
        if cached is None:
            return self._fetch_and_store(key, dependencies, wall, started, environ, start_response)
        status, body = _respond(
            cached, environ, start_response, [(request_id.REQUEST_ID_HEADER, own_id)]
        )
        self._on_hit(environ, status, time.monotonic() - started)
        return body

    def _lookup(
        self, key: Hashable, dependencies: tuple[object, ...], wall: float, now: float
    ) -> CachedResponse | None:
        """Return a fresh response, or a stale one that another thread is renewing."""
        with self._lock:
            cached = self._cache.get(key)
            if cached is None or not _same_objects(cached.dependencies, dependencies):
                return None
            age = cached.age(wall, now)
            if age < TTL_SECONDS:
                return cached
            if age < TTL_SECONDS + STALE_WHILE_REVALIDATE_SECONDS and cached.revalidating:
                return cached
            cached.revalidating = True
            return None

    def _fetch_and_store(
        self,
        key: tuple[Any, ...],
        dependencies: tuple[object, ...],
        wall: float,
        started: float,
        environ: WSGIEnvironment,
        start_response: StartResponse,
    ) -> Iterable[bytes]:
        # Without If-None-Match the app sends the whole response; _respond makes it a 304.
        request = {name: value for name, value in environ.items() if name != "HTTP_IF_NONE_MATCH"}
        received: list[tuple[str, Headers]] = []

        def receive(status: str, headers: Headers, exc_info: Any = None) -> Any:
            received[:] = [(status, headers)]
            return _unsupported_write

        body = self.app(request, receive)
        status, headers = received[0]
        if not status.startswith("200 "):
            start_response(status, headers)
            return body
        if not _is_compressible(headers):
            if etag_matches(environ.get("HTTP_IF_NONE_MATCH", ""), get_etag(headers)):
                _close_body(body)
                start_response("304 Not Modified", without_headers(headers, ENTITY_HEADERS))
                return []
            start_response(status, headers)
            return body
        try:
            whole_body = b"".join(body)
        finally:
            _close_body(body)
        response = CachedResponse(
            key=key,
            headers=without_headers(headers, {_REQUEST_ID_HEADER}),
            body=whole_body,
            dependencies=dependencies,
            created_at=wall,
            created_monotonic=started,
        )
        if _is_cacheable(headers, varies_by_group=VARIES_BY_GROUP_KEY in request):
            self._store(response)
        request_id_headers = [pair for pair in headers if pair[0].lower() == _REQUEST_ID_HEADER]
        return _respond(response, environ, start_response, request_id_headers)[1]

    def _store(self, response: CachedResponse) -> None:
        with self._lock:
            previous = self._cache.pop(response.key, None)
            if previous is not None and previous.body == response.body:
                response.encoded_bodies = previous.encoded_bodies
            self._cache[response.key] = response


def _respond(
    response: CachedResponse,
    environ: WSGIEnvironment,
    start_response: StartResponse,
    request_id_headers: Headers,
) -> tuple[int, Iterable[bytes]]:
    """Start a 200 or a 304; return the status and the body."""
    encoded = response.encode(environ.get("HTTP_ACCEPT_ENCODING", ""))
    if etag_matches(environ.get("HTTP_IF_NONE_MATCH", ""), response.etag):
        start_response("304 Not Modified", encoded.not_modified_headers + request_id_headers)
        return 304, []
    start_response("200 OK", encoded.headers + request_id_headers)
    return 200, [encoded.body]


def _is_cacheable(headers: Headers, *, varies_by_group: bool) -> bool:
    control = {
        name.lower(): value
        for name, _, value in (
            part.strip().partition("=") for part in get_header(headers, "cache-control").split(",")
        )
    }
    names = get_header(headers, "vary").split(",")
    vary = {name.strip().lower() for name in names if name.strip()}
    return (
        ("public" in control or (varies_by_group and "private" in control))
        and control.get("max-age", "0") != "0"
        and control.keys().isdisjoint({"no-store", "no-cache"})
        and vary <= _SUPPORTED_VARY
        and not get_header(headers, "set-cookie")
    )


def _is_compressible(headers: Headers) -> bool:
    """Return whether a response is text of limited size; images and fonts come from their files."""
    length, mime_type = get_header(headers, "content-length"), get_header(headers, "content-type")
    return (
        length.isdecimal()
        and int(length) <= MAX_BODY_BYTES
        and mime_type.startswith(_COMPRESSIBLE_TYPES)
    )


def _same_objects(some: tuple[object, ...], others: tuple[object, ...]) -> bool:
    return all(one is other for one, other in zip(some, others, strict=True))


def _close_body(body: Any) -> None:
    if close := getattr(body, "close", None):
        close()


def _unsupported_write(data: bytes) -> None:
    raise RuntimeError("the app uses WSGI's write(), which this middleware does not support")
