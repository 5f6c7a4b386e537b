"""A response in memory: its encodings, its entity tag, and its age."""

import gzip
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import brotli
from webob.acceptparse import AcceptEncodingValidHeader, create_accept_encoding_header
from webob.etag import ETagMatcher

# A smaller body fits into one TCP segment; compressing it gains nothing.
MIN_COMPRESS_BYTES = 512
# Headers that describe a body, which a 304 does not have.
ENTITY_HEADERS = frozenset({"content-length", "content-type", "content-encoding"})

# Memory of a response and of its encodings besides the texts: objects, dictionaries and lists. A
# header takes two strings and a tuple.
OBJECT_BYTES = 4096
HEADER_BYTES = 160
# Browsers send 40 characters, and proxies one name.
MAX_ACCEPT_ENCODING_CHARS = 256

Headers = list[tuple[str, str]]


def _gzip(body: bytes) -> bytes:
    # Without a timestamp, equal bodies have equal encodings.
    return gzip.compress(body, compresslevel=6, mtime=0)


def _brotli(body: bytes) -> bytes:
    compressed: bytes = brotli.compress(body, quality=5)
    return compressed


# Most preferred first.
ENCODERS: Mapping[str, Callable[[bytes], bytes]] = {"br": _brotli, "gzip": _gzip}


class EncodedResponse(NamedTuple):
    """A response in one content coding.

    :ivar not_modified_headers: the headers of its 304.
    """

    headers: Headers
    not_modified_headers: Headers
    body: bytes


@dataclass(kw_only=True)
class CachedResponse:
    """A 200 response that can be sent again.

    :param key: the cache key.
    :param dependencies: the objects it was rendered from; it is invalid once any is replaced.
    :param created_at: time of the request, in seconds since 1970.
    :param created_monotonic: the same moment by a clock that does not jump.
    :param revalidating: a thread is rendering its successor.
    :param encoded_bodies: the body by content coding.
    """

    key: tuple[Any, ...]
    headers: Headers
    body: bytes
    dependencies: tuple[object, ...]
    created_at: float
    created_monotonic: float
    revalidating: bool = False
    encoded_bodies: dict[str, bytes] = field(default_factory=dict)
    _encoded: dict[str, EncodedResponse] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.etag = get_etag(self.headers)
        self._is_compressible = len(self.body) >= MIN_COMPRESS_BYTES and not get_header(
            self.headers, "content-encoding"
        )

    @property
    def size(self) -> int:
        """Estimated bytes of memory: key, headers, body, encoded bodies, and their objects."""
        headers = sum(HEADER_BYTES + len(name) + len(value) for name, value in self.headers)
        return OBJECT_BYTES + len(str(self.key)) + headers + 2 * len(self.body)

    def age(self, wall: float, monotonic: float) -> float:
        """Return its age in seconds; infinite if the wall clock went back."""
        by_wall = wall - self.created_at
        return max(monotonic - self.created_monotonic, by_wall) if by_wall >= 0 else float("inf")

    def encode(self, accept_encoding: str) -> EncodedResponse:
        """Return it in the content coding that an ``Accept-Encoding`` header prefers."""
        encoding = ""
        if self._is_compressible and len(accept_encoding) <= MAX_ACCEPT_ENCODING_CHARS:
            encoding = _negotiate_encoding(accept_encoding)
        if encoding not in self._encoded:
            headers, body = self._encode(encoding)
            not_modified = without_headers(headers, ENTITY_HEADERS)
            self._encoded[encoding] = EncodedResponse(headers, not_modified, body)
        return self._encoded[encoding]

    def _encode(self, encoding: str) -> tuple[Headers, bytes]:
        if not self._is_compressible:
            return self.headers, self.body
        vary = ", ".join(filter(None, [get_header(self.headers, "vary"), "Accept-Encoding"]))
        if not encoding:
            return [*without_headers(self.headers, {"vary"}), ("Vary", vary)], self.body
        if encoding not in self.encoded_bodies:
            self.encoded_bodies[encoding] = ENCODERS[encoding](self.body)
        body = self.encoded_bodies[encoding]
        headers = [
            *without_headers(self.headers, {"vary", "content-length", "etag"}),
            ("Vary", vary),
            ("Content-Encoding", encoding),
            ("Content-Length", str(len(body))),
        ]
        if self.etag:
            # Weak: the same page in different bytes.
            headers.append(("ETag", f'W/"{self.etag}"'))
        return headers, body


@lru_cache(256)
def _negotiate_encoding(accept_encoding: str) -> str:
    """Return the best supported content coding; "" for none."""
    header = create_accept_encoding_header(accept_encoding)
    if not accept_encoding or not isinstance(header, AcceptEncodingValidHeader):
        return ""
    qualities = dict(header.acceptable_offers([*ENCODERS]))
    return max(qualities, key=lambda encoding: qualities[encoding], default="")


def etag_matches(if_none_match: str, etag: str) -> bool:
    """Return whether an ``If-None-Match`` header lists an entity tag (RFC 9110, 13.1.2)."""
    # Not cached: a client can send any number of long lists.
    return bool(if_none_match and etag) and etag in ETagMatcher.parse(if_none_match, strong=False)


def get_etag(headers: Headers) -> str:
    """Return the entity tag without its quotes; "" without one."""
    return get_header(headers, "etag").removeprefix("W/").strip('"')


def get_header(headers: Headers, name: str) -> str:
    """Return the value of a header; "" without it.

    :param name: in lower case.
    """
    return next((value for key, value in headers if key.lower() == name), "")


def without_headers(headers: Headers, names: Collection[str]) -> Headers:
    """Return the headers except some.

    :param names: in lower case.
    """
    return [pair for pair in headers if pair[0].lower() not in names]
