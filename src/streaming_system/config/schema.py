"""The rules for the keys of config.json and config.private.json."""

import ipaddress
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import colander

from streaming_system.config.model import HLS_PLAYLIST, Fallback, Region, TimedSource
from streaming_system.config.social import checked_alias, checked_posts, template

_VIDEO_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_ORIGIN = re.compile(
    r"https?://(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::[0-9]{1,5})?", re.ASCII | re.IGNORECASE
)
LABEL = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)

# Keys that configurations of the original site have, and that mean nothing today.
RETIRED_KEYS = {
    "justintv_user": "has no effect: the service has closed",
    "twitter_geo": "has no effect: pages search no tweets",
}


class _Type(colander.SchemaType):
    """A type whose missing value is left to the node's ``missing``."""

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        return cstruct if cstruct is colander.null else self.read(node, cstruct)

    def read(self, node: colander.SchemaNode, value: Any) -> Any:
        raise NotImplementedError


class _Text(_Type):
    """Text, or ``false`` for none."""

    def read(self, node: colander.SchemaNode, value: Any) -> Any:
        if value is False or value is None:
            return ""
        if not isinstance(value, str):
            raise colander.Invalid(node, f"is {_shown(value)}; allowed: text in quotes, or false")
        return value.strip()


class _Flag(_Type):
    def read(self, node: colander.SchemaNode, value: Any) -> bool:
        if not isinstance(value, bool):
            raise colander.Invalid(node, f"is {_shown(value)}; allowed: true or false")
        return value


class _Seconds(_Type):
    def read(self, node: colander.SchemaNode, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 86400:
            raise colander.Invalid(
                node, f"is {_shown(value)}; allowed: a whole number of seconds, 0 to 86400"
            )
        return value


class _Texts(_Type):
    """A list of texts, or one text; empty ones are dropped."""

    def read(self, node: colander.SchemaNode, value: Any) -> tuple[Any, ...]:
        if value is False or value is None:
            return ()
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise colander.Invalid(node, f"is {_shown(value)}; allowed: a list of texts")
        return tuple(text.strip() for text in texts if text.strip())


class _Patterns(_Texts):
    """A list of regular expressions, compiled."""

    def read(self, node: colander.SchemaNode, value: Any) -> tuple[Any, ...]:
        patterns = []
        for text in super().read(node, value):
            try:
                patterns.append(re.compile(text))
            except re.error as error:
                raise colander.Invalid(
                    node,
                    f"{_shown(text)} is no regular expression ({error}); allowed: a list of "
                    'patterns such as "^192\\\\.0\\\\.2\\\\."',
                ) from None
        return tuple(patterns)


class _Playlist(_Text):
    """Where an endpoint has a room's HLS playlist, below its base URL."""

    def read(self, node: colander.SchemaNode, value: Any) -> Any:
        path = super().read(node, value)
        if not re.fullmatch(
            r"(?:[A-Za-z0-9._~-]|\{room\})+(?:/(?:[A-Za-z0-9._~-]|\{room\})+)*", path
        ):
            raise colander.Invalid(
                node,
                f"is {_shown(value)}; allowed: a path below an endpoint's base URL, such as "
                "stream.m3u8 or {room}/index.m3u8",
            )
        return path


class _Groups(_Texts):
    """A list of names such as rooms have."""

    def read(self, node: colander.SchemaNode, value: Any) -> tuple[Any, ...]:
        names = super().read(node, value)
        for name in names:
            if not re.fullmatch(r"[A-Za-z0-9_]{1,64}", name, re.ASCII):
                raise colander.Invalid(
                    node, f"{_shown(name)}; allowed: names of 1 to 64 of A-Z a-z 0-9 _"
                )
        return names


class _Origins(_Texts):
    """A list of sites: scheme and host each, as browsers know them."""

    def read(self, node: colander.SchemaNode, value: Any) -> tuple[Any, ...]:
        origins = super().read(node, value)
        for origin in origins:
            if origin != "*" and not _ORIGIN.fullmatch(origin):
                raise colander.Invalid(
                    node,
                    f"{_shown(origin)}; allowed: a list of sites without a path, such as "
                    '"https://blog.example.org" or "https://*.example.com", or "*" for all',
                )
        return origins


class _Fallbacks(_Texts):
    """A list of what stands in for a room's endpoints."""

    def read(self, node: colander.SchemaNode, value: Any) -> tuple[Any, ...]:
        return tuple(self._fallback(node, text) for text in super().read(node, value))

    def _fallback(self, node: colander.SchemaNode, text: str) -> Fallback:
        kind, _, name = text.partition(":")
        if kind == "group" and re.fullmatch(r"[A-Za-z0-9_]{1,64}", name, re.ASCII):
            return Fallback(kind="group", value=name)
        if kind == "youtube" and _VIDEO_ID.fullmatch(name):
            return Fallback(kind="youtube", value=name)
        if kind in ("http", "https") and urlsplit(text).netloc:
            return Fallback(kind="url", value=text)
        raise colander.Invalid(
            node,
            f'{_shown(text)}; allowed: a list of "group:NAME", "https://…" and "youtube:ID"',
        )


class _Sources(_Type):
    """A list of sources with times. Which zone times without offset are of is not known here."""

    _KINDS = ("youtube", "url", "iframe")
    _TIMES = ("from", "until")

    def read(self, node: colander.SchemaNode, value: Any) -> tuple[TimedSource, ...]:
        if value is False or value is None:
            return ()
        if not isinstance(value, list):
            raise colander.Invalid(node, f"is {_shown(value)}; allowed: a list of sources")
        return tuple(
            self._source(node, f"source {number}", source) for number, source in enumerate(value, 1)
        )

    def _source(self, node: colander.SchemaNode, place: str, source: Any) -> TimedSource:
        allowed = (*self._TIMES, *self._KINDS)
        if not isinstance(source, dict):
            raise colander.Invalid(
                node,
                f'{place}: is {_shown(source)}; allowed: an object such as {{"from": '
                '"2026-11-25T09:00", "youtube": "ID"}',
            )
        unknown = next((key for key in source if key not in (*allowed, "")), None)
        if unknown is not None:
            raise colander.Invalid(
                node, f"{place}: unknown key {_shown(unknown)}; allowed: {', '.join(allowed)}"
            )
        kinds = [kind for kind in self._KINDS if kind in source]
        if len(kinds) != 1:
            raise colander.Invalid(node, f"{place}: needs one of {', '.join(self._KINDS)}")
        [kind] = kinds
        start, until = (self._moment(node, f"{place}, '{t}'", source.get(t)) for t in self._TIMES)
        return TimedSource(
            kind=kind,
            value=self._value(node, f"{place}, '{kind}'", kind, source[kind]),
            start=start,
            until=until,
        )

    def _moment(self, node: colander.SchemaNode, place: str, value: Any) -> datetime | None:
        if value is None or value is False:
            return None
        try:
            return datetime.fromisoformat(value)
        except (TypeError, ValueError):
            raise colander.Invalid(
                node,
                f"{place}: is {_shown(value)}; allowed: a time such as 2026-11-25T09:00 or "
                "2026-11-25T09:00+01:00",
            ) from None

    def _value(self, node: colander.SchemaNode, place: str, kind: str, value: Any) -> str:
        text = value.strip() if isinstance(value, str) else ""
        if kind == "youtube":
            if _VIDEO_ID.fullmatch(text):
                return text
            raise colander.Invalid(
                node,
                f"{place}: is {_shown(value)}; allowed: the id of a video, such as dQw4w9WgXcQ",
            )
        if not _is_absolute(text):
            raise colander.Invalid(
                node, f"{place}: is {_shown(value)}; allowed: an http:// or https:// address"
            )
        return text


class _Regions(_Type):
    """An object of regions, by name: whom they hold and which endpoints these prefer."""

    def read(self, node: colander.SchemaNode, value: Any) -> tuple[Region, ...]:
        if value is False or value is None:
            return ()
        if not isinstance(value, dict):
            raise colander.Invalid(node, f"is {_shown(value)}; allowed: an object of regions")
        return tuple(self._region(node, name, rules) for name, rules in value.items() if name)

    def _region(self, node: colander.SchemaNode, name: str, rules: Any) -> Region:
        keys = ("networks", "places", "prefer")
        good = isinstance(rules, dict) and set(rules) <= {*keys, ""} and LABEL.fullmatch(name)
        if not good:
            raise colander.Invalid(
                node,
                f"{_shown(name)}: allowed: a name of A-Z a-z 0-9 . _ : -, and an object with "
                f"{', '.join(keys)}",
            )
        texts = {key: _Texts().read(node, rules.get(key)) for key in keys}
        try:
            networks = tuple(ipaddress.ip_network(text) for text in texts["networks"])
        except ValueError as error:
            raise colander.Invalid(
                node, f"{_shown(name)}: {error}; allowed: networks such as 192.0.2.0/24"
            ) from None
        for text in (*texts["places"], *texts["prefer"]):
            if not LABEL.fullmatch(text):
                raise colander.Invalid(node, f"{_shown(name)}: {_shown(text)} is not allowed")
        return Region(
            name=name,
            networks=networks,
            places=frozenset(text.upper() for text in texts["places"]),
            prefer=texts["prefer"] or (name,),
        )


class _Zone(_Text):
    """The name of a time zone, or ``false`` for none."""

    def read(self, node: colander.SchemaNode, value: Any) -> Any:
        name = super().read(node, value)
        if not name:
            return None
        try:
            return ZoneInfo(name)
        except (ValueError, KeyError, OSError):
            raise colander.Invalid(
                node,
                f"{_shown(name)} is no time zone; allowed: a name of the IANA database such as "
                "Europe/Berlin or UTC",
            ) from None


def _shown(value: Any) -> str:
    return f"{value!r:.80}"


# What stands in a header or in front of a path must not be able to leave its place.
_ABSOLUTE = re.compile(r"https?://[A-Za-z0-9.:\[\]_-]+(?:[/?][^\s\x00-\x20\x7f\"<>]*)?")


def _is_absolute(address: str) -> bool:
    try:
        parts = urlsplit(address)
        named = bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False
    return named and _ABSOLUTE.fullmatch(address) is not None


def _web_address(node: colander.SchemaNode, value: str) -> None:
    """Refuse what a page must not link to, such as javascript:."""
    try:
        scheme = urlsplit(value).scheme
    except ValueError:
        scheme = "?"
    if scheme not in ("", "http", "https"):
        raise colander.Invalid(node, f"is {_shown(value)}; allowed: an http(s) address or a path")


def _feed(node: colander.SchemaNode, value: str) -> None:
    try:
        parts = urlsplit(value)
    except ValueError:
        parts = urlsplit("bad:")
    if (parts.scheme and parts.scheme not in ("http", "https")) or (
        parts.scheme and not parts.netloc
    ):
        raise colander.Invalid(
            node, f"is {_shown(value)}; allowed: an http:// or https:// address, or a path"
        )


def _theme(node: colander.SchemaNode, value: str) -> None:
    if "\0" in value or (value and not re.search(r"[/.]", value) and not LABEL.fullmatch(value)):
        raise colander.Invalid(
            node, f"is {_shown(value)}; allowed: a built-in theme's name, or a path such as ./theme"
        )


def _video_id(node: colander.SchemaNode, value: str) -> None:
    if value and not _VIDEO_ID.fullmatch(value):
        raise colander.Invalid(
            node, f"is {_shown(value)}; allowed: the id of a video, such as dQw4w9WgXcQ, or false"
        )


def _single_line(node: colander.SchemaNode, value: str) -> None:
    if not value or len(value) > 200 or not value.isprintable():
        raise colander.Invalid(node, f"is {_shown(value)}; allowed: 1 to 200 printable characters")


def _text(name: str, validator: Any = None) -> colander.SchemaNode:
    return colander.SchemaNode(_Text(), name=name, missing="", validator=validator)


class _Columns(_Type):
    """An object of texts: what a table's columns hold."""

    def read(self, node: colander.SchemaNode, value: Any) -> dict[str, str]:
        good = isinstance(value, dict) and all(isinstance(text, str) for text in value.values())
        if value is not False and not good:
            raise colander.Invalid(
                node, f'is {_shown(value)}; allowed: an object of texts such as {{"room": "Room"}}'
            )
        return dict(value or {})


class _Checked(_Type):
    """What a function makes of a value; its ``ValueError`` says what is allowed."""

    def __init__(self, check: Callable[[Any], Any]) -> None:
        self._check = check

    def read(self, node: colander.SchemaNode, value: Any) -> Any:
        try:
            return self._check(value)
        except ValueError as error:
            raise colander.Invalid(node, str(error)) from None


def _checked(check: Callable[[Any], Any], missing: Any = "") -> colander.SchemaNode:
    return colander.SchemaNode(_Checked(check), missing=missing)


class SiteSchema(colander.Schema):
    """The object ``config``."""

    secret = _text("secret")
    localips = colander.SchemaNode(_Patterns(), missing=())
    reload = colander.SchemaNode(_Seconds(), missing=600)
    groups = colander.SchemaNode(_Groups(), missing=())
    hls_playlist = colander.SchemaNode(_Playlist(), name="hls-playlist", missing=HLS_PLAYLIST)
    regions = colander.SchemaNode(_Regions(), missing=())
    schedule_format = _text("schedule-format")
    schedule_url = _text("schedule-url", _feed)
    schedule_columns = colander.SchemaNode(_Columns(), name="schedule-columns", missing={})
    schedule_timezone = colander.SchemaNode(_Zone(), name="schedule-timezone", missing=None)
    embed = colander.SchemaNode(_Origins(), missing=())
    theme = _text("theme", _theme)


class RoomSchema(colander.Schema):
    """The object ``default`` and the object of each room."""

    title = colander.SchemaNode(_Text(), validator=_single_line)
    conference = _text("conference")
    link = _text("link", _web_address)
    logo = _text("logo", _web_address)
    twitter = _text("twitter")
    twitter_announce = _text("twitter_announce")
    ircnetwork = _text("ircnetwork")
    ircchannel = _text("ircchannel")
    channel = _text("channel")
    irclog = _text("irclog", _web_address)
    preview = _text("preview", _web_address)
    schedule = _text("schedule", _feed)
    schedule_key = _text("schedule-key")
    schedule_see_also = colander.SchemaNode(_Texts(), name="schedule-see-also", missing=())
    schedule_timezone = colander.SchemaNode(_Zone(), name="schedule-timezone", missing=None)
    youtube = _text("youtube", _video_id)
    fallbacks = colander.SchemaNode(_Fallbacks(), missing=())
    flumotion = colander.SchemaNode(_Flag(), missing=False)
    flumotion_collector = _text("flumotion-collector")
    flumotion_encoder = _text("flumotion-encoder")
    flumotion_mixer = _text("flumotion-mixer")
    flumotion_user = _text("flumotion-user")
    flumotion_password = _text("flumotion-password")
    flumotion_salt = _text("flumotion-salt")
    sources = colander.SchemaNode(_Sources(), missing=())
    recordings = _text("recordings", _web_address)
    webchat = _checked(template("room", "network", "channel"), missing=None)
    matrix = _checked(checked_alias)
    chat = _checked(template("room", "network", "channel", "matrix"))
    posts = _checked(checked_posts, missing=None)
    feedback = _checked(template("room", "talk", schemes=("https", "http", "mailto")))
