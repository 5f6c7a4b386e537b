"""Types of JSON values that are strict, bounded, and able to describe themselves.

One object reads what a caller sends and writes its part of the OpenAPI document, so that the
document cannot promise what the tracker does not hold.
"""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

import colander

MAX_CLIENTS = 10_000_000
MAX_BITRATE = 10**13  # bit/s, ten times the largest link there is.

# What a person may read in one line: no control characters (PostgreSQL takes no NUL, terminals
# take orders from escapes), and none that change the direction of text.
_LINE_PATTERN = r"^[^\u0000-\u001F\u007F-\u009F\u2028-\u202E\u2066-\u2069]*$"
# A name is also a part of addresses: "." and ".." are none.
_IDENTIFIER_PATTERN = r"^[A-Za-z0-9:][A-Za-z0-9._:-]{0,63}$"
# No user, no query and no fragment; "{room}" may stand for a room's id.
_URL_PATTERN = (
    r"^https?://([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?"
    r"(/([A-Za-z0-9._~!$&()*+,;=:@%/-]|\{room\})*)?$"
)
_HOST_PATTERN = r"^([A-Za-z0-9.-]{1,253}|[0-9A-Fa-f:.]{2,45})$"
_SURROGATES = re.compile("[\ud800-\udfff]")
_DNS_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)")
# Within this century; what Python's own clock cannot count (a leap second) is out.
_RFC3339_PATTERN = (
    r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)


class StrictObject(colander.Mapping):
    """A JSON object with declared members and no others."""

    def __init__(self) -> None:
        super().__init__(unknown="raise")

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        if cstruct is colander.null:
            return cstruct
        if not isinstance(cstruct, dict):
            raise colander.Invalid(node, "allowed: an object")
        values = _deserialize_fast(node, cstruct)
        if values is not None:
            return values
        known = {child.name for child in node.children}
        unknown = [name for name in cstruct if name not in known]
        try:
            values = super().deserialize(node, {k: v for k, v in cstruct.items() if k in known})
        except colander.Invalid as error:
            refusal = error
        else:
            if not unknown:
                return values
            refusal = colander.Invalid(node)
        for name in unknown[:10]:
            stray = colander.SchemaNode(colander.String(), name=name[:64])
            refusal.add(colander.Invalid(stray, "there is no such member"))
        raise refusal


def _deserialize_fast(node: colander.SchemaNode, sent: dict[Any, Any]) -> dict[str, Any] | None:
    """Return the values of an object in which nothing is wrong; ``None`` where something may be.

    It is a short cut: what colander does for each member costs more than to look at it.
    """
    values, found = {}, 0
    try:
        for child in node.children:
            name = child.name
            if name in sent:
                found += 1
                if child.children or child.validator is not None or child.preparer is not None:
                    values[name] = child.deserialize(sent[name])
                else:
                    values[name] = child.typ.deserialize(child, sent[name])
            elif child.missing is colander.drop:
                continue
            elif child.missing is colander.required or child.missing is colander.null:
                return None
            else:
                values[name] = child.missing
    except colander.Invalid:
        # With all that is wrong, and not only the first.
        return None
    return values if found == len(sent) else None


class ApiSchema(colander.MappingSchema):
    """An object of the API. Its class name and docstring are those of the document."""

    schema_type = StrictObject
    # What the validator holds besides, as JSON Schema says it.
    also: ClassVar[Mapping[str, Any]] = {}


class Text(colander.SchemaType):
    """A text of one line, or one that fits ``pattern`` (for Python and JavaScript alike).

    :param allowed: what may stand there, for people.
    """

    def __init__(
        self, most: int, *, least: int = 0, pattern: str = _LINE_PATTERN, allowed: str = ""
    ) -> None:
        self.least, self.most, self.pattern = least, most, pattern
        self._matches = re.compile(pattern.removesuffix("$")).fullmatch
        self.allowed = allowed or f"one line of {least} to {most} characters"

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        if cstruct is colander.null:
            return cstruct
        if not isinstance(cstruct, str) or not self._fits(cstruct):
            raise colander.Invalid(node, f"allowed: {self.allowed}")
        return cstruct

    def _fits(self, text: str) -> bool:
        return (
            self.least <= len(text) <= self.most
            # "$" alone would let a final line break through.
            and self._matches(text) is not None
            # JSON can spell halves of characters, which no database takes.
            and (text.isascii() or _SURROGATES.search(text) is None)
        )

    def json_schema(self, node: colander.SchemaNode) -> dict[str, Any]:
        return {
            "type": "string",
            "minLength": self.least,
            "maxLength": self.most,
            "pattern": self.pattern,
        }


class Identifier(Text):
    """What identifies an endpoint, a region, a tag, a quality, a machine."""

    def __init__(self) -> None:
        super().__init__(
            64, least=1, pattern=_IDENTIFIER_PATTERN, allowed="1 to 64 of A-Z a-z 0-9 . _ : -"
        )


class RoomId(Text):
    """The id of a room, as the configuration allows it."""

    def __init__(self) -> None:
        super().__init__(
            64, least=1, pattern="^[A-Za-z0-9_]{1,64}$", allowed="1 to 64 of A-Z a-z 0-9 _"
        )


class Host(Text):
    """An IP address or a name in the DNS."""

    def __init__(self) -> None:
        super().__init__(
            253, least=1, pattern=_HOST_PATTERN, allowed="an IP address or a host name"
        )

    def _fits(self, text: str) -> bool:
        return super()._fits(text) and is_host(text)

    def json_schema(self, node: colander.SchemaNode) -> dict[str, Any]:
        formats = [{"format": name} for name in ("hostname", "ipv4", "ipv6")]
        return {**super().json_schema(node), "anyOf": formats}


class BaseUrl(Text):
    """The address that all streams of an endpoint begin with; it ends with a slash."""

    def __init__(self) -> None:
        super().__init__(
            500,
            least=8,
            pattern=_URL_PATTERN,
            allowed="http:// or https://, a host, perhaps a port and a path, and no user, query "
            "or fragment",
        )

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        url = super().deserialize(node, cstruct)
        return url if url is colander.null or url.endswith("/") else f"{url}/"

    def _fits(self, text: str) -> bool:
        if not super()._fits(text):
            return False
        try:
            parts = urlsplit(text)
            return is_host(parts.hostname or "") and parts.port != 0
        except ValueError:
            # A port above 65535, or brackets around what is no address.
            return False


def is_host(text: str) -> bool:
    """Tell whether a text is an IP address or could be a name in the DNS."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        labels = text.removesuffix(".").split(".")
        # What ends in a number is a mistyped address, not a name.
        return all(map(_DNS_LABEL.fullmatch, labels)) and not labels[-1].isdigit()
    return True


class DisplayText(colander.SchemaType):
    """A text of ours for people, in answers only."""

    def json_schema(self, node: colander.SchemaNode) -> dict[str, Any]:
        return {"type": "string"}


class BoundedInteger(colander.SchemaType):
    """A whole number within bounds. 3.0 is one, as JSON Schema has it; true is none."""

    def __init__(self, least: int, most: int) -> None:
        self.least, self.most = least, most

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        if cstruct is colander.null:
            return cstruct
        number = isinstance(cstruct, int | float) and not isinstance(cstruct, bool)
        if not number or not self.least <= cstruct <= self.most or cstruct != int(cstruct):
            raise colander.Invalid(node, f"allowed: a whole number, {self.least} to {self.most}")
        return int(cstruct)

    def json_schema(self, node: colander.SchemaNode) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


class BoundedNumber(colander.SchemaType):
    """A number within bounds."""

    def __init__(self, least: float, most: float) -> None:
        self.least, self.most = least, most

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        if cstruct is colander.null:
            return cstruct
        number = isinstance(cstruct, int | float) and not isinstance(cstruct, bool)
        if not number or not self.least <= cstruct <= self.most:
            raise colander.Invalid(node, f"allowed: a number, {self.least} to {self.most}")
        return float(cstruct)

    def json_schema(self, node: colander.SchemaNode) -> dict[str, Any]:
        return {"type": "number", "minimum": self.least, "maximum": self.most}


class StrictBoolean(colander.SchemaType):
    """True or false."""

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        if cstruct is colander.null or isinstance(cstruct, bool):
            return cstruct
        raise colander.Invalid(node, "allowed: true or false")

    def json_schema(self, node: colander.SchemaNode) -> dict[str, Any]:
        return {"type": "boolean"}


class Choice(colander.SchemaType):
    """One of some texts."""

    def __init__(self, *values: str) -> None:
        self.values = values

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        if cstruct is colander.null:
            return cstruct
        if not isinstance(cstruct, str) or cstruct not in self.values:
            raise colander.Invalid(node, f"allowed: {', '.join(self.values)}")
        return cstruct

    def json_schema(self, node: colander.SchemaNode) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.values)}


class Rfc3339DateTime(colander.SchemaType):
    """A time with its offset from UTC, as RFC 3339 writes it, within this century."""

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        if cstruct is colander.null:
            return cstruct
        try:
            if not re.fullmatch(_RFC3339_PATTERN.removesuffix("$"), cstruct):
                raise ValueError(cstruct)
            moment = datetime.fromisoformat(cstruct)
        # A February has no 30th.
        except (TypeError, ValueError):
            raise colander.Invalid(
                node, "allowed: a time with its offset, such as 2026-08-22T12:00:00Z"
            ) from None
        return moment.astimezone(UTC)

    def json_schema(self, node: colander.SchemaNode) -> dict[str, Any]:
        return {"type": "string", "format": "date-time", "pattern": _RFC3339_PATTERN}


class Nullable(colander.SchemaType):
    """Another type's values, or null."""

    def __init__(self, of: Any) -> None:
        self.of = of

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        return None if cstruct is None else self.of.deserialize(node, cstruct)

    def json_schema(self, node: colander.SchemaNode) -> dict[str, Any]:
        described = self.of.json_schema(node)
        if "enum" in described:
            described["enum"] = [*described["enum"], None]
        return {**described, "type": [described["type"], "null"]}


class BoundedList(colander.SchemaType):
    """A list of at most ``most`` values of one type."""

    def __init__(self, of: Any, most: int, *, distinct: bool = True) -> None:
        self.of = of if isinstance(of, colander.SchemaNode) else colander.SchemaNode(of)
        self.most, self.distinct = most, distinct

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        if cstruct is colander.null:
            return cstruct
        if not isinstance(cstruct, list) or len(cstruct) > self.most:
            raise colander.Invalid(node, f"allowed: a list of at most {self.most}")
        values = self._each(node, cstruct)
        if self.distinct and len(set(values)) < len(values):
            raise colander.Invalid(node, "allowed: every value once only")
        return values

    def _each(self, node: colander.SchemaNode, cstruct: Sequence[Any]) -> list[Any]:
        values, refusal = [], colander.Invalid(node)
        for number, value in enumerate(cstruct):
            try:
                values.append(self.of.deserialize(value))
            except colander.Invalid as error:
                error.positional = True
                refusal.add(error, number)
        if refusal.children:
            raise refusal
        return values

    def json_schema(self, node: colander.SchemaNode) -> dict[str, Any]:
        return {
            "type": "array",
            "items": self.of,
            "maxItems": self.most,
            **({"uniqueItems": True} if self.distinct else {}),
        }
