"""Pages that are the same for everybody until the schedule changes: rendered once, then kept.

In front of that, all answers are kept for a second, whatever they were made from.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import Any
from wsgiref.types import WSGIApplication, WSGIEnvironment

from pyramid.response import Response
from pyramid.settings import asbool
from webob.acceptparse import create_accept_language_header

from streaming_system.frontend.request_methods import utc_now
from streaming_system.schedule.model import Schedule
from streaming_system.web import request_id
from streaming_system.web.response_cache import ResponseCacheMiddleware

# A page of a large event has some 300 kB.
MAX_PAGES = 64


class PageCache:
    """The pages that have been asked for lately, of one version of the schedule.

    :param most: how many of them.
    """

    def __init__(self, most: int = MAX_PAGES) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._schedule: Schedule | None = None
        self._pages: OrderedDict[Hashable, tuple[bytes, str]] = OrderedDict()

    def get(
        self, schedule: Schedule, key: Hashable, render: Callable[[], str]
    ) -> tuple[bytes, str]:
        """Return a page and its entity tag."""
        with self._lock:
            if schedule is not self._schedule:
                self._pages.clear()
                self._schedule = schedule
            if key in self._pages:
                self._pages.move_to_end(key)
                return self._pages[key]
        # Others are not kept waiting meanwhile; two at once render the same.
        page = with_etag(render())
        with self._lock:
            if schedule is self._schedule:
                self._pages[key] = page
                while len(self._pages) > self._most:
                    self._pages.popitem(last=False)
        return page


def with_etag(text: str) -> tuple[bytes, str]:
    """Return a page as it is sent, and an entity tag that changes when it does."""
    body = text.encode()
    return body, hashlib.sha256(body).hexdigest()[:24]


def page_response(request: Any, page: tuple[bytes, str], media_type: str = "text/html") -> Response:
    """Return the answer with a page; it is empty if the browser has the page already."""
    body, tag = page
    response = Response(body, content_type=media_type, charset="utf-8", request=request)
    response.etag = tag
    response.conditional_response = True
    return response


def add_response_cache(app: Any, settings: Any) -> WSGIApplication:
    """Return the app with :class:`ResponseCacheMiddleware` before it, unless the ini does without.

    An answer depends on the language that a browser likes best, and on whether it is at the venue.
    """
    registry = app.registry
    # Whoever writes templates, or traces requests, wants each of them made.
    never = asbool(settings.get("pyramid.reload_templates")) or "telemetry" in registry
    if never or not asbool(settings.get("answers.kept", "true")):
        unchanged: WSGIApplication = app
        return unchanged
    schedule, live = registry["schedule"], registry["live"]
    languages, site = registry["languages"], settings["conference"].site
    logs = asbool(settings.get("access_log"))

    @lru_cache(1024)
    def language(accepted: str) -> str:
        return str(languages.liked(create_accept_language_header(accepted or None)).name)

    def group(environ: WSGIEnvironment) -> Hashable:
        at_venue = bool(site.localips) and site.is_local(environ.get("REMOTE_ADDR") or "")
        return language(environ.get("HTTP_ACCEPT_LANGUAGE", "")), at_venue

    def seen(environ: WSGIEnvironment, status: int, seconds: float) -> None:
        if logs:
            request_id.log_access("GET", request_id.request_path(environ), status, seconds)

    return ResponseCacheMiddleware(
        app,
        made_from=lambda: (schedule.current(), live.current()),
        group=group,
        clock=settings.get("clock", utc_now),
        seen=seen,
    )
