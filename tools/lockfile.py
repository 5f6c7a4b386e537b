"""Reads requirements.txt and its like, as `make lock` writes them."""

import re
from dataclasses import dataclass
from pathlib import Path

LOCK = Path(__file__).parent.parent / "requirements.txt"
# What some sites have besides.
EXTRAS = LOCK.with_name("requirements-extras.txt")
_PIN = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==(?P<version>[^\s;\\]+)")


@dataclass(frozen=True)
class Pin:
    """A package that is locked, and the SHA-256 of each file that it may come in."""

    name: str
    version: str
    hashes: tuple[str, ...]


def pins(path=LOCK):
    """Return all packages of a lock, by name.

    :raises SystemExit: where a line is none of a lock.
    """
    text = re.sub(r"\\\n", " ", path.read_text(encoding="utf-8"))
    found = []
    for line in text.splitlines():
        line = line.partition(" #")[0].strip()
        if not line or line.startswith("#"):
            continue
        pin = _PIN.match(line)
        hashes = re.findall(r"--hash=sha256:([0-9a-f]{64})", line)
        if pin is None or not hashes:
            raise SystemExit(f"{path}: {line:.80}: is no locked package with a hash; run make lock")
        found.append(Pin(pin["name"], pin["version"], tuple(hashes)))
    return sorted(found, key=lambda pin: pin.name.lower())
