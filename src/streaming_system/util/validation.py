"""Field types: each validates values of one kind, and describes the allowed ones in one phrase.

Settings, configurations, themes and the API share them. A field raises
:class:`InvalidValueError`; the caller adds where the value was:
``KEY in the ini file is 'x'; allowed: a whole number, 1 to 5``.
"""

import ipaddress
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

# One line of text: no control characters (PostgreSQL refuses NUL, terminals obey escape sequences),
# and none that change the direction of text.
LINE_PATTERN = r"^[^\u0000-\u001F\u007F-\u009F\u2028-\u202E\u2066-\u2069]*$"
# An identifier is a path segment, too: it cannot be "." or "..".
IDENTIFIER_PATTERN = r"^[A-Za-z0-9:][A-Za-z0-9._:-]{0,63}$"
ROOM_ID_PATTERN = r"^[A-Za-z0-9_]{1,64}$"
HOST_PATTERN = r"^([A-Za-z0-9.-]{1,253}|[0-9A-Fa-f:.]{2,45})$"
# Years 2000 to 2099, and no leap seconds, which datetime does not support.
RFC3339_PATTERN = (
    r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
MAX_BITRATE = 10**13  # bit/s: ten times the capacity of the largest links.
MAX_VALUE_CHARS = 80

_SURROGATES = re.compile("[\ud800-\udfff]")
_DNS_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)")
_URL_CHARACTERS = re.compile(r'[!"$-\[\]-~]{1,2000}')  # Visible ASCII without "#" and "\".
_BITRATE = re.compile(r"([0-9]{1,14}|[0-9]{1,8}\.[0-9]{1,3})\s*([kKMG]?)")
_BITRATE_FACTORS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}
_TRUE_WORDS = frozenset({"true", "yes", "on", "1"})
_FALSE_WORDS = frozenset({"false", "no", "off", "0"})
_BYTE_SIZE = re.compile(r"([0-9]{1,14})\s*([kKMG]?)")


class InvalidValueError(ValueError):
    """A value that a field does not allow. Its text is ``allowed: …``.

    :ivar allowed: the allowed values, for people.
    """

    def __init__(self, allowed: str) -> None:
        super().__init__(f"allowed: {allowed}")
        self.allowed = allowed


def describe_value(value: Any) -> str:
    """Return a value for an error message: at most the first 80 characters of its repr."""
    return f"{value!r:.{MAX_VALUE_CHARS}}"


def describe_invalid(value: Any, allowed: str) -> str:
    """Return ``is VALUE; allowed: …`` in one line."""
    return f"is {describe_value(value)}; allowed: {allowed}"


class Field:
    """A type of values. Subclasses override :meth:`is_valid`, or :meth:`validate` if they convert.

    :ivar allowed: the allowed values, for people.
    """

    allowed = ""

    def is_valid(self, value: Any) -> bool:
        """Return whether a value is allowed."""
        raise NotImplementedError

    def validate(self, value: Any) -> Any:
        """Return the value of a JSON document, converted if need be.

        :raises InvalidValueError: if it is not allowed.
        """
        if not self.is_valid(value):
            raise self.error()
        return value

    def parse(self, text: str) -> Any:
        """Return the value of a text, such as one of an ini file.

        :raises InvalidValueError: if it is not allowed.
        """
        return self.validate(text)

    def json_schema(self) -> dict[str, Any]:
        """Return the field as JSON Schema."""
        raise NotImplementedError

    def error(self) -> InvalidValueError:
        """Return the error of an invalid value, to be raised."""
        return InvalidValueError(self.allowed)


class ParsedText(Field):
    """A text that a function converts.

    :param parse: returns the value, or raises ``ValueError``.
    """

    def __init__(self, parse: Callable[[str], Any], allowed: str) -> None:
        self._parse, self.allowed = parse, allowed

    def validate(self, value: Any) -> Any:
        try:
            if not isinstance(value, str):
                raise self.error()
            return self._parse(value)
        except ValueError:
            raise self.error() from None


class Text(Field):
    """A text that matches a pattern; by default, any text of one line.

    :param pattern: a regular expression for both Python and JavaScript.
    """

    def __init__(
        self,
        max_length: int,
        *,
        min_length: int = 0,
        pattern: str = LINE_PATTERN,
        allowed: str = "",
    ) -> None:
        self.min_length, self.max_length, self.pattern = min_length, max_length, pattern
        # "$" alone would also match before a final line break.
        self._fullmatch = re.compile(pattern.removesuffix("$")).fullmatch
        self.allowed = allowed or f"one line of {min_length} to {max_length} characters"

    def is_valid(self, value: Any) -> bool:
        return (
            isinstance(value, str)
            and self.min_length <= len(value) <= self.max_length
            and self._fullmatch(value) is not None
            # JSON can encode lone surrogates, which databases refuse.
            and (value.isascii() or _SURROGATES.search(value) is None)
        )

    def json_schema(self) -> dict[str, Any]:
        return {
            "type": "string",
            "minLength": self.min_length,
            "maxLength": self.max_length,
            "pattern": self.pattern,
        }


class PrintableText(Field):
    """A text of printable characters, which excludes control characters and unusual spaces."""

    def __init__(self, max_length: int) -> None:
        self.max_length = max_length
        self.allowed = f"1 to {max_length} printable characters"

    def is_valid(self, value: Any) -> bool:
        return isinstance(value, str) and 0 < len(value) <= self.max_length and value.isprintable()


class Identifier(Text):
    """The name of an endpoint, region, tag, quality or machine."""

    def __init__(self) -> None:
        super().__init__(
            64, min_length=1, pattern=IDENTIFIER_PATTERN, allowed="1 to 64 of A-Z a-z 0-9 . _ : -"
        )


class RoomId(Text):
    """The id of a room or a fallback group."""

    def __init__(self) -> None:
        super().__init__(
            64, min_length=1, pattern=ROOM_ID_PATTERN, allowed="1 to 64 of A-Z a-z 0-9 _"
        )


class Host(Text):
    """An IP address or a DNS name."""

    def __init__(self) -> None:
        super().__init__(
            253, min_length=1, pattern=HOST_PATTERN, allowed="an IP address or a host name"
        )

    def is_valid(self, value: Any) -> bool:
        return super().is_valid(value) and is_host(value)

    def json_schema(self) -> dict[str, Any]:
        formats = [{"format": name} for name in ("hostname", "ipv4", "ipv6")]
        return {**super().json_schema(), "anyOf": formats}


def is_host(text: str) -> bool:
    """Return whether a text is an IP address or a valid DNS name."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        labels = text.removesuffix(".").split(".")
        # A name whose last label is a number is a mistyped address.
        return all(map(_DNS_LABEL.fullmatch, labels)) and not labels[-1].isdigit()
    return True


class Url(Field):
    """An absolute URL of some schemes, in visible ASCII and without a fragment.

    :param base_only: refuses a user and a query, and removes the final slash.
    """

    def __init__(self, *schemes: str, base_only: bool = False, allowed: str = "") -> None:
        self._schemes, self._base_only = schemes or ("http", "https"), base_only
        prefixes = ", ".join(f"{scheme}://" for scheme in self._schemes)
        self.allowed = allowed or f"an address that begins with {prefixes}"

    def is_valid(self, value: Any) -> bool:
        if not isinstance(value, str) or not _URL_CHARACTERS.fullmatch(value):
            return False
        try:
            parts = urlsplit(value)
            complete = parts.scheme in self._schemes and parts.hostname and parts.port != 0
        except ValueError:
            # A port above 65535, or brackets around something that is not an address.
            return False
        return bool(complete) and not (self._base_only and re.search("[?@]", value))

    def validate(self, value: Any) -> Any:
        url = super().validate(value)
        return url.rstrip("/") if self._base_only else url


class Integer(Field):
    """An integer within bounds. 3.0 is one, as in JSON Schema; true is not."""

    def __init__(self, minimum: int, maximum: int, *, allowed: str = "") -> None:
        self.minimum, self.maximum = minimum, maximum
        self.allowed = allowed or f"a whole number, {minimum} to {maximum}"

    def is_valid(self, value: Any) -> bool:
        return (
            is_number(value) and self.minimum <= value <= self.maximum and bool(value == int(value))
        )

    def validate(self, value: Any) -> int:
        return int(super().validate(value))

    def parse(self, text: str) -> int:
        if not re.fullmatch("-?[0-9]{1,18}", text):
            raise self.error()
        return self.validate(int(text))

    def json_schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}


class Number(Field):
    """A number within bounds."""

    def __init__(self, minimum: float, maximum: float, *, allowed: str = "") -> None:
        self.minimum, self.maximum = minimum, maximum
        self.allowed = allowed or f"a number, {minimum} to {maximum}"

    def is_valid(self, value: Any) -> bool:
        # Comparisons with NaN are false.
        return is_number(value) and bool(self.minimum <= value <= self.maximum)

    def validate(self, value: Any) -> float:
        return float(super().validate(value))

    def parse(self, text: str) -> float:
        try:
            return self.validate(float(text))
        except ValueError:
            raise self.error() from None

    def json_schema(self) -> dict[str, Any]:
        return {"type": "number", "minimum": self.minimum, "maximum": self.maximum}


def is_number(value: Any) -> bool:
    """Return whether a value is a number; booleans are not, although Python counts them."""
    return isinstance(value, int | float) and not isinstance(value, bool)


class Flag(Field):
    """True or false; in ini files also yes, no, on, off, 1 and 0."""

    def __init__(self, allowed: str = "true or false") -> None:
        self.allowed = allowed

    def is_valid(self, value: Any) -> bool:
        return isinstance(value, bool)

    def parse(self, text: str) -> bool:
        word = text.lower()
        if word not in _TRUE_WORDS | _FALSE_WORDS:
            raise self.error()
        return word in _TRUE_WORDS

    def json_schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


class Choice(Field):
    """One of several texts."""

    def __init__(self, *values: str) -> None:
        self.values = values
        self.allowed = ", ".join(values)

    def is_valid(self, value: Any) -> bool:
        return isinstance(value, str) and value in self.values

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.values)}


class Nullable(Field):
    """The values of another field, or null."""

    def __init__(self, field: Field) -> None:
        self._field = field
        self.allowed = f"{field.allowed}, or null"

    def validate(self, value: Any) -> Any:
        return None if value is None else self._field.validate(value)

    def json_schema(self) -> dict[str, Any]:
        schema = self._field.json_schema()
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
        return {**schema, "type": [schema["type"], "null"]}


class Rfc3339DateTime(Field):
    """A time with its offset from UTC (RFC 3339), within this century; it is converted to UTC."""

    allowed = "a time with its offset, such as 2026-08-22T12:00:00Z"
    _fullmatch = staticmethod(re.compile(RFC3339_PATTERN.removesuffix("$")).fullmatch)

    def validate(self, value: Any) -> datetime:
        if not isinstance(value, str) or not self._fullmatch(value):
            raise self.error()
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except ValueError:
            # A day that the month does not have.
            raise self.error() from None

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date-time", "pattern": RFC3339_PATTERN}


class TimeZone(Field):
    """The name of a time zone in the IANA database."""

    allowed = "a name of the IANA database such as Europe/Berlin or UTC"

    def validate(self, value: Any) -> ZoneInfo:
        try:
            return ZoneInfo(value)
        except (TypeError, ValueError, KeyError, OSError):
            raise self.error() from None


class Bitrate(Field):
    """A bitrate as text, such as 2500k or 10G; the value is in bit/s."""

    allowed = "bit/s, such as 2500k, 10G or 10000000000"

    def validate(self, value: Any) -> int:
        match = _BITRATE.fullmatch(value) if isinstance(value, str) else None
        bits = 0
        if match:
            bits = round(float(match[1]) * _BITRATE_FACTORS[match[2].replace("K", "k")])
        if not 1 <= bits <= MAX_BITRATE:
            raise self.error()
        return bits


class ByteSize(Field):
    """A size as text, such as 512k or 256M (powers of 1024); the value is in bytes."""

    def __init__(self, minimum: int, maximum: int) -> None:
        self.minimum, self.maximum = minimum, maximum
        bounds = f"{_format_byte_size(minimum)} to {_format_byte_size(maximum)}"
        self.allowed = f"bytes, such as 512k or 256M, {bounds}"

    def validate(self, value: Any) -> int:
        match = _BYTE_SIZE.fullmatch(value) if isinstance(value, str) else None
        size = int(match[1]) * 1024 ** " KMG".index(match[2].upper() or " ") if match else 0
        if not self.minimum <= size <= self.maximum:
            raise self.error()
        return size


def _format_byte_size(size: int) -> str:
    for power, letter in ((3, "G"), (2, "M"), (1, "k")):
        if size % 1024**power == 0:
            return f"{size // 1024**power}{letter}"
    return str(size)
