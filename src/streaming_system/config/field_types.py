"""The field types of the configuration, for colander and JSON Schema."""

import ipaddress
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import colander

from streaming_system.config.model import LocalNetwork
from streaming_system.util.json_syntax import Path
from streaming_system.util.validation import (
    Field,
    InvalidValueError,
    RoomId,
    TimeZone,
    describe_invalid,
    describe_value,
)

ORIGIN_PATTERN = r"https?://(?:\*\.)?[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)*(?::[0-9]{1,5})?"
HLS_PLAYLIST_PATTERN = r"(?:[A-Za-z0-9._~-]|\{room\})+(?:/(?:[A-Za-z0-9._~-]|\{room\})+)*"
_LOCAL_ADDRESSES = (
    'allowed: a list of networks such as "192.0.2.0/24", and of patterns such as '
    '"^192\\\\.0\\\\.2\\\\."'
)
_NETWORK = re.compile(r"[0-9.]*[0-9]/[0-9]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:/[0-9]+)?")
# Letters that no address has, outside of escapes such as \d.
_NAME = re.compile(r"(?<![\\?])[g-zG-Z]{2}")
# Values that stand for none.
NO_VALUE = {"enum": [False, None]}


class InvalidItems(colander.Invalid):
    """A value with several problems, each with the keys and indexes that lead to it.

    :param valid: the items without a problem; the value of an object is ``None``.
    """

    def __init__(
        self,
        node: colander.SchemaNode,
        problems: Sequence[tuple[Path, str]],
        valid: Any = (),
    ) -> None:
        super().__init__(node, [message for _, message in problems])
        self.problems, self.valid = problems, valid


def problems_of(error: colander.Invalid) -> Sequence[tuple[Path, str]]:
    """Return the problems of a value."""
    if isinstance(error, InvalidItems):
        return error.problems
    return [((), message) for message in error.messages()]


class ConfigType(colander.SchemaType, ABC):
    """The base of the field types: a missing value becomes the node's ``missing``."""

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        return cstruct if cstruct is colander.null else self.parse(node, cstruct)

    @abstractmethod
    def parse(self, node: colander.SchemaNode, value: Any) -> Any:
        """Return the validated value.

        :raises colander.Invalid: with the allowed values.
        """

    @abstractmethod
    def json_schema(self) -> dict[str, Any]:
        """Return the type as JSON Schema."""


class TextType(ConfigType):
    """Text, or ``false`` for none.

    :param field: the field of the text, unless it is "".
    """

    def __init__(self, field: Field | None = None) -> None:
        self._field = field

    def parse(self, node: colander.SchemaNode, value: Any) -> Any:
        if value is False or value is None:
            return ""
        if not isinstance(value, str):
            raise colander.Invalid(node, describe_invalid(value, "text in quotes, or false"))
        text = value.strip()
        return ConfigFieldType(self._field).parse(node, text) if self._field and text else text

    def json_schema(self) -> dict[str, Any]:
        text = {"type": "string"}
        if self._field is None:
            return {"anyOf": [text, NO_VALUE]}
        return {"anyOf": [self._field.json_schema(), {"const": ""}, NO_VALUE]}


class SecretType(TextType):
    """A text that messages do not quote."""

    def parse(self, node: colander.SchemaNode, value: Any) -> Any:
        if value is not None and value is not False and not isinstance(value, str):
            raise colander.Invalid(node, "must be text in quotes, or false")
        return super().parse(node, value)


class ConfigFieldType(ConfigType):
    """Adapts a field of :mod:`streaming_system.util.validation`."""

    def __init__(self, field: Field) -> None:
        self._field = field

    def parse(self, node: colander.SchemaNode, value: Any) -> Any:
        try:
            return self._field.validate(value)
        except InvalidValueError as error:
            raise colander.Invalid(node, describe_invalid(value, error.allowed)) from None

    def json_schema(self) -> dict[str, Any]:
        return self._field.json_schema()


class TextListType(ConfigType):
    """A list of texts, or one text. Empty texts are dropped."""

    def parse(self, node: colander.SchemaNode, value: Any) -> tuple[Any, ...]:
        if value is False or value is None:
            return ()
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise colander.Invalid(node, describe_invalid(value, "a list of texts"))
        is_list = isinstance(value, list)
        items, problems = [], []
        for index, text in enumerate(texts):
            if text.strip():
                try:
                    items.append(self.parse_item(text.strip()))
                except ValueError as error:
                    problems.append(((index,) if is_list else (), str(error)))
        if problems:
            raise InvalidItems(node, problems, tuple(items))
        return tuple(items)

    def parse_item(self, text: str) -> Any:
        """Return the value of one text.

        :raises ValueError: with the text and the allowed values.
        """
        return text

    def item_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of one text."""
        return {"type": "string"}

    def json_schema(self) -> dict[str, Any]:
        item = {"anyOf": [self.item_schema(), {"const": ""}]}
        return {"anyOf": [{"type": "array", "items": item}, item, NO_VALUE]}


class LocalAddressListType(TextListType):
    """A list of networks, addresses and regular expressions of addresses."""

    def parse_item(self, text: str) -> LocalNetwork | re.Pattern[str]:
        """Return the network, or else the compiled pattern."""
        try:
            return ipaddress.ip_network(text)
        except ValueError as error:
            if _NETWORK.fullmatch(text):
                is_near = "host bits" in str(error)
                allowed = ipaddress.ip_network(text, strict=False) if is_near else "192.0.2.0/24"
                raise ValueError(
                    f"{describe_value(text)} is no network; allowed: a network such as {allowed}"
                ) from None
        try:
            pattern = re.compile(text)
        except re.error as error:
            raise ValueError(
                f"{describe_value(text)} is no regular expression ({error}); {_LOCAL_ADDRESSES}"
            ) from None
        if _NAME.search(text):
            raise ValueError(f"{describe_value(text)} matches no address; {_LOCAL_ADDRESSES}")
        return pattern

    def item_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of one text."""
        return {"type": "string", "format": "regex"}


class GroupListType(TextListType):
    """A list of names with the syntax of room ids."""

    def parse_item(self, text: str) -> str:
        """Return the name."""
        if not RoomId().is_valid(text):
            raise ValueError(f"{describe_value(text)}; allowed: names of 1 to 64 of A-Z a-z 0-9 _")
        return text

    def item_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of one text."""
        return RoomId().json_schema()


class OriginListType(TextListType):
    """A list of origins: scheme, host and port."""

    def parse_item(self, text: str) -> str:
        """Return the origin."""
        if text == "*" or re.fullmatch(ORIGIN_PATTERN, text, re.IGNORECASE | re.ASCII):
            return text
        note = " (browsers accept no IPv6 address there: give it a name)" if "://[" in text else ""
        raise ValueError(
            f"{describe_value(text)}{note}; allowed: a list of sites without a path, such as "
            '"https://blog.example.org" or "https://*.example.com", or "*" for all'
        )

    def item_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of one text."""
        return {"type": "string", "pattern": rf"^(?:\*|{ORIGIN_PATTERN})$"}


class HlsPlaylistType(TextType):
    """The path of a room's HLS playlist below an endpoint's base URL."""

    def parse(self, node: colander.SchemaNode, value: Any) -> Any:
        path = super().parse(node, value)
        if not re.fullmatch(HLS_PLAYLIST_PATTERN, path, re.ASCII):
            raise colander.Invalid(
                node,
                describe_invalid(
                    value,
                    "a path below an endpoint's base URL, such as stream.m3u8 or {room}/index.m3u8",
                ),
            )
        return path

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{HLS_PLAYLIST_PATTERN}$"}


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

    def json_schema(self) -> dict[str, Any]:
        columns = {"type": "object", "additionalProperties": {"type": "string"}}
        return {"anyOf": [columns, {"const": False}]}


class ValidatedType(ConfigType):
    """A type whose function converts values, or raises ``ValueError`` with the allowed values.

    :param schema: the type as JSON Schema.
    """

    def __init__(self, convert: Callable[[Any], Any], schema: dict[str, Any]) -> None:
        self._convert, self._schema = convert, schema

    def parse(self, node: colander.SchemaNode, value: Any) -> Any:
        try:
            return self._convert(value)
        except ValueError as error:
            raise colander.Invalid(node, str(error)) from None

    def json_schema(self) -> dict[str, Any]:
        return {"anyOf": [self._schema, {"enum": ["", False, None]}]}


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
