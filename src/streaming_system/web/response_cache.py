"""Answers that are the same for everybody for a moment, kept in front of an app.

Pages are made for their address, their language and the viewers they are meant for, and hold for a
second. Whoever asks within it gets what the first one got, without anything of Pyramid. Only what
says ``Cache-Control: public`` is kept, and what a view has marked (:data:`VARIES_BY_GROUP_KEY`). What it was
made from is compared with each request, so that nothing old outlives a new schedule.
"""

import gzip
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import brotli
from webob.acceptparse import AcceptEncodingValidHeader, create_accept_encoding_header
from webob.etag import ETagMatcher

from streaming_system.web import request_id as request_ids
from streaming_system.web.json_logging import request_id

TTL_SECONDS = 1.0  # seconds
# While one thread makes it anew, others get what is older by no more than this.
STALE_WHILE_REVALIDATE_SECONDS = 1.0  # seconds
MAX_CACHE_BYTES = 16 * 2**20
MAX_BODY_BYTES = 2 * 2**20
# A view sets it in the environ of an answer that differs by the group of who asks, and by nothing
# else of them. Caches before us do not know the groups, so that such an answer is private to them.
VARIES_BY_GROUP_KEY = "streaming_system.by_group"

# What an answer may depend on: all of it is in the key.
_SUPPORTED_VARY = frozenset({"accept-encoding", "accept-language", "origin"})
# Requests with these want something else than the whole answer.
_BYPASS_HEADERS = ("HTTP_RANGE", "HTTP_AUTHORIZATION", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_MATCH")
# What says something of a body that is not sent.
_ENTITY_HEADERS = frozenset({"content-length", "content-type", "content-encoding"})
_REQUEST_ID_HEADER = request_ids.REQUEST_ID_HEADER.lower()
_COMPRESSIBLE_TYPES = ("text/", "application/", "image/svg+xml", "audio/x-mpegurl")
# What is smaller than that goes into one packet anyway.
MIN_COMPRESS_BYTES = 512

Headers = list[tuple[str, str]]


def _gzip(body: bytes) -> bytes:
    # Without a time of its own, the same body gives the same bytes.
    return gzip.compress(body, compresslevel=6, mtime=0)


def _brotli(body: bytes) -> bytes:
    compressed: bytes = brotli.compress(body, quality=5)
    return compressed


# By what is preferred.
ENCODERS: Mapping[str, Callable[[bytes], bytes]] = {"br": _brotli, "gzip": _gzip}


class EncodedResponse(NamedTuple):
    """An answer in one coding: its headers, those that say that it has not changed, its body."""

    headers: Headers
    unchanged: Headers
    body: bytes


@dataclass(kw_only=True)
class CachedResponse:
    """An answer that can be given again.

    :param made_from: the very objects that it was made from.
    :param wall: when it was asked for, in seconds since 1970; ``began`` by a clock that does not
        jump.
    """

    headers: Headers
    body: bytes
    made_from: tuple[object, ...]
    wall: float
    began: float
    renewing: bool = False
    coded: dict[str, bytes] = field(default_factory=dict)
    _sent: dict[str, EncodedResponse] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tag = _header(self.headers, "etag").removeprefix("W/").strip('"')
        self._compresses = len(self.body) >= MIN_COMPRESS_BYTES and not _header(
            self.headers, "content-encoding"
        )

    @property
    def size(self) -> int:
        """About the bytes that it takes, with what is made of its body."""
        return 2 * len(self.body)

    def age(self, wall: float, now: float) -> float:
        """Return how old it is in seconds; a clock on the wall that has gone back makes it old."""
        since = wall - self.wall
        return (
            max(now - self.began, since)
            if since >= 0
            else TTL_SECONDS + STALE_WHILE_REVALIDATE_SECONDS
        )

    def sent(self, accepted: str) -> EncodedResponse:
        """Return it as it is for who accepts such codings (``Accept-Encoding``)."""
        coding = _negotiate_encoding(accepted) if self._compresses else ""
        if coding not in self._sent:
            headers, body = self._made(coding)
            self._sent[coding] = EncodedResponse(
                headers, _without_headers(headers, _ENTITY_HEADERS), body
            )
        return self._sent[coding]

    def _made(self, coding: str) -> tuple[Headers, bytes]:
        if not self._compresses:
            return self.headers, self.body
        vary = ", ".join(filter(None, [_header(self.headers, "vary"), "Accept-Encoding"]))
        if not coding:
            return [*_without_headers(self.headers, {"vary"}), ("Vary", vary)], self.body
        if coding not in self.coded:
            self.coded[coding] = ENCODERS[coding](self.body)
        body = self.coded[coding]
        headers = [
            *_without_headers(self.headers, {"vary", "content-length", "etag"}),
            ("Vary", vary),
            ("Content-Encoding", coding),
            ("Content-Length", str(len(body))),
        ]
        if self.tag:
            # It stands for the same page; byte by byte it is another.
            headers.append(("ETag", f'W/"{self.tag}"'))
        return headers, body


class ResponseCacheMiddleware:
    """A WSGI app before another one.

    :param app: a Pyramid app.
    :param made_from: returns the objects that all answers are made from, quickly; where one is
        another than before, nothing made from the old one is given any more.
    :param group: returns what an answer depends on besides its address: a language, a place.
    :param clock: the app's.
    :param keeps: tells by its path whether an answer may be kept.
    :param seen: is told of each answer that the app does not hear of: the request's environ, the
        status, and the seconds.
    """

    def __init__(
        self,
        app: Any,
        *,
        made_from: Callable[[], tuple[object, ...]],
        group: Callable[[WSGIEnvironment], Hashable],
        clock: Callable[[], datetime],
        keeps: Callable[[str], bool] = lambda path: True,
        seen: Callable[[WSGIEnvironment, int, float], None],
        most: int = MAX_CACHE_BYTES,
    ) -> None:
        self.app: WSGIApplication = app
        self.registry = app.registry
        self._made_from, self._group, self._clock = made_from, group, clock
        self._keeps, self._seen = keeps, seen
        self._most = most
        self._lock = threading.Lock()
        self._answers: OrderedDict[Hashable, CachedResponse] = OrderedDict()
        self._bytes = 0

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        if (
            environ["REQUEST_METHOD"] != "GET"
            or not self._keeps(environ["PATH_INFO"])
            or any(name in environ for name in _BYPASS_HEADERS)
        ):
            return self.app(environ, start_response)
        # What is logged on the way bears it, too.
        environ["HTTP_X_REQUEST_ID"] = given = request_ids.request_id_from(environ)
        token = request_id.set(given)
        try:
            return self._answered(environ, start_response, given)
        finally:
            request_id.reset(token)

    def _answered(
        self, environ: WSGIEnvironment, start_response: StartResponse, given: str
    ) -> Iterable[bytes]:
        began = time.monotonic()
        key = (
            environ["wsgi.url_scheme"],
            environ.get("HTTP_HOST") or (environ["SERVER_NAME"], environ["SERVER_PORT"]),
            environ["SCRIPT_NAME"],
            environ["PATH_INFO"],
            environ.get("QUERY_STRING", ""),
            environ.get("HTTP_ORIGIN"),
            self._group(environ),
        )
        try:
            wall, made_from = self._clock().timestamp(), self._made_from()
        except Exception:
            # It fails in the app, too, which knows what to say then.
            return self.app(environ, start_response)
        answer = self._find(key, made_from, wall, began)
        if answer is None:
            return self._ask(key, made_from, wall, began, environ, start_response)
        status, body = _respond(
            answer, environ, start_response, [(request_ids.REQUEST_ID_HEADER, given)]
        )
        self._seen(environ, status, time.monotonic() - began)
        return body

    def _find(
        self, key: Hashable, made_from: tuple[object, ...], wall: float, now: float
    ) -> CachedResponse | None:
        answer = self._answers.get(key)
        if answer is None or not _same_objects(answer.made_from, made_from):
            return None
        age = answer.age(wall, now)
        if age < TTL_SECONDS:
            return answer
        if age < TTL_SECONDS + STALE_WHILE_REVALIDATE_SECONDS and answer.renewing:
            return answer
        answer.renewing = True
        return None

    def _ask(
        self,
        key: Hashable,
        made_from: tuple[object, ...],
        wall: float,
        began: float,
        environ: WSGIEnvironment,
        start_response: StartResponse,
    ) -> Iterable[bytes]:
        """Have the app answer, and keep the answer if it may be kept."""
        # Whether somebody has it already is seen to here, so that the app gives all of it.
        asked = {name: value for name, value in environ.items() if name != "HTTP_IF_NONE_MATCH"}
        said: list[tuple[str, Headers]] = []

        def start(status: str, headers: Headers, exc_info: Any = None) -> Any:
            said[:] = [(status, headers)]
            return _unsupported_write

        body = self.app(asked, start)
        status, headers = said[0]
        if not status.startswith("200 "):
            start_response(status, headers)
            return body
        tag = _header(headers, "etag").removeprefix("W/").strip('"')
        if not _is_compressible(headers):
            if _etag_matches(environ, tag):
                _close_body(body)
                start_response("304 Not Modified", _without_headers(headers, _ENTITY_HEADERS))
                return []
            start_response(status, headers)
            return body
        try:
            whole = b"".join(body)
        finally:
            _close_body(body)
        answer = CachedResponse(
            headers=_without_headers(headers, {_REQUEST_ID_HEADER}),
            body=whole,
            made_from=made_from,
            wall=wall,
            began=began,
        )
        if _is_cacheable(headers, shared=VARIES_BY_GROUP_KEY in asked):
            self._keep(key, answer)
        own = [pair for pair in headers if pair[0].lower() == _REQUEST_ID_HEADER]
        return _respond(answer, environ, start_response, own)[1]

    def _keep(self, key: Hashable, answer: CachedResponse) -> None:
        with self._lock:
            before = self._answers.pop(key, None)
            if before is not None:
                self._bytes -= before.size
                if before.body == answer.body:
                    answer.coded = before.coded
            self._answers[key] = answer
            self._bytes += answer.size
            while self._bytes > self._most:
                self._bytes -= self._answers.popitem(last=False)[1].size


def _respond(
    answer: CachedResponse, environ: WSGIEnvironment, start_response: StartResponse, own: Headers
) -> tuple[int, Iterable[bytes]]:
    """Begin to send an answer, or say that it has not changed; return the status and the body."""
    sent = answer.sent(environ.get("HTTP_ACCEPT_ENCODING", ""))
    if _etag_matches(environ, answer.tag):
        start_response("304 Not Modified", sent.unchanged + own)
        return 304, []
    start_response("200 OK", sent.headers + own)
    return 200, [sent.body]


def _etag_matches(environ: WSGIEnvironment, tag: str) -> bool:
    """Tell whether who asks has what an entity tag stands for (RFC 9110, 13.1.2)."""
    held = environ.get("HTTP_IF_NONE_MATCH", "")
    return bool(held and tag) and tag in _parse_if_none_match(held)


@lru_cache(1024)
def _parse_if_none_match(held: str) -> Any:
    return ETagMatcher.parse(held, strong=False)


def _is_cacheable(headers: Headers, *, shared: bool) -> bool:
    control = {
        name.lower(): value
        for name, _, value in (
            part.strip().partition("=") for part in _header(headers, "cache-control").split(",")
        )
    }
    vary = {name.strip().lower() for name in _header(headers, "vary").split(",") if name.strip()}
    return (
        ("public" in control or (shared and "private" in control))
        and control.get("max-age", "0") != "0"
        and control.keys().isdisjoint({"no-store", "no-cache"})
        and vary <= _SUPPORTED_VARY
        and not _header(headers, "set-cookie")
    )


def _is_compressible(headers: Headers) -> bool:
    """Tell whether it is worth keeping: pictures, fonts and what is large come from their files."""
    length, kind = _header(headers, "content-length"), _header(headers, "content-type")
    return (
        length.isdecimal()
        and int(length) <= MAX_BODY_BYTES
        and kind.startswith(_COMPRESSIBLE_TYPES)
    )


@lru_cache(256)
def _negotiate_encoding(accepted: str) -> str:
    """Return which of our codings somebody likes best; "" for none."""
    header = create_accept_encoding_header(accepted)
    if not accepted or not isinstance(header, AcceptEncodingValidHeader):
        return ""
    found = dict(header.acceptable_offers([*ENCODERS]))
    return max(found, key=lambda coding: found[coding], default="")


def _header(headers: Headers, name: str) -> str:
    """Return the value of a header, given in lower case; "" without it."""
    return next((value for key, value in headers if key.lower() == name), "")


def _without_headers(headers: Headers, names: Collection[str]) -> Headers:
    return [pair for pair in headers if pair[0].lower() not in names]


def _same_objects(some: tuple[object, ...], others: tuple[object, ...]) -> bool:
    return all(one is other for one, other in zip(some, others, strict=True))


def _close_body(body: Any) -> None:
    if close := getattr(body, "close", None):
        close()


def _unsupported_write(data: bytes) -> None:
    raise RuntimeError("the app wrote past its answer (WSGI's write()), which Pyramid never does")
