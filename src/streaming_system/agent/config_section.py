"""A section of agent.ini: converts and validates values, with one-line errors."""

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

_BITRATE_PATTERN = re.compile(r"([0-9]{1,14}|[0-9]{1,8}\.[0-9]{1,3})\s*([kKMG]?)")
_BITRATE_FACTORS = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9}
MAX_BITRATE = 10**13
_BYTE_SIZE_PATTERN = re.compile(r"([0-9]{1,14})\s*([kKMG]?)")
MAX_SECRET_CHARS = 1000


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

    def number(self, key: str, default: float, *, minimum: float, maximum: float) -> float:
        """Return a number within bounds."""
        value = self.text(key, str(default))
        allowed = f"a number, {minimum:g} to {maximum:g}"
        if not re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,9})?", value):
            raise self.error(key, value, allowed)
        if not minimum <= float(value) <= maximum:
            raise self.error(key, value, allowed)
        return float(value)

    def integer(self, key: str, default: int, *, minimum: int, maximum: int) -> int:
        """Return an integer within bounds."""
        number = self.number(key, default, minimum=minimum, maximum=maximum)
        if number != int(number):
            raise self.error(key, str(number), f"a whole number, {minimum} to {maximum}")
        return int(number)

    def flag(self, key: str, default: bool) -> bool:
        """Return a boolean."""
        value = self.text(key, "yes" if default else "no")
        if value not in ("yes", "no", "true", "false"):
            raise self.error(key, value, "yes or no")
        return value in ("yes", "true")

    def bitrate(self, key: str) -> int | None:
        """Return a bitrate in bit/s, such as 10G or 2500k; ``None`` if the key is missing."""
        value = self.text(key, "")
        return self.parse_bitrate(key, value) if value else None

    def parse_bitrate(self, key: str, value: str) -> int:
        """Return a bitrate in bit/s."""
        match = _BITRATE_PATTERN.fullmatch(value)
        bitrate = round(float(match[1]) * _BITRATE_FACTORS[match[2]]) if match else 0
        if not 1 <= bitrate <= MAX_BITRATE:
            raise self.error(key, value, "bit/s, such as 2500k, 10G or 10000000000")
        return bitrate

    def byte_size(self, key: str, default: str, *, minimum: int, maximum: int) -> int:
        """Return a number of bytes within bounds, such as 512k or 256M."""
        value = self.text(key, default)
        match = _BYTE_SIZE_PATTERN.fullmatch(value)
        size = int(match[1]) * 1024 ** " KMG".index(match[2].upper() or " ") if match else 0
        if not minimum <= size <= maximum:
            bounds = f"{_format_byte_size(minimum)} to {_format_byte_size(maximum)}"
            raise self.error(key, value, f"bytes, such as 512k or 256M, {bounds}")
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
        allowed = "http:// or https://, a host, perhaps a port and a path, and nothing else"
        if not is_url(value, ("http", "https")) or re.search("[?@]", value):
            raise self.error(key, value, allowed)
        return value.rstrip("/")

    def full_url(self, key: str, *schemes: str) -> str:
        """Return a required URL unchanged; it may have a query."""
        allowed = f"an address that begins with {', '.join(f'{one}://' for one in schemes)}"
        value = self.text(key, None, allowed)
        if not is_url(value, schemes):
            raise self.error(key, value, allowed)
        return value

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
                raise AgentConfigError(
                    f"{self.file.name}: [{self.name}] {key}: is no key; "
                    f"allowed: {', '.join(sorted(self._known_keys))}"
                )


def _format_byte_size(size: int) -> str:
    for power, letter in ((3, "G"), (2, "M"), (1, "k")):
        if size % 1024**power == 0:
            return f"{size // 1024**power}{letter}"
    return str(size)


def is_url(value: str, schemes: Iterable[str]) -> bool:
    """Return whether a text is an absolute URL with one of the schemes."""
    try:
        parts = urlsplit(value)
        is_absolute = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    # Visible ASCII without "#" and "\\".
    return is_absolute and re.fullmatch(r'[!"$-\[\]-~]{1,2000}', value) is not None
