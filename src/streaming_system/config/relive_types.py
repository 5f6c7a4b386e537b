"""The key ``relive``: where talks that have ended can be watched again."""

from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import colander

from streaming_system.config.field_types import NO_VALUE, ConfigType, InvalidItems
from streaming_system.config.relive_source import ReliveSource
from streaming_system.util.file_name_times import FileNamePattern
from streaming_system.util.json_syntax import Path
from streaming_system.util.suggestions import did_you_mean
from streaming_system.util.validation import (
    InvalidValueError,
    TimeZone,
    WebAddress,
    describe_invalid,
    describe_value,
)

KINDS = ("hls", "mediamtx", "files", "index")
# The other keys of each kind.
_OPTIONS = {
    "hls": ("clock-offset",),
    "mediamtx": ("path", "clock-offset"),
    "files": ("names", "timezone", "clock-offset"),
    "index": (),
}
_REQUIRED = {"mediamtx": ("path",), "files": ("names",)}
MAX_CLOCK_OFFSET_SECONDS = 3600
MAX_PATTERN_CHARS = 200
# Browsers play these without a library.
MEDIA_TYPES = {".mp4": "video/mp4", ".m4v": "video/mp4", ".webm": "video/webm"}
_EXAMPLE = 'an object such as {"hls": "https://cdn.example.org/{room}/dvr.m3u8"}, with one of '


class ReliveSourceType(ConfigType):
    """An object with the address of a source, and how to find talks there."""

    def parse(self, node: colander.SchemaNode, value: Any) -> ReliveSource | None:
        if value in (False, None, ""):
            return None
        if not isinstance(value, dict):
            allowed = f"{_EXAMPLE}{', '.join(KINDS)}"
            raise colander.Invalid(node, describe_invalid(value, allowed))
        kinds = [kind for kind in KINDS if kind in value]
        if len(kinds) != 1:
            raise colander.Invalid(node, f"needs one of {', '.join(KINDS)}")
        kind = kinds[0]
        allowed_keys = (kind, *_OPTIONS[kind])
        problems: list[tuple[Path, str]] = [
            (
                (key,),
                f"unknown key {describe_value(key)} beside {kind!r}; "
                f"{did_you_mean(key, allowed_keys)}allowed: {', '.join(allowed_keys)}",
            )
            for key in value
            if key not in (*allowed_keys, "")
        ]
        problems += [((), f"needs {key!r}") for key in _REQUIRED.get(kind, ()) if key not in value]
        parsed: dict[str, Any] = {}
        for key in allowed_keys:
            if key in value:
                try:
                    parsed[key] = _PARSERS[key](value[key])
                except ValueError as error:
                    problems.append(((key,), f"{key!r}: {error}"))
        if problems:
            raise InvalidItems(node, problems, valid=None)
        return ReliveSource(
            kind=kind,
            url=parsed[kind],
            path=parsed.get("path", ""),
            names=parsed.get("names", ""),
            timezone=parsed.get("timezone") or ZoneInfo("UTC"),
            clock_offset=parsed.get("clock-offset", 0.0),
        )

    def json_schema(self) -> dict[str, Any]:
        text = {"type": "string", "minLength": 1}
        address = {"type": "string", "pattern": r"^[hH][tT][tT][pP][sS]?://[^\s]+$"}
        limit = MAX_CLOCK_OFFSET_SECONDS
        source = {
            "type": "object",
            "properties": {
                "": True,
                "hls": address | {"description": "a playlist with EXT-X-PROGRAM-DATE-TIME"},
                "mediamtx": address | {"description": "the playback server of MediaMTX"},
                "files": address | {"description": "nginx's list of recordings, as JSON"},
                "index": address | {"description": "a JSON list of talks, as C3VOC has it"},
                "path": text | {"description": "the name of the stream in MediaMTX"},
                "names": text | {"description": "names of files, with the start as in strftime"},
                "timezone": text | {"description": "of times in names of files; default: UTC"},
                "clock-offset": {
                    "type": "number",
                    "minimum": -limit,
                    "maximum": limit,
                    "description": "seconds that the clock of the recording is fast",
                },
            },
            "additionalProperties": False,
            "oneOf": [{"required": [kind, *_REQUIRED.get(kind, ())]} for kind in KINDS],
        }
        return {"anyOf": [source, {"enum": ["", *NO_VALUE["enum"]]}]}


def _parse_address(value: Any) -> str:
    field = WebAddress("absolute")
    text = value.strip() if isinstance(value, str) else value
    try:
        address = field.validate(text)
    except InvalidValueError as error:
        raise ValueError(describe_invalid(value, error.allowed)) from None
    if not urlsplit(address).scheme or "#" in address:
        raise ValueError(describe_invalid(value, "an https:// or http:// address"))
    return str(address)


def _parse_folder(value: Any) -> str:
    address = _parse_address(value)
    return address if "?" in address or address.endswith("/") else f"{address}/"


def _parse_playlist(value: Any) -> str:
    address = _parse_address(value)
    if not urlsplit(address).path.lower().endswith(".m3u8"):
        raise ValueError(describe_invalid(value, "the address of a playlist, which ends in .m3u8"))
    return address


def _parse_stream_path(value: Any) -> str:
    text = value.strip().strip("/") if isinstance(value, str) else ""
    if not text or not text.isprintable() or " " in text or len(text) > MAX_PATTERN_CHARS:
        raise ValueError(describe_invalid(value, "the name of the stream, such as live/{room}"))
    return text


def _parse_names(value: Any) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not text or not text.isprintable() or "/" in text or len(text) > MAX_PATTERN_CHARS:
        example = "the name of a file without folder, such as {room}-%Y-%m-%d_%H-%M-%S.mp4"
        raise ValueError(describe_invalid(value, example))
    if PurePosixPath(text).suffix.lower() not in MEDIA_TYPES:
        raise ValueError(
            describe_invalid(value, f"names that end in {', '.join(MEDIA_TYPES)}")
            + "; browsers play no .flv or .ts: convert each file when its recording ends "
            "(exec_record_done)"
        )
    try:
        FileNamePattern(text).validate()
    except ValueError as error:
        raise ValueError(f"{describe_value(value)} {error}") from None
    return text


def _parse_zone(value: Any) -> ZoneInfo:
    try:
        return TimeZone().validate(value)
    except InvalidValueError as error:
        raise ValueError(describe_invalid(value, error.allowed)) from None


def _parse_clock_offset(value: Any) -> float:
    limit = MAX_CLOCK_OFFSET_SECONDS
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not -limit <= value <= limit:
        raise ValueError(describe_invalid(value, f"a number of seconds, -{limit} to {limit}"))
    return float(value)


_PARSERS = {
    "hls": _parse_playlist,
    "mediamtx": _parse_address,
    "files": _parse_folder,
    "index": _parse_address,
    "path": _parse_stream_path,
    "names": _parse_names,
    "timezone": _parse_zone,
    "clock-offset": _parse_clock_offset,
}
