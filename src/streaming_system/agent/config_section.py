"""A section of agent.ini: texts become values, and mistakes become one line."""

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

_BITRATE_PATTERN = re.compile(r"([0-9]{1,14}|[0-9]{1,8}\.[0-9]{1,3})\s*([kKMG]?)")
_BITRATE_FACTORS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}
MAX_BITRATE = 10**13
_BYTE_SIZE_PATTERN = re.compile(r"([0-9]{1,14})\s*([kKMG]?)")
MAX_SECRET_CHARS = 1000


class AgentConfigError(Exception):
    """An agent.ini that cannot be used, with one line that says where and what is allowed."""


class ConfigSection:
    """One section. It remembers which keys were asked for: others are mistakes."""

    def __init__(self, file: Path, name: str, values: Mapping[str, str]) -> None:
        self.file, self.name = file, name
        self._values = values
        self._known: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return bool(self._values.get(key, "").strip())

    def error(self, key: str, value: str, allowed: str) -> AgentConfigError:
        """Return the error of a key, to be raised."""
        shown = ascii(value)[:80] if value else "missing"
        return AgentConfigError(
            f"{self.file.name}: [{self.name}] {key}: is {shown}; allowed: {allowed}"
        )

    def text(self, key: str, default: str | None = None, allowed: str = "one line") -> str:
        """Return a value of one line; without a default, it must be there."""
        self._known.add(key)
        value = self._values.get(key, "").strip()
        if not value and default is None:
            raise self.error(key, "", allowed)
        if not value.isprintable():
            raise self.error(key, value, "one line")
        return value or default or ""

    def lines(self, key: str) -> tuple[str, ...]:
        """Return the lines of a value that are not empty and no remarks."""
        self._known.add(key)
        lines = (line.strip() for line in self._values.get(key, "").splitlines())
        return tuple(line for line in lines if line and not line.startswith("#"))

    def distinct(self, key: str, values: Sequence[str], what: str) -> None:
        """Refuse what stands in a value twice.

        :param what: each of them is.
        """
        for value in values:
            if values.count(value) > 1:
                raise self.error(key, value, f"every {what} once only")

    def pattern(
        self, key: str, pattern: re.Pattern[str], allowed: str, default: str | None = None
    ) -> str:
        """Return a value that fits a pattern, or the default."""
        value = self.text(key, default, allowed)
        if value != default and not pattern.fullmatch(value):
            raise self.error(key, value, allowed)
        return value

    def number(self, key: str, default: float, *, least: float, most: float) -> float:
        """Return a number within bounds."""
        value = self.text(key, str(default))
        allowed = f"a number, {least:g} to {most:g}"
        if not re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,9})?", value):
            raise self.error(key, value, allowed)
        if not least <= float(value) <= most:
            raise self.error(key, value, allowed)
        return float(value)

    def whole(self, key: str, default: int, *, least: int, most: int) -> int:
        """Return a whole number within bounds."""
        number = self.number(key, default, least=least, most=most)
        if number != int(number):
            raise self.error(key, str(number), f"a whole number, {least} to {most}")
        return int(number)

    def flag(self, key: str, default: bool) -> bool:
        """Return whether something is wanted."""
        value = self.text(key, "yes" if default else "no")
        if value not in ("yes", "no", "true", "false"):
            raise self.error(key, value, "yes or no")
        return value in ("yes", "true")

    def bits(self, key: str) -> int | None:
        """Return a number of bit/s, such as 10G or 2500k; ``None`` if it is not given."""
        value = self.text(key, "")
        return self.as_bits(key, value) if value else None

    def as_bits(self, key: str, value: str) -> int:
        """Return a text of a value as bit/s."""
        fits = _BITRATE_PATTERN.fullmatch(value)
        bits = 0
        if fits:
            factor = "k" if fits[2] == "K" else fits[2]
            bits = round(float(fits[1]) * _BITRATE_FACTORS[factor])
        if not 1 <= bits <= MAX_BITRATE:
            raise self.error(key, value, "bit/s, such as 2500k, 10G or 10000000000")
        return bits

    def octets(self, key: str, default: str, *, least: int, most: int) -> int:
        """Return a number of bytes within bounds, such as 512k or 256M."""
        value = self.text(key, default)
        fits = _BYTE_SIZE_PATTERN.fullmatch(value)
        octets = int(fits[1]) * 1024 ** " KMG".index(fits[2].upper() or " ") if fits else 0
        if not least <= octets <= most:
            allowed = f"bytes, such as 512k or 256M, {_shown(least)} to {_shown(most)}"
            raise self.error(key, value, allowed)
        return octets

    def path(self, key: str) -> Path | None:
        """Return a path; one that is relative lies beside agent.ini."""
        value = self.text(key, "")
        return self.file.parent / value if value else None

    def url(self, key: str, default: str | None = None) -> str:
        """Return an address that begins with http:// or https://."""
        value = self.text(key, default, "an address that begins with http:// or https://")
        return self.http(value, key) if value else value

    def http(self, value: str, key: str) -> str:
        """Return an address without a final slash, if it is one."""
        allowed = "http:// or https://, a host, perhaps a port and a path, and nothing else"
        if not is_url(value, ("http", "https")) or re.search("[?@]", value):
            raise self.error(key, value, allowed)
        return value.rstrip("/")

    def address(self, key: str, *schemes: str) -> str:
        """Return a whole address as it stands, with a query if it has one."""
        allowed = f"an address that begins with {', '.join(f'{one}://' for one in schemes)}"
        value = self.text(key, None, allowed)
        if not is_url(value, schemes):
            raise self.error(key, value, allowed)
        return value

    def secret(self, key: str) -> str:
        """Return a secret: what stands there, or in the file that ``KEY.file`` names."""
        value, file = self.text(key, ""), self.path(f"{key}.file")
        if value and file:
            raise self.error(f"{key}.file", str(file), f"either {key} or {key}.file, not both")
        if not file:
            return value
        try:
            with file.open(encoding="ascii") as opened:
                value = opened.read(MAX_SECRET_CHARS + 1).strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not ASCII"
            raise self.error(
                f"{key}.file", str(file), f"a file that can be read, but {why}"
            ) from None
        if not value or len(value) > MAX_SECRET_CHARS or not value.isprintable():
            raise self.error(f"{key}.file", str(file), f"a file with one line, the {key}")
        return value

    def loopback(self, key: str, default: tuple[str, int]) -> tuple[str, int] | None:
        """Return a host and a port of this machine alone; ``None`` for ``off``."""
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

    def finish(self) -> None:
        """Refuse keys that nobody has asked for."""
        for key in self._values:
            if key not in self._known:
                # The value is not shown: it may be a secret whose key is misspelt.
                raise AgentConfigError(
                    f"{self.file.name}: [{self.name}] {key}: is no key; "
                    f"allowed: {', '.join(sorted(self._known))}"
                )


def _shown(octets: int) -> str:
    for power, letter in ((3, "G"), (2, "M"), (1, "k")):
        if octets % 1024**power == 0:
            return f"{octets // 1024**power}{letter}"
    return str(octets)


def is_url(value: str, schemes: Iterable[str]) -> bool:
    """Tell whether a text is a whole address, of one of these schemes."""
    try:
        parts = urlsplit(value)
        good = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    # Visible ASCII, without "#" and "\\".
    return good and re.fullmatch(r'[!"$-\[\]-~]{1,2000}', value) is not None
