"""JSON documents of the tracker (or another server), polled once for all viewers."""

import json
import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

import urllib3

from streaming_system.net.bounded_http import ResponseTooLargeError, read_bounded
from streaming_system.net.request_deadline import (
    RequestDeadline,
    ResponseTimeoutError,
    deadline_pool_manager,
)
from streaming_system.util.log_once import LogOnce

log = logging.getLogger(__name__)

TIMEOUT = urllib3.Timeout(connect=0.5, read=1)
REFRESH_INTERVAL = 3.0  # seconds
PUSH_REFRESH_INTERVAL = 0.5  # seconds
# An older response is not used.
MAX_STALENESS = 15.0  # seconds
MAX_BODY_BYTES = 4 * 2**20
# From the first byte of the body to the last.
BODY_TIMEOUT = 1.0  # seconds
REQUEST_HEADERS = {"User-Agent": "streaming-system", "Accept": "application/json"}
# Exceptions of a parser for an unexpected document: OverflowError for an infinite number,
# RecursionError for infinite nesting.
_PARSE_ERRORS = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    OverflowError,
    RecursionError,
)


@dataclass(frozen=True, kw_only=True)
class EndpointInfo:
    """An endpoint that streams a room.

    :param url: the base URL of its streams.
    :param files: paths of streams below it, by stream, where they are not the conventional ones.
    :param weight: its share of new viewers; 0 for an endpoint of last resort.
    """

    url: str
    formats: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    weight: int = 0


@dataclass(frozen=True, kw_only=True)
class RoomStatus:
    """The status of one room in ``streams.json``.

    :param bitrate: of all endpoints together, in bit/s.
    :param endpoints: least loaded first.
    """

    live: bool
    clients: int = 0
    bitrate: int = 0
    endpoints: tuple[EndpointInfo, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RoomAudience:
    """The viewers of a room and their quality of experience.

    :param players: viewers whose players report.
    :param non_reporting: viewers that only the endpoints count.
    :param startup_p95_ms: the 95th percentile of the startup time, in milliseconds.
    :param rebuffer_ratio: the share of playing time spent rebuffering.
    """

    players: int
    non_reporting: int
    startup_p95_ms: int | None
    rebuffer_ratio: float | None


@dataclass(frozen=True, kw_only=True)
class OpenIncident:
    """An open incident; ``room`` is "" if it concerns no room."""

    room: str
    summary: str
    since: datetime


T = TypeVar("T")
# A URL that needs no escaping in an attribute or a line of a playlist.
_SAFE_URL = re.compile(r"https?://[^\s\x00-\x20\x7f\"<>]+")
_SAFE_PATH = re.compile(r"[^\s\x00-\x20\x7f\"<>/#][^\s\x00-\x20\x7f\"<>#]{0,999}")


class PolledResource(Generic[T]):
    """A JSON resource that is requested at most once per refresh interval.

    One thread refreshes it; the other threads return the last value at once. They must not wait: if
    both apps share a process, they would occupy the threads that the tracker needs to respond.

    :param base_url: of the server; "" disables the resource.
    :param parse: converts the JSON document.
    :param refresh_interval: seconds between two requests.
    :param max_staleness: seconds after which the last value expires.
    :param pool: an SSRF-safe one for servers other than our tracker.
    :param body_timeout: the maximum number of seconds to receive the body; the whole request has
        twice as many.
    """

    def __init__(
        self,
        base_url: str,
        path: str,
        parse: Callable[[Any], T],
        *,
        refresh_interval: float = REFRESH_INTERVAL,
        max_staleness: float = MAX_STALENESS,
        pool: urllib3.PoolManager | None = None,
        body_timeout: float = BODY_TIMEOUT,
        max_body_bytes: int = MAX_BODY_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = f"{base_url.rstrip('/')}{path}" if base_url else ""
        self._parse = parse
        self._refresh_interval, self._max_staleness = refresh_interval, max_staleness
        self._body_timeout, self._max_body_bytes = body_timeout, max_body_bytes
        self._clock = clock
        # Without retries, urllib3 does not follow redirects either.
        self._pool = pool or deadline_pool_manager(
            timeout=TIMEOUT, retries=False, headers=REQUEST_HEADERS
        )
        self._refreshing = threading.Lock()
        self._value: T | None = None
        self._requested_at = self._received_at = float("-inf")
        self._problems = LogOnce(log)

    def get(self) -> T | None:
        """Return the last value, or ``None`` if it has expired."""
        if self._is_stale() and self._refreshing.acquire(blocking=False):
            try:
                if self._is_stale():
                    self._refresh()
            finally:
                self._refreshing.release()
        if self._clock() - self._received_at > self._max_staleness:
            return None
        return self._value

    def _is_stale(self) -> bool:
        return bool(self._url) and self._clock() - self._requested_at > self._refresh_interval

    def _refresh(self) -> None:
        try:
            self._value = self._parse(json.loads(self._fetch()))
            self._received_at = self._clock()
            self._problems.resolve(self._url)
        except (
            urllib3.exceptions.HTTPError,
            ResponseTooLargeError,
            ResponseTimeoutError,
            *_PARSE_ERRORS,
        ) as error:
            self._problems.warn(self._url, f"{error}; pages do not show its data")
        finally:
            self._requested_at = self._clock()

    def _fetch(self) -> bytes:
        with RequestDeadline(2 * self._body_timeout):
            response = self._pool.request("GET", self._url, preload_content=False)
            try:
                body = read_bounded(
                    response,
                    max_bytes=self._max_body_bytes,
                    deadline=time.monotonic() + self._body_timeout,
                )
            finally:
                response.release_conn()
        if response.status != 200:
            raise ValueError(f"status {response.status}")
        return body


def parse_streams(document: Any) -> Mapping[str, RoomStatus]:
    """Return the rooms of ``streams.json`` by id.

    The tracker may be another version or program, so only the members in use are parsed.
    """
    return {
        str(room_id): RoomStatus(
            live=room["live"] is True,
            clients=int(room["clients"]),
            bitrate=int(room["bitrate"]),
            endpoints=tuple(
                EndpointInfo(
                    url=str(endpoint["url"]),
                    formats=tuple(map(str, endpoint["formats"])),
                    files=_parse_files(endpoint.get("files")),
                    # An endpoint without a name is identified by its address.
                    name=str(endpoint.get("name") or endpoint.get("ip") or ""),
                    weight=max(0, int(endpoint.get("weight") or 0)),
                )
                for endpoint in room["endpoints"]
                if _SAFE_URL.fullmatch(str(endpoint["url"]))
            ),
        )
        for room_id, room in document["rooms"].items()
    }


def _parse_files(files: Any) -> Mapping[str, str]:
    """Return the valid paths; a tracker of another version may have none."""
    if not isinstance(files, dict):
        return {}
    return {
        str(stream): file
        for stream, file in files.items()
        if isinstance(file, str) and _SAFE_PATH.fullmatch(file)
    }


def parse_rooms(document: Any) -> Mapping[str, RoomAudience]:
    """Return the rooms of ``/api/v1/rooms`` by id."""
    return {
        str(room["room"]): RoomAudience(
            players=int(room["viewers"]["players"]),
            non_reporting=int(room["viewers"]["others"]),
            startup_p95_ms=None if room["startup_p95_ms"] is None else int(room["startup_p95_ms"]),
            rebuffer_ratio=(
                None if room["rebuffer_ratio"] is None else float(room["rebuffer_ratio"])
            ),
        )
        for room in document["rooms"]
    }


def parse_incidents(document: Any) -> tuple[OpenIncident, ...]:
    """Return the open incidents of ``/api/v1/incidents``, newest first."""
    return tuple(
        OpenIncident(
            room=str(incident["room"]),
            summary=str(incident["summary"]),
            since=datetime.fromisoformat(incident["opened_at"]),
        )
        for incident in document["incidents"]
    )
