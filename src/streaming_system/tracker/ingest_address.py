"""The addresses that encoders publish to, from the ini file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

# "ROOM = URL", or a URL for all other rooms.
_LINE = re.compile(r"(?:(?P<room>[A-Za-z0-9_]{1,64})\s*=\s*)?(?P<url>\S+)")


@dataclass(frozen=True, kw_only=True)
class IngestAddress:
    """The address for one protocol; ``{room}`` in it is the placeholder of the room's id.

    :param default: "" if only some rooms have an address.
    """

    default: str = ""
    by_room: Mapping[str, str] = field(default_factory=dict)

    def url(self, room: str) -> str:
        """Return the URL for a room; "" if it has none."""
        return self.by_room.get(room, self.default).replace("{room}", room)


def parse_ingest_address(text: str, schemes: tuple[str, ...]) -> IngestAddress:
    """Parse a value of the ini file: lines of ``URL`` or ``ROOM = URL``.

    :raises ValueError: if it is invalid.
    """
    by_room: dict[str, str] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        match = _LINE.fullmatch(line)
        room = (match and match["room"]) or ""
        if match is None or room in by_room:
            raise ValueError(line)
        by_room[room] = _validate_url(match["url"], schemes)
    return IngestAddress(default=by_room.pop("", ""), by_room=by_room)


def _validate_url(url: str, schemes: tuple[str, ...]) -> str:
    parts = urlsplit(url)
    is_valid = parts.scheme in schemes and parts.hostname and not parts.username
    # Encoders get it in a command line. The port raises ValueError if it is invalid.
    if not is_valid or not url.isascii() or not url.isprintable() or parts.port == 0:
        raise ValueError(url)
    return url.rstrip("/")
