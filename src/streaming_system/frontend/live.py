"""Which rooms are live: asked of the tracker, for all viewers together."""

import json
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import urllib3

log = logging.getLogger(__name__)

TIMEOUT = urllib3.Timeout(connect=0.5, read=1)
FRESH_FOR = 3.0  # seconds
# After that long without an answer, nothing is known any more.
KNOWN_FOR = 15.0
LARGEST_ANSWER = 4 * 2**20
# How an answer shows that it is not what we think it is: OverflowError is a number without end,
# RecursionError a nesting without end.
_MISSHAPEN = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    OverflowError,
    RecursionError,
)
# How long an answer may take that has begun.
LONGEST_ANSWER = 1.0  # seconds


@dataclass(frozen=True, kw_only=True)
class Live:
    """What the tracker says about one room.

    :param bitrate: of all endpoints together, in bit/s.
    :param endpoints: as ``(url, formats, name)``, least loaded first.
    """

    live: bool
    clients: int = 0
    bitrate: int = 0
    endpoints: tuple[tuple[str, tuple[str, ...], str], ...] = ()


class LiveRooms:
    """Asks the tracker at most every few seconds, whatever the number of viewers.

    One thread asks, the others go on with the last answer, or with none. They must not wait for the
    one that asks: where both apps share a process, they would hold the very threads that the
    tracker needs to answer. A tracker that does not answer costs one page in a few a second or
    two, and no page an error.

    :param url: where this process reaches the tracker; "" to know nothing.
    """

    def __init__(self, url: str) -> None:
        self._url = f"{url.rstrip('/')}/streams.json" if url else ""
        self._pool = urllib3.PoolManager(timeout=TIMEOUT, retries=False)
        self._asking = threading.Lock()
        self._rooms: Mapping[str, Live] | None = None
        self._asked = self._answered = float("-inf")
        self._failing = False

    def current(self) -> Mapping[str, Live] | None:
        """Return what is known of each room, by id; ``None`` if nothing is."""
        if self._is_old() and self._asking.acquire(blocking=False):
            try:
                if self._is_old():
                    self._ask()
            finally:
                self._asking.release()
        if time.monotonic() - self._answered > KNOWN_FOR:
            return None
        return self._rooms

    def _is_old(self) -> bool:
        return bool(self._url) and time.monotonic() - self._asked > FRESH_FOR

    def _ask(self) -> None:
        try:
            answer = self._pool.request("GET", self._url, preload_content=False)
            try:
                body = _body(answer)
            finally:
                answer.release_conn()
            if answer.status != 200:
                raise ValueError(f"status {answer.status}")
            self._rooms = _read(json.loads(body))
            self._answered = time.monotonic()
            self._failing = False
        except (urllib3.exceptions.HTTPError, *_MISSHAPEN) as error:
            # Said once, not every few seconds.
            if not self._failing:
                log.warning("%s: %s; pages cannot tell which rooms are live", self._url, error)
            self._failing = True
        finally:
            self._asked = time.monotonic()


def _body(answer: urllib3.BaseHTTPResponse) -> bytes:
    """Return an answer's body. The time-out holds for each piece, so the sum has one of its own."""
    body = b""
    give_up = time.monotonic() + LONGEST_ANSWER
    while piece := answer.read1(2**16):
        body += piece
        if len(body) > LARGEST_ANSWER or time.monotonic() > give_up:
            raise ValueError("the answer is too long, or takes too long")
    return body


def _read(document: Any) -> dict[str, Live]:
    """Return the rooms of an answer; the tracker may be another version, or another program."""
    return {
        str(room_id): Live(
            live=room["live"] is True,
            clients=int(room["clients"]),
            bitrate=int(room["bitrate"]),
            endpoints=tuple(
                (
                    str(endpoint["url"]),
                    tuple(map(str, endpoint["formats"])),
                    # An endpoint without a name is known by its address.
                    str(endpoint.get("name") or endpoint.get("ip") or ""),
                )
                for endpoint in room["endpoints"]
                if str(endpoint["url"]).startswith(("http://", "https://"))
            ),
        )
        for room_id, room in document["rooms"].items()
    }
