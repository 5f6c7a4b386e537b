"""The field types of fallbacks, timed sources and regions."""

import ipaddress
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import colander

from streaming_system.config.field_types import (
    NO_VALUE,
    ConfigType,
    InvalidItems,
    TextListType,
    parse_time,
)
from streaming_system.config.model import Fallback, Region, TimedSource
from streaming_system.util.json_syntax import Path
from streaming_system.util.suggestions import did_you_mean
from streaming_system.util.validation import (
    InvalidValueError,
    RoomId,
    StreamUrl,
    describe_invalid,
    describe_value,
)

LABEL_PATTERN = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
VIDEO_ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
ALLOWED_VIDEO_ID = "the id of a video, such as dQw4w9WgXcQ"
# The value appears in a Content-Security-Policy header and in front of paths, so it must not
# contain separators of either.
_PLAYER_URL_PATTERN = r"https?://[A-Za-z0-9.:\[\]_-]+(?:[/?][^\s\x00-\x20\x7f\"<>]*)?"
_TEXT_LIST_SCHEMA: dict[str, Any] = TextListType().json_schema()


class FallbackListType(TextListType):
    """A list of fallbacks of a room's endpoints."""

    def parse_item(self, text: str) -> Fallback:
        """Return the fallback."""
        kind, _, name = text.partition(":")
        if kind == "group" and RoomId().is_valid(name):
            return Fallback(kind="group", value=name)
        if kind == "youtube" and VIDEO_ID_PATTERN.fullmatch(name):
            return Fallback(kind="youtube", value=name)
        try:
            return Fallback(kind="url", value=StreamUrl().validate(text))
        except InvalidValueError as error:
            allowed = error.allowed
            if allowed == StreamUrl.allowed:
                allowed = 'a list of "group:NAME", "https://…" and "youtube:ID"'
            raise ValueError(f"{describe_value(text)}; allowed: {allowed}") from None

    def item_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of one fallback."""
        names = r"^(?:group:[A-Za-z0-9_]{1,64}|youtube:[A-Za-z0-9_-]{1,64})$"
        return {"anyOf": [{"type": "string", "pattern": names}, StreamUrl().json_schema()]}


class TimedSourceListType(ConfigType):
    """A list of sources with times. Times without offset stay naive: the zone is another key."""

    _KINDS = ("youtube", "url", "iframe")
    _TIMES = ("from", "until")

    def parse(self, node: colander.SchemaNode, value: Any) -> tuple[TimedSource, ...]:
        if value is False or value is None:
            return ()
        if not isinstance(value, list):
            raise colander.Invalid(node, describe_invalid(value, "a list of sources"))
        sources: list[TimedSource] = []
        problems: list[tuple[Path, str]] = []
        for index, item in enumerate(value):
            parsed = self._parse_source(item)
            if isinstance(parsed, TimedSource):
                sources.append(parsed)
            else:
                location = f"source {index + 1}"
                problems += [
                    ((index, *path), f"{location}{f', {path[0]!r}' if path else ''}: {message}")
                    for path, message in parsed
                ]
        if problems:
            raise InvalidItems(node, problems)
        return tuple(sources)

    def _parse_source(self, source: Any) -> TimedSource | list[tuple[Path, str]]:
        """Return the source, or its problems."""
        allowed = (*self._TIMES, *self._KINDS)
        if not isinstance(source, dict):
            allowed_source = 'an object such as {"from": "2026-11-25T09:00", "youtube": "ID"}'
            return [((), describe_invalid(source, allowed_source))]
        problems: list[tuple[Path, str]] = [
            (
                (),
                f"unknown key {describe_value(key)}; {did_you_mean(key, allowed)}"
                f"allowed: {', '.join(allowed)}",
            )
            for key in source
            if key not in (*allowed, "")
        ]
        kinds = [kind for kind in self._KINDS if kind in source]
        if len(kinds) != 1:
            return [*problems, ((), f"needs one of {', '.join(self._KINDS)}")]
        values: dict[str, Any] = {}
        parsers: tuple[tuple[str, Callable[[Any], Any]], ...] = (
            ("from", parse_time),
            ("until", parse_time),
            (kinds[0], _STREAM_PARSERS[kinds[0]]),
        )
        for key, parse in parsers:
            try:
                values[key] = parse(source.get(key))
            except ValueError as error:
                problems.append(((key,), str(error)))
        if problems:
            return problems
        return TimedSource(
            kind=kinds[0], value=values[kinds[0]], start=values["from"], until=values["until"]
        )

    def json_schema(self) -> dict[str, Any]:
        time = {"anyOf": [{"type": "string", "examples": ["2026-11-25T09:00"]}, NO_VALUE]}
        source = {
            "type": "object",
            "properties": {
                "": True,
                "from": time | {"description": "when it begins"},
                "until": time | {"description": "when it ends"},
                "youtube": {
                    "type": "string",
                    "pattern": rf"^\s*{VIDEO_ID_PATTERN.pattern}\s*$",
                    "description": "the id of a video",
                },
                "url": StreamUrl().json_schema() | {"description": "the streams of a CDN"},
                "iframe": {
                    "type": "string",
                    "pattern": f"^{_PLAYER_URL_PATTERN}$",
                    "description": "the page of any other player",
                },
            },
            "additionalProperties": False,
            "oneOf": [{"required": [kind]} for kind in self._KINDS],
        }
        return {"anyOf": [{"type": "array", "items": source}, NO_VALUE]}


class RegionMapType(ConfigType):
    """An object of regions by name: their viewers, and the endpoints that these prefer."""

    _KEYS = ("networks", "places", "prefer")

    def parse(self, node: colander.SchemaNode, value: Any) -> tuple[Region, ...]:
        if value is False or value is None:
            return ()
        if not isinstance(value, dict):
            raise colander.Invalid(node, describe_invalid(value, "an object of regions"))
        regions: list[Region] = []
        problems: list[tuple[Path, str]] = []
        for name, rules in value.items():
            try:
                regions.append(self._parse_region(node, name, rules))
            except colander.Invalid as error:
                problems.append(((name,), error.messages()[0]))
        if problems:
            raise InvalidItems(node, problems)
        return tuple(regions)

    def _parse_region(self, node: colander.SchemaNode, name: str, rules: Any) -> Region:
        keys = self._KEYS
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

    def json_schema(self) -> dict[str, Any]:
        region = {
            "type": "object",
            "properties": {"": True, **dict.fromkeys(self._KEYS, _TEXT_LIST_SCHEMA)},
            "additionalProperties": False,
        }
        regions = {
            "type": "object",
            "properties": {"": True},
            "patternProperties": {f"^{LABEL_PATTERN.pattern}$": region},
            "additionalProperties": False,
        }
        return {"anyOf": [regions, NO_VALUE]}


def _parse_video_id(value: Any) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not VIDEO_ID_PATTERN.fullmatch(text):
        raise ValueError(describe_invalid(value, ALLOWED_VIDEO_ID))
    return text


def _parse_stream_url(value: Any) -> str:
    try:
        return StreamUrl().validate(value.strip() if isinstance(value, str) else value)
    except InvalidValueError as error:
        raise ValueError(describe_invalid(value, error.allowed)) from None


def _parse_player_url(value: Any) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not _is_player_url(text):
        raise ValueError(describe_invalid(value, "an http:// or https:// address"))
    return text


def _is_player_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False
    return has_host and re.fullmatch(_PLAYER_URL_PATTERN, url) is not None


_STREAM_PARSERS: dict[str, Callable[[Any], Any]] = {
    "youtube": _parse_video_id,
    "url": _parse_stream_url,
    "iframe": _parse_player_url,
}
