"""Fields of numbers and flags."""

import re
from typing import Any

from streaming_system.util.validation.base import Field

MAX_BITRATE = 10**13  # bit/s: ten times the capacity of the largest links.

_BITRATE = re.compile(r"([0-9]{1,14}|[0-9]{1,8}\.[0-9]{1,3})\s*([kKMG]?)")
_BITRATE_FACTORS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}
_TRUE_WORDS = frozenset({"true", "yes", "on", "1"})
_FALSE_WORDS = frozenset({"false", "no", "off", "0"})
_BYTE_SIZE = re.compile(r"([0-9]{1,14})\s*([kKMG]?)")


def is_number(value: Any) -> bool:
    """Return whether a value is a number; booleans are not, although Python counts them."""
    return isinstance(value, int | float) and not isinstance(value, bool)


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
