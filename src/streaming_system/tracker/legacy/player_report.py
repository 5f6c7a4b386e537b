"""Parses reports of the original's players: a signed cookie, and JSON of any shape."""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from streaming_system.tracker.ingest.player_report import PlayerReport
from streaming_system.util.validation import MAX_BITRATE, is_number

# Limits of a player's JSON. Only the values that FIELDS names are used.
MAX_DEPTH = 10
MAX_VALUES = 1000

COOKIE_KEY_NAME = "player-cookie"
MAX_COUNT = 2**31 - 1
MAX_DURATION_MS = 10 * 366 * 86400 * 1000
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
    """The body of a report is not a JSON object."""


def issue_cookie(key: bytes, user_agent: str) -> str:
    """Return the value of a new cookie: a random id, and its HMAC with the user agent."""
    identity = secrets.token_urlsafe(16)
    return f"{identity}.{_cookie_digest(key, identity, user_agent)}"


def verify_cookies(cookies: Iterable[str], key: bytes, user_agent: str) -> str | None:
    """Return the id of the first cookie that is valid for a user agent, ``None`` without one."""
    for cookie in cookies:
        identity, _, digest = cookie.rpartition(".")
        # compare_digest accepts non-ASCII characters as bytes only.
        expected = _cookie_digest(key, identity, user_agent).encode()
        if identity and hmac.compare_digest(digest.encode(), expected):
            return identity
    return None


def parse_player_report(text: str, *, identity: str, room: str, key: bytes) -> PlayerReport:
    """Return the report in a player's JSON. Unknown names are dropped.

    :raises InvalidJsonError: if it is not a JSON object.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidJsonError("data is not JSON") from None
    if not isinstance(data, dict):
        raise InvalidJsonError("data is not a JSON object")
    metrics: dict[str, Any] = {}
    for name, value in _flatten(data):
        field, parse = FIELDS.get(name.rpartition(".")[2].lower().replace("-", "_"), (None, None))
        if field and parse and (metric := parse(value)) is not None:
            metrics.setdefault(field, metric)
    return PlayerReport(sid=player_sid(key, room, identity), room=room, **metrics)


def player_sid(key: bytes, room: str, identity: str) -> str:
    """Return the identifier of a browser in a room, where it is one viewer.

    Its identifiers in different rooms cannot be linked.
    """
    return hmac.digest(key, f"sid {room} {identity}".encode(), hashlib.sha256).hex()[:32]


def _cookie_digest(key: bytes, identity: str, user_agent: str) -> str:
    # Headers contain no line feeds, so no other id and user agent have the same text.
    text = f"cookie {identity}\n{user_agent}"
    return hmac.digest(key, text.encode(), hashlib.sha256).hex()


def _flatten(data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield nested values in document order, with dotted names."""
    stack: list[tuple[str, Any, int]] = [("", data, 0)]
    count = 0
    while stack and count < MAX_VALUES:
        name, value, depth = stack.pop()
        count += 1
        if isinstance(value, dict) and depth < MAX_DEPTH:
            inner = [(f"{name}.{key}".lstrip("."), item, depth + 1) for key, item in value.items()]
            stack.extend(reversed(inner))
        else:
            yield name, value


def _number_parser(maximum: int, factor: int = 1) -> Callable[[Any], int | None]:
    def parse(value: Any) -> int | None:
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                return None
        if not is_number(value) or not 0 <= value <= maximum:
            return None
        scaled: int = round(value * factor)
        return min(scaled, maximum)

    return parse


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

# The last part of a name in a player's JSON; the field of the report and its parser.
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
