"""What the tracker says, or another server: asked for all viewers together."""

import json
import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import urllib3

log = logging.getLogger(__name__)

TIMEOUT = urllib3.Timeout(connect=0.5, read=1)
REFRESH_INTERVAL = 3.0  # seconds
PUSH_REFRESH_INTERVAL = 0.5  # seconds
# After that long without an answer, nothing is known any more.
MAX_STALENESS = 15.0
MAX_BODY_BYTES = 4 * 2**20
# How an answer shows that it is not what we think it is: OverflowError is a number without end,
# RecursionError a nesting without end.
_PARSE_ERRORS = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    OverflowError,
    RecursionError,
)
# How long an answer may take that has begun.
BODY_TIMEOUT = 1.0  # seconds
REQUEST_HEADERS = {"User-Agent": "streaming-system", "Accept": "application/json"}


@dataclass(frozen=True, kw_only=True)
class EndpointInfo:
    """An endpoint that streams a room.

    :param url: the base of its streams.
    :param weight: the share of viewers that it shall get; 0: only if others have failed.
    """

    url: str
    formats: tuple[str, ...] = ()
    name: str = ""
    weight: int = 0


@dataclass(frozen=True, kw_only=True)
class RoomStatus:
    """What the tracker says about one room.

    :param bitrate: of all endpoints together, in bit/s.
    :param endpoints: least loaded first.
    """

    live: bool
    clients: int = 0
    bitrate: int = 0
    endpoints: tuple[EndpointInfo, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RoomAudience:
    """How a room's viewers fare.

    :param players: viewers whose players report.
    :param others: viewers that only the servers see.
    :param startup_p95_ms: nineteen of twenty players began within that many milliseconds.
    :param rebuffer_ratio: the share of their time that they waited.
    """

    players: int
    others: int
    startup_p95_ms: int | None
    rebuffer_ratio: float | None


@dataclass(frozen=True, kw_only=True)
class OpenIncident:
    """Something that is wrong, in a sentence; ``room`` is "" where it is about none."""

    room: str
    summary: str
    since: datetime


T = TypeVar("T")
# An address that cannot leave its place, be it an attribute or a line of a playlist.
_SAFE_URL = re.compile(r"https?://[^\s\x00-\x20\x7f\"<>]+")


class PolledResource(Generic[T]):
    """Asks a server, mostly the tracker, at most every few seconds for all viewers together.

    One thread asks, the others go on with the last answer, or with none. They must not wait for the
    one that asks: where both apps share a process, they would hold the very threads that the
    tracker needs to answer. A tracker that does not answer costs one page in a few a second or
    two, and no page an error.

    :param tracker: where this process reaches the tracker; "" to know nothing.
    :param path: what it is asked for.
    :param read: makes a value of the answer's JSON.
    :param fresh_for: seconds before it is asked again.
    :param known_for: seconds after which a last answer is worth nothing.
    :param pool: by which it is asked; our own tracker may be anywhere, others may not.
    :param longest: seconds that an answer may take that has begun.
    :param largest: bytes that it may have.
    """

    def __init__(
        self,
        tracker: str,
        path: str,
        read: Callable[[Any], T],
        *,
        fresh_for: float = REFRESH_INTERVAL,
        known_for: float = MAX_STALENESS,
        pool: urllib3.PoolManager | None = None,
        longest: float = BODY_TIMEOUT,
        largest: int = MAX_BODY_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = f"{tracker.rstrip('/')}{path}" if tracker else ""
        self._read = read
        self._fresh_for, self._known_for = fresh_for, known_for
        self._longest, self._largest = longest, largest
        self._clock = clock
        # Without retries an answer that leads elsewhere is not followed either.
        self._pool = pool or urllib3.PoolManager(
            timeout=TIMEOUT, retries=False, headers=REQUEST_HEADERS
        )
        self._asking = threading.Lock()
        self._known: T | None = None
        self._asked = self._answered = float("-inf")
        self._failing = False

    def current(self) -> T | None:
        """Return what is known; ``None`` if nothing is."""
        if self._is_old() and self._asking.acquire(blocking=False):
            try:
                if self._is_old():
                    self._ask()
            finally:
                self._asking.release()
        if self._clock() - self._answered > self._known_for:
            return None
        return self._known

    def _is_old(self) -> bool:
        return bool(self._url) and self._clock() - self._asked > self._fresh_for

    def _ask(self) -> None:
        try:
            answer = self._pool.request("GET", self._url, preload_content=False)
            try:
                body = self._body(answer)
            finally:
                answer.release_conn()
            if answer.status != 200:
                raise ValueError(f"status {answer.status}")
            self._known = self._read(json.loads(body))
            self._answered = self._clock()
            self._failing = False
        except (urllib3.exceptions.HTTPError, *_PARSE_ERRORS) as error:
            # Said once, not every few seconds.
            if not self._failing:
                log.warning("%s: %s; pages cannot tell what it would say", self._url, error)
            self._failing = True
        finally:
            self._asked = self._clock()

    def _body(self, answer: urllib3.BaseHTTPResponse) -> bytes:
        """Return an answer's body. The time-out holds for each piece, so the sum has its own."""
        body = b""
        give_up = time.monotonic() + self._longest
        while piece := answer.read1(2**16):
            body += piece
            if len(body) > self._largest or time.monotonic() > give_up:
                raise ValueError("the answer is too long, or takes too long")
        return body


def parse_streams(document: Any) -> Mapping[str, RoomStatus]:
    """Return the rooms of ``streams.json`` by id; the tracker may be another version or program."""
    return {
        str(room_id): RoomStatus(
            live=room["live"] is True,
            clients=int(room["clients"]),
            bitrate=int(room["bitrate"]),
            endpoints=tuple(
                EndpointInfo(
                    url=str(endpoint["url"]),
                    formats=tuple(map(str, endpoint["formats"])),
                    # An endpoint without a name is known by its address.
                    name=str(endpoint.get("name") or endpoint.get("ip") or ""),
                    weight=max(0, int(endpoint.get("weight") or 0)),
                )
                for endpoint in room["endpoints"]
                if _SAFE_URL.fullmatch(str(endpoint["url"]))
            ),
        )
        for room_id, room in document["rooms"].items()
    }


def parse_rooms(document: Any) -> Mapping[str, RoomAudience]:
    """Return the rooms of ``/api/v1/rooms`` by id."""
    return {
        str(room["room"]): RoomAudience(
            players=int(room["viewers"]["players"]),
            others=int(room["viewers"]["others"]),
            startup_p95_ms=None if room["startup_p95_ms"] is None else int(room["startup_p95_ms"]),
            rebuffer_ratio=(
                None if room["rebuffer_ratio"] is None else float(room["rebuffer_ratio"])
            ),
        )
        for room in document["rooms"]
    }


def parse_incidents(document: Any) -> tuple[OpenIncident, ...]:
    """Return what ``/api/v1/incidents`` says is wrong, newest first."""
    return tuple(
        OpenIncident(
            room=str(incident["room"]),
            summary=str(incident["summary"]),
            since=datetime.fromisoformat(incident["opened_at"]),
        )
        for incident in document["incidents"]
    )
