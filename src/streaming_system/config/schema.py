"""The rules for the keys of config.json and config.private.json."""

import ipaddress
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import colander

from streaming_system.config.model import DEFAULT_HLS_PLAYLIST, Fallback, Region, TimedSource
from streaming_system.config.social import (
    url_template_validator,
    validate_matrix_alias,
    validate_posts,
)

_VIDEO_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_ORIGIN = re.compile(
    r"https?://(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::[0-9]{1,5})?", re.ASCII | re.IGNORECASE
)
LABEL_PATTERN = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)

# Keys that configurations of the original site have, and that mean nothing today.
RETIRED_KEYS = {
    "justintv_user": "has no effect: the service has closed",
    "twitter_geo": "has no effect: pages search no tweets",
}


class _ConfigType(colander.SchemaType):
    """A type whose missing value is left to the node's ``missing``."""

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        return cstruct if cstruct is colander.null else self.read(node, cstruct)

    def read(self, node: colander.SchemaNode, value: Any) -> Any:
        raise NotImplementedError


class _String(_ConfigType):
    """Text, or ``false`` for none."""

    def read(self, node: colander.SchemaNode, value: Any) -> Any:
        if value is False or value is None:
            return ""
        if not isinstance(value, str):
            raise colander.Invalid(
                node, f"is {_repr_value(value)}; allowed: text in quotes, or false"
            )
        return value.strip()


class _Boolean(_ConfigType):
    def read(self, node: colander.SchemaNode, value: Any) -> bool:
        if not isinstance(value, bool):
            raise colander.Invalid(node, f"is {_repr_value(value)}; allowed: true or false")
        return value


class _Seconds(_ConfigType):
    def read(self, node: colander.SchemaNode, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 86400:
            raise colander.Invalid(
                node, f"is {_repr_value(value)}; allowed: a whole number of seconds, 0 to 86400"
            )
        return value


class _StringList(_ConfigType):
    """A list of texts, or one text; empty ones are dropped."""

    def read(self, node: colander.SchemaNode, value: Any) -> tuple[Any, ...]:
        if value is False or value is None:
            return ()
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise colander.Invalid(node, f"is {_repr_value(value)}; allowed: a list of texts")
        return tuple(text.strip() for text in texts if text.strip())


class _RegexList(_StringList):
    """A list of regular expressions, compiled."""

    def read(self, node: colander.SchemaNode, value: Any) -> tuple[Any, ...]:
        patterns = []
        for text in super().read(node, value):
            try:
                patterns.append(re.compile(text))
            except re.error as error:
                raise colander.Invalid(
                    node,
                    f"{_repr_value(text)} is no regular expression ({error}); allowed: a list of "
                    'patterns such as "^192\\\\.0\\\\.2\\\\."',
                ) from None
        return tuple(patterns)


class _HlsPlaylistPath(_String):
    """Where an endpoint has a room's HLS playlist, below its base URL."""

    def read(self, node: colander.SchemaNode, value: Any) -> Any:
        path = super().read(node, value)
        if not re.fullmatch(
            r"(?:[A-Za-z0-9._~-]|\{room\})+(?:/(?:[A-Za-z0-9._~-]|\{room\})+)*", path
        ):
            raise colander.Invalid(
                node,
                f"is {_repr_value(value)}; allowed: a path below an endpoint's base URL, such as "
                "stream.m3u8 or {room}/index.m3u8",
            )
        return path


class _GroupNames(_StringList):
    """A list of names such as rooms have."""

    def read(self, node: colander.SchemaNode, value: Any) -> tuple[Any, ...]:
        names = super().read(node, value)
        for name in names:
            if not re.fullmatch(r"[A-Za-z0-9_]{1,64}", name, re.ASCII):
                raise colander.Invalid(
                    node, f"{_repr_value(name)}; allowed: names of 1 to 64 of A-Z a-z 0-9 _"
                )
        return names


class _OriginList(_StringList):
    """A list of sites: scheme and host each, as browsers know them."""

    def read(self, node: colander.SchemaNode, value: Any) -> tuple[Any, ...]:
        origins = super().read(node, value)
        for origin in origins:
            if origin != "*" and not _ORIGIN.fullmatch(origin):
                raise colander.Invalid(
                    node,
                    f"{_repr_value(origin)}; allowed: a list of sites without a path, such as "
                    '"https://blog.example.org" or "https://*.example.com", or "*" for all',
                )
        return origins


class _FallbackList(_StringList):
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
            f'{_repr_value(text)}; allowed: a list of "group:NAME", "https://…" and "youtube:ID"',
        )


class _TimedSourceList(_ConfigType):
    """A list of sources with times. Which zone times without offset are of is not known here."""

    _KINDS = ("youtube", "url", "iframe")
    _TIMES = ("from", "until")

    def read(self, node: colander.SchemaNode, value: Any) -> tuple[TimedSource, ...]:
        if value is False or value is None:
            return ()
        if not isinstance(value, list):
            raise colander.Invalid(node, f"is {_repr_value(value)}; allowed: a list of sources")
        return tuple(
            self._source(node, f"source {number}", source) for number, source in enumerate(value, 1)
        )

    def _source(self, node: colander.SchemaNode, place: str, source: Any) -> TimedSource:
        allowed = (*self._TIMES, *self._KINDS)
        if not isinstance(source, dict):
            raise colander.Invalid(
                node,
                f'{place}: is {_repr_value(source)}; allowed: an object such as {{"from": '
                '"2026-11-25T09:00", "youtube": "ID"}',
            )
        unknown = next((key for key in source if key not in (*allowed, "")), None)
        if unknown is not None:
            raise colander.Invalid(
                node, f"{place}: unknown key {_repr_value(unknown)}; allowed: {', '.join(allowed)}"
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
                f"{place}: is {_repr_value(value)}; allowed: a time such as 2026-11-25T09:00 or "
                "2026-11-25T09:00+01:00",
            ) from None

    def _value(self, node: colander.SchemaNode, place: str, kind: str, value: Any) -> str:
        text = value.strip() if isinstance(value, str) else ""
        if kind == "youtube":
            if _VIDEO_ID.fullmatch(text):
                return text
            raise colander.Invalid(
                node,
                f"{place}: is {_repr_value(value)}; allowed: the id of a video, such as dQw4w9WgXcQ",
            )
        if not _is_absolute_url(text):
            raise colander.Invalid(
                node, f"{place}: is {_repr_value(value)}; allowed: an http:// or https:// address"
            )
        return text


class _RegionMap(_ConfigType):
    """An object of regions, by name: whom they hold and which endpoints these prefer."""

    def read(self, node: colander.SchemaNode, value: Any) -> tuple[Region, ...]:
        if value is False or value is None:
            return ()
        if not isinstance(value, dict):
            raise colander.Invalid(node, f"is {_repr_value(value)}; allowed: an object of regions")
        return tuple(self._region(node, name, rules) for name, rules in value.items() if name)

    def _region(self, node: colander.SchemaNode, name: str, rules: Any) -> Region:
        keys = ("networks", "places", "prefer")
        good = (
            isinstance(rules, dict) and set(rules) <= {*keys, ""} and LABEL_PATTERN.fullmatch(name)
        )
        if not good:
            raise colander.Invalid(
                node,
                f"{_repr_value(name)}: allowed: a name of A-Z a-z 0-9 . _ : -, and an object with "
                f"{', '.join(keys)}",
            )
        texts = {key: _StringList().read(node, rules.get(key)) for key in keys}
        try:
            networks = tuple(ipaddress.ip_network(text) for text in texts["networks"])
        except ValueError as error:
            raise colander.Invalid(
                node, f"{_repr_value(name)}: {error}; allowed: networks such as 192.0.2.0/24"
            ) from None
        for text in (*texts["places"], *texts["prefer"]):
            if not LABEL_PATTERN.fullmatch(text):
                raise colander.Invalid(
                    node, f"{_repr_value(name)}: {_repr_value(text)} is not allowed"
                )
        return Region(
            name=name,
            networks=networks,
            places=frozenset(text.upper() for text in texts["places"]),
            prefer=texts["prefer"] or (name,),
        )


class _TimeZone(_String):
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
                f"{_repr_value(name)} is no time zone; allowed: a name of the IANA database such as "
                "Europe/Berlin or UTC",
            ) from None


def _repr_value(value: Any) -> str:
    return f"{value!r:.80}"


# What stands in a header or in front of a path must not be able to leave its place.
_ABSOLUTE_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]_-]+(?:[/?][^\s\x00-\x20\x7f\"<>]*)?")


def _is_absolute_url(address: str) -> bool:
    try:
        parts = urlsplit(address)
        named = bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False
    return named and _ABSOLUTE_URL.fullmatch(address) is not None


def _validate_web_address(node: colander.SchemaNode, value: str) -> None:
    """Refuse what a page must not link to, such as javascript:."""
    try:
        scheme = urlsplit(value).scheme
    except ValueError:
        scheme = "?"
    if scheme not in ("", "http", "https"):
        raise colander.Invalid(
            node, f"is {_repr_value(value)}; allowed: an http(s) address or a path"
        )


def _validate_feed(node: colander.SchemaNode, value: str) -> None:
    try:
        parts = urlsplit(value)
    except ValueError:
        parts = urlsplit("bad:")
    if (parts.scheme and parts.scheme not in ("http", "https")) or (
        parts.scheme and not parts.netloc
    ):
        raise colander.Invalid(
            node, f"is {_repr_value(value)}; allowed: an http:// or https:// address, or a path"
        )


def _validate_theme(node: colander.SchemaNode, value: str) -> None:
    if "\0" in value or (
        value and not re.search(r"[/.]", value) and not LABEL_PATTERN.fullmatch(value)
    ):
        raise colander.Invalid(
            node,
            f"is {_repr_value(value)}; allowed: a built-in theme's name, or a path such as ./theme",
        )


def _validate_video_id(node: colander.SchemaNode, value: str) -> None:
    if value and not _VIDEO_ID.fullmatch(value):
        raise colander.Invalid(
            node,
            f"is {_repr_value(value)}; allowed: the id of a video, such as dQw4w9WgXcQ, or false",
        )


def _validate_single_line(node: colander.SchemaNode, value: str) -> None:
    if not value or len(value) > 200 or not value.isprintable():
        raise colander.Invalid(
            node, f"is {_repr_value(value)}; allowed: 1 to 200 printable characters"
        )


def _string_node(name: str, validator: Any = None) -> colander.SchemaNode:
    return colander.SchemaNode(_String(), name=name, missing="", validator=validator)


class _ColumnMap(_ConfigType):
    """An object of texts: what a table's columns hold."""

    def read(self, node: colander.SchemaNode, value: Any) -> dict[str, str]:
        good = isinstance(value, dict) and all(isinstance(text, str) for text in value.values())
        if value is not False and not good:
            raise colander.Invalid(
                node,
                f'is {_repr_value(value)}; allowed: an object of texts such as {{"room": "Room"}}',
            )
        return dict(value or {})


class _FunctionType(_ConfigType):
    """What a function makes of a value; its ``ValueError`` says what is allowed."""

    def __init__(self, check: Callable[[Any], Any]) -> None:
        self._check = check

    def read(self, node: colander.SchemaNode, value: Any) -> Any:
        try:
            return self._check(value)
        except ValueError as error:
            raise colander.Invalid(node, str(error)) from None


def _function_node(check: Callable[[Any], Any], missing: Any = "") -> colander.SchemaNode:
    return colander.SchemaNode(_FunctionType(check), missing=missing)


class SiteConfigSchema(colander.Schema):
    """The object ``config``."""

    secret = _string_node("secret")
    localips = colander.SchemaNode(_RegexList(), missing=())
    reload = colander.SchemaNode(_Seconds(), missing=600)
    groups = colander.SchemaNode(_GroupNames(), missing=())
    hls_playlist = colander.SchemaNode(
        _HlsPlaylistPath(), name="hls-playlist", missing=DEFAULT_HLS_PLAYLIST
    )
    regions = colander.SchemaNode(_RegionMap(), missing=())
    schedule_format = _string_node("schedule-format")
    schedule_url = _string_node("schedule-url", _validate_feed)
    schedule_columns = colander.SchemaNode(_ColumnMap(), name="schedule-columns", missing={})
    schedule_timezone = colander.SchemaNode(_TimeZone(), name="schedule-timezone", missing=None)
    embed = colander.SchemaNode(_OriginList(), missing=())
    theme = _string_node("theme", _validate_theme)


class RoomConfigSchema(colander.Schema):
    """The object ``default`` and the object of each room."""

    title = colander.SchemaNode(_String(), validator=_validate_single_line)
    conference = _string_node("conference")
    link = _string_node("link", _validate_web_address)
    logo = _string_node("logo", _validate_web_address)
    twitter = _string_node("twitter")
    twitter_announce = _string_node("twitter_announce")
    ircnetwork = _string_node("ircnetwork")
    ircchannel = _string_node("ircchannel")
    channel = _string_node("channel")
    irclog = _string_node("irclog", _validate_web_address)
    preview = _string_node("preview", _validate_web_address)
    schedule = _string_node("schedule", _validate_feed)
    schedule_key = _string_node("schedule-key")
    schedule_see_also = colander.SchemaNode(_StringList(), name="schedule-see-also", missing=())
    schedule_timezone = colander.SchemaNode(_TimeZone(), name="schedule-timezone", missing=None)
    youtube = _string_node("youtube", _validate_video_id)
    fallbacks = colander.SchemaNode(_FallbackList(), missing=())
    flumotion = colander.SchemaNode(_Boolean(), missing=False)
    flumotion_collector = _string_node("flumotion-collector")
    flumotion_encoder = _string_node("flumotion-encoder")
    flumotion_mixer = _string_node("flumotion-mixer")
    flumotion_user = _string_node("flumotion-user")
    flumotion_password = _string_node("flumotion-password")
    flumotion_salt = _string_node("flumotion-salt")
    sources = colander.SchemaNode(_TimedSourceList(), missing=())
    recordings = _string_node("recordings", _validate_web_address)
    webchat = _function_node(url_template_validator("room", "network", "channel"), missing=None)
    matrix = _function_node(validate_matrix_alias)
    chat = _function_node(url_template_validator("room", "network", "channel", "matrix"))
    posts = _function_node(validate_posts, missing=None)
    feedback = _function_node(
        url_template_validator("room", "talk", schemes=("https", "http", "mailto"))
    )
