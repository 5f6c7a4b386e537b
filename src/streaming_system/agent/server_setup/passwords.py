"""The passwords of a server, which a second run preserves."""

import json
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from streaming_system.agent.server_setup.errors import ServerSetupError

PASSWORD_FILE = "passwords.json"  # noqa: S105 - It is the name of a file.
PASSWORD_BYTES = 24
_PASSWORD_PATTERN = re.compile(r"[A-Za-z0-9_-]{8,200}")


def _generate_password() -> str:
    # Its characters need no escapes in URLs, XML, YAML and shell scripts.
    return secrets.token_urlsafe(PASSWORD_BYTES)


@dataclass(frozen=True, kw_only=True)
class Passwords:
    """Random passwords.

    :param source: of encoders for all other mounts; no encoder has it.
    :param rooms: of encoders, by room.
    """

    admin: str = field(default_factory=_generate_password, repr=False)
    relay: str = field(default_factory=_generate_password, repr=False)
    source: str = field(default_factory=_generate_password, repr=False)
    rooms: Mapping[str, str] = field(default_factory=dict, repr=False)

    def format_json(self) -> str:
        """Return the text of the file that :func:`load_passwords` loads."""
        return json.dumps(asdict(self), indent=4) + "\n"


def load_passwords(folder: Path, rooms: Iterable[str]) -> Passwords:
    """Return the passwords of a folder, and new ones for what has none.

    :raises ServerSetupError: if the file cannot be read or is damaged.
    """
    file = folder / PASSWORD_FILE
    try:
        known = _parse_passwords(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        known = {}
    except OSError as error:
        raise ServerSetupError(f"{file}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ServerSetupError(
            f"{file}: {error}; restore it, or delete it for new passwords"
        ) from None
    known_rooms = known.pop("rooms", {})
    return Passwords(
        **known, rooms={room: known_rooms.get(room) or _generate_password() for room in rooms}
    )


def _parse_passwords(document: Any) -> dict[str, Any]:
    names = {field.name for field in fields(Passwords)}
    if not isinstance(document, dict) or set(document) != names:
        raise ValueError(f"is no object with the keys {', '.join(sorted(names))}")
    rooms = document["rooms"]
    passwords = [*document.values(), *rooms.values()] if isinstance(rooms, dict) else [None]
    for password in passwords:
        if password is rooms:
            continue
        if not isinstance(password, str) or not _PASSWORD_PATTERN.fullmatch(password):
            raise ValueError("a password has other characters than 8 to 200 of A-Z a-z 0-9 _ -")
    return document
