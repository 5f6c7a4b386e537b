"""Fields of texts."""

import re
from collections.abc import Callable
from typing import Any

from streaming_system.util.validation.base import Field

# One line of text: no control characters (PostgreSQL refuses NUL, terminals obey escape sequences),
# and none that change the direction of text.
LINE_PATTERN = r"^[^\u0000-\u001F\u007F-\u009F\u2028-\u202E\u2066-\u2069]*$"
# An identifier is a path segment, too: it cannot be "." or "..".
IDENTIFIER_PATTERN = r"^[A-Za-z0-9:][A-Za-z0-9._:-]{0,63}$"
ROOM_ID_PATTERN = r"^[A-Za-z0-9_]{1,64}$"

_SURROGATES = re.compile("[\ud800-\udfff]")


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

    def json_schema(self) -> dict[str, Any]:
        return {
            "type": "string",
            "minLength": 1,
            "maxLength": self.max_length,
            "pattern": LINE_PATTERN,
        }


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


class Choice(Field):
    """One of several texts."""

    def __init__(self, *values: str) -> None:
        self.values = values
        self.allowed = ", ".join(values)

    def is_valid(self, value: Any) -> bool:
        return isinstance(value, str) and value in self.values

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.values)}
