"""JSON documents of the tracker (or another server), polled once for all viewers."""

import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

import urllib3

from streaming_system.net.bounded_http import ResponseTooLargeError, read_bounded
from streaming_system.net.http_errors import describe_http_error
from streaming_system.net.request_deadline import (
    RequestDeadline,
    ResponseTimeoutError,
    deadline_pool_manager,
)
from streaming_system.util.foreign_json import (
    DocumentError,
    parse_foreign_json,
    parse_timestamp,
)
from streaming_system.util.json_object import FieldProblems, JsonObject
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


class UnavailableError(Exception):
    """A resource cannot be fetched; the message is a predicate in one line."""


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

    :param live: ``None`` if unknown.
    :param slate: whether viewers get only a slate, because the input is lost.
    :param bitrate: of all endpoints together, in bit/s.
    :param endpoints: least loaded first.
    """

    live: bool | None
    slate: bool = False
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
    :param parse: converts the JSON document, records its invalid fields, and raises
        :class:`DocumentError` for an entirely different document.
    :param refresh_interval: seconds between two requests.
    :param max_staleness: seconds after which the last value expires.
    :param decode: converts the body for ``parse``; it raises :class:`DocumentError`.
    :param pool: an SSRF-safe one for servers other than our tracker.
    :param body_timeout: the maximum number of seconds to receive the body; the whole request has
        twice as many.
    """

    def __init__(
        self,
        base_url: str,
        path: str,
        parse: Callable[[Any, FieldProblems], T],
        *,
        refresh_interval: float = REFRESH_INTERVAL,
        max_staleness: float = MAX_STALENESS,
        decode: Callable[[bytes], Any] = parse_foreign_json,
        pool: urllib3.PoolManager | None = None,
        body_timeout: float = BODY_TIMEOUT,
        max_body_bytes: int = MAX_BODY_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = f"{base_url.rstrip('/')}{path}" if base_url else ""
        self._parse, self._decode = parse, decode
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
        if self.is_stale() and self._refreshing.acquire(blocking=False):
            try:
                if self.is_stale():
                    self._refresh()
            finally:
                self._refreshing.release()
        return self.last_value()

    def last_value(self) -> T | None:
        """Return the last value without a request, or ``None`` if it has expired."""
        if self._clock() - self._received_at > self._max_staleness:
            return None
        return self._value

    def is_stale(self) -> bool:
        """Return whether the next :meth:`get` sends a request."""
        return bool(self._url) and self._clock() - self._requested_at > self._refresh_interval

    def _refresh(self) -> None:
        problems = FieldProblems()
        try:
            self._value = self._parse(self._decode(self._fetch()), problems)
        except DocumentError as error:
            # The numbers of lines, columns and bytes change.
            self._warn(f"the response {error}", re.sub(r"\d+", "", str(error)))
        except UnavailableError as error:
            self._warn(str(error))
        else:
            self._received_at = self._clock()
            self._problems.resolve(self._url)
            self._problems.record(f"{self._url} (fields)", problems)
        finally:
            self._requested_at = self._clock()

    def _warn(self, problem: str, fault: str = "") -> None:
        hint = "; check its address, and whether it runs; pages do not show its data"
        self._problems.warn(self._url, problem + hint, fault=fault)

    def _fetch(self) -> bytes:
        try:
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
        except (ResponseTooLargeError, ResponseTimeoutError) as error:
            raise UnavailableError(str(error)) from None
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise UnavailableError(describe_http_error(error)) from None
        if response.status != 200:
            raise UnavailableError(f"responds with status {response.status}")
        return body


def parse_streams(document: Any, problems: FieldProblems | None = None) -> Mapping[str, RoomStatus]:
    """Return the rooms of ``streams.json`` by id.

    The tracker may be another version or program, so only the members in use are parsed.

    :raises DocumentError: if it has no rooms.
    """
    rooms = _require_rooms(document, dict, problems).object("rooms")
    return {room_id: _parse_room_status(rooms.object(room_id)) for room_id in rooms}


def _require_rooms(document: Any, kind: type, problems: FieldProblems | None) -> JsonObject:
    if not isinstance(document, dict) or not isinstance(document.get("rooms"), kind):
        raise DocumentError("has no rooms, so it is not that of a tracker")
    return JsonObject(document, "", problems)


def _parse_room_status(room: JsonObject) -> RoomStatus:
    endpoints = [
        EndpointInfo(
            url=endpoint.text("url"),
            formats=tuple(endpoint.texts("formats")),
            files=_parse_files(endpoint.object("files")),
            # An endpoint without a name is identified by its address.
            name=endpoint.text("name") or endpoint.text("ip"),
            weight=endpoint.count("weight"),
        )
        for endpoint in room.objects("endpoints")
        if _SAFE_URL.fullmatch(endpoint.text("url"))
    ]
    live = room.flag("live", required=True)
    return RoomStatus(
        live=True if live is None and endpoints else live,
        # Trackers of earlier versions do not have it.
        slate=bool(room.flag("slate")),
        clients=room.count("clients"),
        bitrate=room.count("bitrate"),
        endpoints=tuple(endpoints),
    )


def _parse_files(files: JsonObject) -> Mapping[str, str]:
    """Return the valid paths; a tracker of another version may have none."""
    return {stream: path for stream in files if _SAFE_PATH.fullmatch(path := files.text(stream))}


def parse_rooms(document: Any, problems: FieldProblems | None = None) -> Mapping[str, RoomAudience]:
    """Return the rooms of ``/api/v1/rooms`` by id.

    :raises DocumentError: if it has no rooms.
    """
    rooms = _require_rooms(document, list, problems).objects("rooms")
    return {
        room.text("room", required=True): RoomAudience(
            players=room.object("viewers").count("players"),
            non_reporting=room.object("viewers").count("others"),
            startup_p95_ms=room.integer("startup_p95_ms"),
            rebuffer_ratio=room.number("rebuffer_ratio"),
        )
        for room in rooms
    }


def parse_incidents(
    document: Any, problems: FieldProblems | None = None
) -> tuple[OpenIncident, ...]:
    """Return the open incidents of ``/api/v1/incidents``, newest first.

    :raises DocumentError: if it has no incidents, or if none of them is valid.
    """
    if not isinstance(document, dict) or not isinstance(document.get("incidents"), list):
        raise DocumentError("has no incidents, so it is not that of a tracker")
    incidents = tuple(_parse_incidents(JsonObject(document, "", problems)))
    if document["incidents"] and not incidents:
        # Without any of them, the crew would see that nothing is wrong.
        raise DocumentError("has no valid incident")
    return incidents


def _parse_incidents(document: JsonObject) -> Iterator[OpenIncident]:
    for incident in document.objects("incidents"):
        since = parse_timestamp(incident.get("opened_at"))
        if since is None:
            incident.problems.add(incident.place_of("opened_at"), "is no time")
            continue
        room, summary = incident.text("room"), incident.text("summary", required=True)
        yield OpenIncident(room=room, summary=summary, since=since)
