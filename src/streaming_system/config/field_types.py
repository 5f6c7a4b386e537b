"""The field types of the configuration, for colander."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import colander

from streaming_system.util.validation import (
    Field,
    InvalidValueError,
    RoomId,
    TimeZone,
    describe_invalid,
    describe_value,
)

_ORIGIN = re.compile(
    r"https?://(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::[0-9]{1,5})?", re.ASCII | re.IGNORECASE
)
LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*", re.ASCII)
_HLS_PLAYLIST = re.compile(
    r"(?:[A-Za-z0-9._~-]|\{room\})+(?:/(?:[A-Za-z0-9._~-]|\{room\})+)*", re.ASCII
)


class ConfigType(colander.SchemaType):
    """The base of the field types: a missing value becomes the node's ``missing``."""

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        return cstruct if cstruct is colander.null else self.parse(node, cstruct)

    def parse(self, node: colander.SchemaNode, value: Any) -> Any:
        """Return the validated value.

        :raises colander.Invalid: with the allowed values.
        """
        raise NotImplementedError


class TextType(ConfigType):
    """Text, or ``false`` for none."""

    def parse(self, node: colander.SchemaNode, value: Any) -> Any:
        if value is False or value is None:
            return ""
        if not isinstance(value, str):
            raise colander.Invalid(node, describe_invalid(value, "text in quotes, or false"))
        return value.strip()


class LocalizedTextType(TextType):
    """A text, or an object with one text per language; the result is a text or a mapping."""

    def parse(self, node: colander.SchemaNode, value: Any) -> Any:
        if not isinstance(value, dict):
            return super().parse(node, value)
        texts = {key: text.strip() for key, text in value.items() if isinstance(text, str)}
        valid = all(LANGUAGE_TAG.fullmatch(tag) and text for tag, text in texts.items())
        if not valid or not texts or len(texts) != len(value):
            raise colander.Invalid(
                node,
                describe_invalid(
                    value, 'a text, or one per language, such as {"en": "Hall", "de": "Saal"}'
                ),
            )
        return texts


class ConfigFieldType(ConfigType):
    """Adapts a field of :mod:`streaming_system.util.validation`."""

    def __init__(self, field: Field) -> None:
        self._field = field

    def parse(self, node: colander.SchemaNode, value: Any) -> Any:
        try:
            return self._field.validate(value)
        except InvalidValueError as error:
            raise colander.Invalid(node, describe_invalid(value, error.allowed)) from None


class TextListType(ConfigType):
    """A list of texts, or one text. Empty texts are dropped."""

    def parse(self, node: colander.SchemaNode, value: Any) -> tuple[Any, ...]:
        if value is False or value is None:
            return ()
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise colander.Invalid(node, describe_invalid(value, "a list of texts"))
        return tuple(text.strip() for text in texts if text.strip())


class RegexListType(TextListType):
    """A list of regular expressions; the result is compiled."""

    def parse(self, node: colander.SchemaNode, value: Any) -> tuple[Any, ...]:
        patterns = []
        for text in super().parse(node, value):
            try:
                patterns.append(re.compile(text))
            except re.error as error:
                raise colander.Invalid(
                    node,
                    f"{describe_value(text)} is no regular expression ({error}); allowed: a list "
                    'of patterns such as "^192\\\\.0\\\\.2\\\\."',
                ) from None
        return tuple(patterns)


class GroupListType(TextListType):
    """A list of names with the syntax of room ids."""

    def parse(self, node: colander.SchemaNode, value: Any) -> tuple[Any, ...]:
        names = super().parse(node, value)
        for name in names:
            if not RoomId().is_valid(name):
                raise colander.Invalid(
                    node, f"{describe_value(name)}; allowed: names of 1 to 64 of A-Z a-z 0-9 _"
                )
        return names


class LanguageListType(TextListType):
    """A list of languages."""

    def parse(self, node: colander.SchemaNode, value: Any) -> tuple[Any, ...]:
        tags = super().parse(node, value)
        folded = [tag.lower() for tag in tags]
        for tag in tags:
            if not LANGUAGE_TAG.fullmatch(tag) or folded.count(tag.lower()) > 1:
                raise colander.Invalid(
                    node,
                    f'{describe_value(tag)}; allowed: a list of languages such as ["de", "en"], '
                    "each once",
                )
        return tags


class OriginListType(TextListType):
    """A list of origins: scheme, host and port."""

    def parse(self, node: colander.SchemaNode, value: Any) -> tuple[Any, ...]:
        origins = super().parse(node, value)
        for origin in origins:
            if origin != "*" and not _ORIGIN.fullmatch(origin):
                raise colander.Invalid(
                    node,
                    f"{describe_value(origin)}; allowed: a list of sites without a path, such as "
                    '"https://blog.example.org" or "https://*.example.com", or "*" for all',
                )
        return origins


class HlsPlaylistType(TextType):
    """The path of a room's HLS playlist below an endpoint's base URL."""

    def parse(self, node: colander.SchemaNode, value: Any) -> Any:
        path = super().parse(node, value)
        if not _HLS_PLAYLIST.fullmatch(path):
            raise colander.Invalid(
                node,
                describe_invalid(
                    value,
                    "a path below an endpoint's base URL, such as stream.m3u8 or {room}/index.m3u8",
                ),
            )
        return path


class TimeZoneType(TextType):
    """The name of a time zone, or ``false`` for none."""

    def parse(self, node: colander.SchemaNode, value: Any) -> Any:
        name = super().parse(node, value)
        return ConfigFieldType(TimeZone()).parse(node, name) if name else None


class ColumnMapType(ConfigType):
    """An object of texts: the column of each field."""

    def parse(self, node: colander.SchemaNode, value: Any) -> dict[str, str]:
        valid = isinstance(value, dict) and all(isinstance(text, str) for text in value.values())
        if value is not False and not valid:
            raise colander.Invalid(
                node, describe_invalid(value, 'an object of texts such as {"room": "Room"}')
            )
        return dict(value or {})


class ValidatedType(ConfigType):
    """A type whose function converts values, or raises ``ValueError`` with the allowed values."""

    def __init__(self, convert: Callable[[Any], Any]) -> None:
        self._convert = convert

    def parse(self, node: colander.SchemaNode, value: Any) -> Any:
        try:
            return self._convert(value)
        except ValueError as error:
            raise colander.Invalid(node, str(error)) from None


def parse_time(value: Any) -> datetime | None:
    """Return an ISO 8601 time, naive without offset; ``None`` for ``false`` and ``null``.

    :raises ValueError: with the allowed values.
    """
    if value is None or value is False:
        return None
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        allowed = "a time such as 2026-11-25T09:00 or 2026-11-25T09:00+01:00"
        raise ValueError(describe_invalid(value, allowed)) from None
