"""The field types of fallbacks, timed sources and regions."""

import ipaddress
import re
from typing import Any
from urllib.parse import urlsplit

import colander

from streaming_system.config.field_types import (
    ConfigType,
    TextListType,
    parse_time,
)
from streaming_system.config.model import Fallback, Region, TimedSource
from streaming_system.util.validation import RoomId, describe_invalid, describe_value

LABEL_PATTERN = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
VIDEO_ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
ALLOWED_VIDEO_ID = "the id of a video, such as dQw4w9WgXcQ"
# The value appears in a Content-Security-Policy header and in front of paths, so it must not
# contain separators of either.
_ABSOLUTE_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]_-]+(?:[/?][^\s\x00-\x20\x7f\"<>]*)?")


class FallbackListType(TextListType):
    """A list of fallbacks of a room's endpoints."""

    def parse(self, node: colander.SchemaNode, value: Any) -> tuple[Any, ...]:
        return tuple(self._parse_fallback(node, text) for text in super().parse(node, value))

    def _parse_fallback(self, node: colander.SchemaNode, text: str) -> Fallback:
        kind, _, name = text.partition(":")
        if kind == "group" and RoomId().is_valid(name):
            return Fallback(kind="group", value=name)
        if kind == "youtube" and VIDEO_ID_PATTERN.fullmatch(name):
            return Fallback(kind="youtube", value=name)
        if kind in ("http", "https") and urlsplit(text).netloc:
            return Fallback(kind="url", value=text)
        raise colander.Invalid(
            node,
            f'{describe_value(text)}; allowed: a list of "group:NAME", "https://…" and '
            '"youtube:ID"',
        )


class TimedSourceListType(ConfigType):
    """A list of sources with times. Times without offset stay naive: the zone is another key."""

    _KINDS = ("youtube", "url", "iframe")
    _TIMES = ("from", "until")

    def parse(self, node: colander.SchemaNode, value: Any) -> tuple[TimedSource, ...]:
        if value is False or value is None:
            return ()
        if not isinstance(value, list):
            raise colander.Invalid(node, describe_invalid(value, "a list of sources"))
        sources = []
        for number, source in enumerate(value, 1):
            try:
                sources.append(self._parse_source(f"source {number}", source))
            except ValueError as error:
                raise colander.Invalid(node, str(error)) from None
        return tuple(sources)

    def _parse_source(self, location: str, source: Any) -> TimedSource:
        allowed = (*self._TIMES, *self._KINDS)
        if not isinstance(source, dict):
            allowed_source = 'an object such as {"from": "2026-11-25T09:00", "youtube": "ID"}'
            raise ValueError(f"{location}: {describe_invalid(source, allowed_source)}")
        unknown = next((key for key in source if key not in (*allowed, "")), None)
        if unknown is not None:
            raise ValueError(
                f"{location}: unknown key {describe_value(unknown)}; allowed: {', '.join(allowed)}"
            )
        kinds = [kind for kind in self._KINDS if kind in source]
        if len(kinds) != 1:
            raise ValueError(f"{location}: needs one of {', '.join(self._KINDS)}")
        values: dict[str, Any] = {}
        for key, parse in (
            ("from", parse_time),
            ("until", parse_time),
            (kinds[0], _parse_video_id if kinds[0] == "youtube" else _parse_absolute_url),
        ):
            try:
                values[key] = parse(source.get(key))
            except ValueError as error:
                raise ValueError(f"{location}, '{key}': {error}") from None
        return TimedSource(
            kind=kinds[0], value=values[kinds[0]], start=values["from"], until=values["until"]
        )


class RegionMapType(ConfigType):
    """An object of regions by name: their viewers, and the endpoints that these prefer."""

    def parse(self, node: colander.SchemaNode, value: Any) -> tuple[Region, ...]:
        if value is False or value is None:
            return ()
        if not isinstance(value, dict):
            raise colander.Invalid(node, describe_invalid(value, "an object of regions"))
        return tuple(self._parse_region(node, name, rules) for name, rules in value.items() if name)

    def _parse_region(self, node: colander.SchemaNode, name: str, rules: Any) -> Region:
        keys = ("networks", "places", "prefer")
        valid = isinstance(rules, dict) and set(rules) <= {*keys, ""}
        if not valid or not LABEL_PATTERN.fullmatch(name):
            raise colander.Invalid(
                node,
                f"{describe_value(name)}: allowed: a name of A-Z a-z 0-9 . _ : -, and an object "
                f"with {', '.join(keys)}",
            )
        texts = {key: TextListType().parse(node, rules.get(key)) for key in keys}
        try:
            networks = tuple(ipaddress.ip_network(text) for text in texts["networks"])
        except ValueError as error:
            raise colander.Invalid(
                node, f"{describe_value(name)}: {error}; allowed: networks such as 192.0.2.0/24"
            ) from None
        for text in (*texts["places"], *texts["prefer"]):
            if not LABEL_PATTERN.fullmatch(text):
                raise colander.Invalid(
                    node, f"{describe_value(name)}: {describe_value(text)} is not allowed"
                )
        return Region(
            name=name,
            networks=networks,
            places=frozenset(text.upper() for text in texts["places"]),
            prefer=texts["prefer"] or (name,),
        )


def _parse_video_id(value: Any) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not VIDEO_ID_PATTERN.fullmatch(text):
        raise ValueError(describe_invalid(value, ALLOWED_VIDEO_ID))
    return text


def _parse_absolute_url(value: Any) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not _is_absolute_url(text):
        raise ValueError(describe_invalid(value, "an http:// or https:// address"))
    return text


def _is_absolute_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False
    return has_host and _ABSOLUTE_URL.fullmatch(url) is not None
