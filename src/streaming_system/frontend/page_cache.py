"""Rendered pages that depend on the schedule only, and the cache of all responses before them."""

import hashlib
import threading
from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import Any
from wsgiref.types import WSGIApplication, WSGIEnvironment

from cachetools import LRUCache
from pyramid.response import Response
from pyramid.settings import asbool
from webob.acceptparse import create_accept_language_header

from streaming_system.frontend.query_params import query_normaliser
from streaming_system.frontend.request_methods import utc_now
from streaming_system.schedule.model import Schedule
from streaming_system.web import request_id
from streaming_system.web.cached_response import OBJECT_BYTES
from streaming_system.web.response_cache import ResponseCacheMiddleware

# A page of a large event has 300 kB.
MAX_CACHE_BYTES = 8 * 2**20
# Browsers send a hundred characters or less.
MAX_ACCEPT_LANGUAGE_CHARS = 256

Page = tuple[bytes, str]


class PageCache:
    """The most recently used pages of the current schedule, each with its entity tag.

    :param max_bytes: the size of the pages and their keys; 0 disables the cache.
    """

    def __init__(self, max_bytes: int = MAX_CACHE_BYTES) -> None:
        self._lock = threading.Lock()
        self._rendering = threading.Lock()
        self._schedule: Schedule | None = None
        self._pages: LRUCache[Hashable, tuple[Page, int]] = LRUCache(
            max_bytes, getsizeof=lambda entry: entry[1]
        )

    def get(self, schedule: Schedule, key: Hashable, render: Callable[[], str]) -> Page:
        """Return a cached page, or render it."""
        if (page := self._lookup(schedule, key)) is not None:
            return page
        if not self._pages.maxsize:
            return with_etag(render())
        # One at a time: threads would not be faster, and would render the same page several times.
        with self._rendering:
            return self._lookup(schedule, key) or self._render(schedule, key, render)

    def _lookup(self, schedule: Schedule, key: Hashable) -> Page | None:
        with self._lock:
            if schedule is not self._schedule:
                self._pages.clear()
                self._schedule = schedule
            entry = self._pages.get(key)
        return entry[0] if entry else None

    def _render(self, schedule: Schedule, key: Hashable, render: Callable[[], str]) -> Page:
        page = with_etag(render())
        # The host name of a request is part of the key.
        size = len(page[0]) + 4 * len(str(key)) + OBJECT_BYTES
        with self._lock:
            if schedule is self._schedule and size <= self._pages.maxsize:
                self._pages[key] = page, size
        return page


def with_etag(text: str) -> Page:
    """Return a page as bytes, with an entity tag."""
    body = text.encode()
    return body, hashlib.sha256(body).hexdigest()[:24]


def page_response(request: Any, page: Page, media_type: str = "text/html") -> Response:
    """Return a response with a page, or a 304 if the client has it."""
    body, etag = page
    response = Response(body, content_type=media_type, charset="utf-8", request=request)
    response.etag = etag
    response.conditional_response = True
    return response


def add_response_cache(app: Any, settings: Any) -> WSGIApplication:
    """Return the app behind :class:`ResponseCacheMiddleware`, unless the ini disables it.

    Responses vary by language, and by whether the client is at the venue.
    """
    registry = app.registry
    # Traces need each request in the app.
    if "telemetry" in registry or not asbool(settings.get("response_cache.enabled", "true")):
        uncached: WSGIApplication = app
        return uncached
    # Template authors see each change at once; their static files are compressed all the same.
    prefix = "/static/" if asbool(settings.get("pyramid.reload_templates")) else "/"
    schedule, room_statuses = registry["schedule"], registry["room_statuses"]
    languages, site = registry["languages"], settings["conference"].site
    metrics = registry["metrics"]
    logs_requests = asbool(settings.get("access_log"))

    @lru_cache(1024)
    def best_language(accept_language: str) -> str:
        header = create_accept_language_header(accept_language or None)
        return str(languages.best_match(header).name)

    def vary_key(environ: WSGIEnvironment) -> Hashable:
        at_venue = bool(site.localips) and site.is_local(environ.get("REMOTE_ADDR") or "")
        header = environ.get("HTTP_ACCEPT_LANGUAGE", "")
        if len(header) > MAX_ACCEPT_LANGUAGE_CHARS:
            # The app must not see it, either: the page would have another language than its key.
            header = environ["HTTP_ACCEPT_LANGUAGE"] = ""
        return best_language(header), at_venue

    def on_hit(environ: WSGIEnvironment, status: int, seconds: float) -> None:
        metrics.count_hit(environ["PATH_INFO"], status, seconds)
        if logs_requests:
            request_id.log_access("GET", request_id.request_path(environ), status, seconds)

    return ResponseCacheMiddleware(
        app,
        dependencies=lambda: (schedule.current(), room_statuses.get()),
        vary_key=vary_key,
        normalise_query=query_normaliser(registry, languages),
        clock=settings.get("clock", utc_now),
        is_cacheable_path=lambda path: path.startswith(prefix),
        on_hit=on_hit,
    )
