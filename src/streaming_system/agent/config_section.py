"""A section of agent.ini: converts and validates values, with one-line errors."""

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from streaming_system.util.suggestions import similar_name
from streaming_system.util.validation import (
    Bitrate,
    ByteSize,
    Field,
    Flag,
    Integer,
    InvalidValueError,
    Number,
    Url,
)

MAX_SECRET_CHARS = 1000
_BASE_URL = Url(
    base_only=True,
    allowed="http:// or https://, a host, perhaps a port and a path, and nothing else",
)


class AgentConfigError(Exception):
    """agent.ini is invalid; one line with the place and the allowed values."""


class ConfigSection:
    """One section. It records the keys that were requested: all other keys are unknown."""

    def __init__(self, file: Path, name: str, values: Mapping[str, str]) -> None:
        self.file, self.name = file, name
        self._values = values
        self._known_keys: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return bool(self._values.get(key, "").strip())

    def error(self, key: str, value: str, allowed: str) -> AgentConfigError:
        """Return an error about a key."""
        problem = ascii(value)[:80] if value else "missing"
        return AgentConfigError(
            f"{self.file.name}: [{self.name}] {key}: is {problem}; allowed: {allowed}"
        )

    def text(self, key: str, default: str | None = None, allowed: str = "one line") -> str:
        """Return a value of one line; without a default, it is required."""
        self._known_keys.add(key)
        value = self._values.get(key, "").strip()
        if not value and default is None:
            raise self.error(key, "", allowed)
        if not value.isprintable():
            raise self.error(key, value, "one line")
        return value or default or ""

    def lines(self, key: str) -> tuple[str, ...]:
        """Return the lines of a value without empty lines and comments."""
        self._known_keys.add(key)
        lines = (line.strip() for line in self._values.get(key, "").splitlines())
        return tuple(line for line in lines if line and not line.startswith("#"))

    def require_unique(self, key: str, values: Sequence[str], noun: str) -> None:
        """Reject duplicates.

        :param noun: what each value is, for the error.
        """
        for value in values:
            if values.count(value) > 1:
                raise self.error(key, value, f"every {noun} once only")

    def pattern(
        self, key: str, pattern: re.Pattern[str], allowed: str, default: str | None = None
    ) -> str:
        """Return a value that matches a pattern, or the default."""
        value = self.text(key, default, allowed)
        if value != default and not pattern.fullmatch(value):
            raise self.error(key, value, allowed)
        return value

    def parse(self, key: str, field: Field, default: str | None = None) -> Any:
        """Return a value that a field parses."""
        return self.parse_value(key, field, self.text(key, default, field.allowed))

    def parse_value(self, key: str, field: Field, value: str) -> Any:
        """Return a part of a value that a field parses."""
        try:
            return field.parse(value)
        except InvalidValueError as error:
            raise self.error(key, value, error.allowed) from None

    def number(self, key: str, default: float, *, minimum: float, maximum: float) -> float:
        """Return a number within bounds."""
        allowed = f"a number, {minimum:g} to {maximum:g}"
        number: float = self.parse(key, Number(minimum, maximum, allowed=allowed), str(default))
        return number

    def integer(self, key: str, default: int, *, minimum: int, maximum: int) -> int:
        """Return an integer within bounds."""
        integer: int = self.parse(key, Integer(minimum, maximum), str(default))
        return integer

    def flag(self, key: str, default: bool) -> bool:
        """Return a boolean."""
        return bool(self.parse(key, Flag("yes or no"), "yes" if default else "no"))

    def bitrate(self, key: str) -> int | None:
        """Return a bitrate in bit/s, such as 10G or 2500k; ``None`` if the key is missing."""
        value = self.text(key, "")
        return self.parse_bitrate(key, value) if value else None

    def parse_bitrate(self, key: str, value: str) -> int:
        """Return a bitrate in bit/s."""
        bitrate: int = self.parse_value(key, Bitrate(), value)
        return bitrate

    def byte_size(self, key: str, default: str, *, minimum: int, maximum: int) -> int:
        """Return a number of bytes within bounds, such as 512k or 256M."""
        size: int = self.parse(key, ByteSize(minimum, maximum), default)
        return size

    def path(self, key: str) -> Path | None:
        """Return a path; a relative path is relative to the folder of agent.ini."""
        value = self.text(key, "")
        return self.file.parent / value if value else None

    def url(self, key: str, default: str | None = None) -> str:
        """Return an http or https URL without a final slash."""
        value = self.text(key, default, "an address that begins with http:// or https://")
        return self.base_url(key, value) if value else value

    def base_url(self, key: str, value: str) -> str:
        """Return a validated http or https URL without a final slash."""
        url: str = self.parse_value(key, _BASE_URL, value)
        return url

    def full_url(self, key: str, *schemes: str) -> str:
        """Return a required URL unchanged; it may have a query."""
        url: str = self.parse(key, Url(*schemes))
        return url

    def secret(self, key: str) -> str:
        """Return a secret from the key, or from the file that ``KEY.file`` names."""
        value, file = self.text(key, ""), self.path(f"{key}.file")
        if value and file:
            raise self.error(f"{key}.file", str(file), f"either {key} or {key}.file, not both")
        if not file:
            return value
        try:
            with file.open(encoding="ascii") as stream:
                value = stream.read(MAX_SECRET_CHARS + 1).strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not ASCII"
            raise self.error(
                f"{key}.file", str(file), f"a file that can be read, but {reason}"
            ) from None
        if not value or len(value) > MAX_SECRET_CHARS or not value.isprintable():
            raise self.error(f"{key}.file", str(file), f"a file with one line, the {key}")
        return value

    def loopback_address(self, key: str, default: tuple[str, int]) -> tuple[str, int] | None:
        """Return a loopback address and a port; ``None`` for ``off``."""
        value = self.text(key, "")
        if not value:
            return default
        if value == "off":
            return None
        host, _, port = value.rpartition(":")
        try:
            address = ipaddress.ip_address(host.strip("[]"))
            if not address.is_loopback or not port.isdigit() or not 0 <= int(port) <= 65535:
                raise ValueError(value)
        except ValueError:
            allowed = "a loopback address and a port, such as 127.0.0.1:9180, or off"
            raise self.error(key, value, allowed) from None
        return str(address), int(port)

    def reject_unknown_keys(self) -> None:
        """Reject keys that were not requested."""
        for key in self._values:
            if key not in self._known_keys:
                # The value may be a secret whose key is misspelt, so the error omits it.
                near = similar_name(key, self._known_keys)
                hint = f"; did you mean {near!r}?" if near else ""
                raise AgentConfigError(
                    f"{self.file.name}: [{self.name}] {key}: is no key; "
                    f"allowed: {', '.join(sorted(self._known_keys))}{hint}"
                )


def is_url(value: str, schemes: Iterable[str]) -> bool:
    """Return whether a text is an absolute URL with one of the schemes."""
    return Url(*schemes).is_valid(value)
