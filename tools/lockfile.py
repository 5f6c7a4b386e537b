"""Parses the lock files that `make lock` writes."""

import re
from dataclasses import dataclass
from pathlib import Path

LOCK = Path(__file__).parent.parent / "requirements.txt"
# The optional packages.
EXTRAS = LOCK.with_name("requirements-extras.txt")
_PIN = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==(?P<version>[^\s;\\]+)")


@dataclass(frozen=True)
class Pin:
    """A locked package, and the SHA-256 of each of its files."""

    name: str
    version: str
    hashes: tuple[str, ...]


def parse_lock(path=LOCK):
    """Return all packages of a lock file, sorted by name.

    :raises SystemExit: a line is not a locked package.
    """
    text = re.sub(r"\\\n", " ", path.read_text(encoding="utf-8"))
    pins = []
    for line in text.splitlines():
        line = line.partition(" #")[0].strip()
        if not line or line.startswith("#"):
            continue
        pin = _PIN.match(line)
        hashes = re.findall(r"--hash=sha256:([0-9a-f]{64})", line)
        if pin is None or not hashes:
            raise SystemExit(f"{path}: {line:.80}: not a locked package with a hash; run make lock")
        pins.append(Pin(pin["name"], pin["version"], tuple(hashes)))
    return sorted(pins, key=lambda pin: pin.name.lower())
