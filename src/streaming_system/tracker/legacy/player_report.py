"""What the original's players post of themselves: a signed cookie, and JSON of any shape."""

import hashlib
import hmac
import json
import math
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from streaming_system.tracker.ingest.playback import PlayerReport

# How deep and how large a player's JSON may be. Nothing of it is kept but what KNOWN names.
MAX_DEPTH = 10
MAX_VALUES = 1000

MAX_COUNT = 2**31 - 1
MAX_DURATION_MS = 10 * 366 * 86400 * 1000
MAX_BITRATE = 10**13
FORMATS = {
    "webm": "webm",
    "ogg": "ogg",
    "ogv": "ogg",
    "opus": "ogg",
    "mp3": "mp3",
    "aac": "aac",
    "hls": "hls",
    "m3u8": "hls",
    "dash": "dash",
}
QUALITIES = frozenset({"high", "low"})


class InvalidJsonError(ValueError):
    """A player posted something other than a JSON object."""


def issue_cookie(key: bytes) -> str:
    """Return the value of a cookie: a random id, and a digest that only we can make."""
    identity = secrets.token_urlsafe(16)
    return f"{identity}.{_cookie_digest(key, identity)}"


def verify_cookies(cookies: Iterable[str], key: bytes) -> str | None:
    """Return the id in the first of the cookies that is ours, None if none is."""
    for cookie in cookies:
        identity, _, digest = cookie.rpartition(".")
        # Only bytes of any kind can be compared in constant time.
        given, ours = digest.encode(), _cookie_digest(key, identity).encode()
        if identity and hmac.compare_digest(given, ours):
            return identity
    return None


def parse_player_report(text: str, *, identity: str, room: str, key: bytes) -> PlayerReport:
    """Return what a player's JSON says of it. Names that nobody knows are dropped.

    :raises NotJson: if it is no object in JSON.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidJsonError("data is not JSON") from None
    if not isinstance(data, dict):
        raise InvalidJsonError("data is not a JSON object")
    figures: dict[str, Any] = {}
    for name, value in _flatten(data):
        field, read = FIELDS.get(name.rpartition(".")[2].lower().replace("-", "_"), (None, None))
        if field and read and (figure := read(value)) is not None:
            figures.setdefault(field, figure)
    # One browser with one room open is one viewer; what it is in another room tells nobody.
    sid = hmac.digest(key, f"sid {room} {identity}".encode(), hashlib.sha256).hex()[:32]
    return PlayerReport(sid=sid, room=room, **figures)


def _cookie_digest(key: bytes, identity: str) -> str:
    return hmac.digest(key, f"cookie {identity}".encode(), hashlib.sha256).hex()


def _flatten(data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Return the values within values, each under the names that lead to it with dots between."""
    open_ones: list[tuple[str, Any, int]] = [("", data, 0)]
    count = 0
    while open_ones and count < MAX_VALUES:
        name, value, depth = open_ones.pop()
        count += 1
        if isinstance(value, dict) and depth < MAX_DEPTH:
            inner = [(f"{name}.{key}".lstrip("."), held, depth + 1) for key, held in value.items()]
            open_ones.extend(reversed(inner))
        else:
            yield name, value


def _number_parser(most: int, factor: int = 1) -> Callable[[Any], int | None]:
    def read(value: Any) -> int | None:
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        # Nothing compares as true with NaN.
        if not 0 <= value <= most or not math.isfinite(value):
            return None
        return min(round(value * factor), most)

    return read


def _parse_format(value: Any) -> str | None:
    # Such as "webm", "video/webm" or "application/ogg; codecs=…".
    word = value.split(";")[0].strip().rpartition("/")[2].lower() if isinstance(value, str) else ""
    return FORMATS.get(word)


def _parse_quality(value: Any) -> str | None:
    return value if isinstance(value, str) and value in QUALITIES else None


_COUNT, _MS, _SECONDS = (
    _number_parser(MAX_COUNT),
    _number_parser(MAX_DURATION_MS),
    _number_parser(MAX_DURATION_MS, 1000),
)

# The last part of a name in a player's JSON, and what of a report it is.
FIELDS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "bitrate": ("bitrate", _number_parser(MAX_BITRATE)),
    "dropped": ("dropped", _COUNT),
    "dropped_frames": ("dropped", _COUNT),
    "droppedframes": ("dropped", _COUNT),
    "rebuffers": ("rebuffers", _COUNT),
    "stalls": ("rebuffers", _COUNT),
    "rebuffer_ms": ("rebuffer_ms", _MS),
    "played": ("played_ms", _SECONDS),
    "played_ms": ("played_ms", _MS),
    "currenttime": ("played_ms", _SECONDS),
    "startup_ms": ("startup_ms", _COUNT),
    "errors": ("errors", _COUNT),
    "format": ("format", _parse_format),
    "type": ("format", _parse_format),
    "quality": ("quality", _parse_quality),
}
