"""What the crew has changed on the web: one file, which overrides the organisers' files.

``{"rooms": {ID: {KEY: VALUE}}, "order": [ID, …], "previous": [{"at": TIME, "account": NAME,
"change": TEXT, "rooms": …, "order": …}]}``. A key of a room is one of
:data:`KEYS`, with the value that the organisers' files would have; ``previous`` has what the last
changes replaced, the newest last.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from streaming_system.config.model import ConfigError
from streaming_system.util.atomic_write import atomic_write
from streaming_system.util.private_files import FILE_MODE, make_private_folder

KEYS = ("title", "message", "closed", "sources")
DEFAULT_NAME = "config.overrides.json"
# The number of changes that can be undone.
MAX_PREVIOUS = 50


@dataclass(frozen=True, kw_only=True)
class PreviousState:
    """What a change has replaced.

    :param at: the time of the change, in ISO 8601.
    :param change: a description of it.
    """

    at: str
    account: str
    change: str
    rooms: Mapping[str, Mapping[str, Any]]
    order: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Overrides:
    """The content of the file.

    :param rooms: the changed values by room and key.
    :param order: the order of the rooms; those that it lacks come last.
    :param previous: newest last.
    """

    rooms: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    previous: tuple[PreviousState, ...] = ()


def overrides_file(settings: Mapping[str, str]) -> Path:
    """Return the file that the ini file names; by default, it is beside the private one."""
    named = settings.get("config.overrides")
    return Path(named) if named else Path(settings["config.private"]).with_name(DEFAULT_NAME)


def load_overrides(path: Path) -> Overrides:
    """Return the content of the file; nothing if it does not exist.

    :raises ConfigError: if it is invalid.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        previous = tuple(
            PreviousState(**{**state, "order": _parse_order(state["order"])})
            for state in document["previous"]
        )
        overrides = Overrides(
            rooms=document["rooms"], order=_parse_order(document["order"]), previous=previous
        )
        for state in previous:
            datetime.fromisoformat(state.at)
        for rooms in (overrides.rooms, *(state.rooms for state in previous)):
            _validate_rooms(rooms)
    except FileNotFoundError:
        return Overrides()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigError(
            f"{path}: is not what the crew's pages write ({error!s:.80}); delete it to return to "
            "the configuration"
        ) from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    return overrides


def save_overrides(path: Path, overrides: Overrides) -> None:
    """Replace the file atomically.

    :raises OSError: if it cannot be written; the old file is unchanged.
    """
    document = asdict(overrides) | {
        "previous": [asdict(state) for state in overrides.previous[-MAX_PREVIOUS:]]
    }
    make_private_folder(path.parent)
    with atomic_write(path, mode=FILE_MODE) as file:
        file.write(json.dumps(document, ensure_ascii=False, indent=1).encode())


def _parse_order(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(room, str) for room in value):
        raise TypeError("order is no list of rooms")
    return tuple(value)


def _validate_rooms(rooms: Any) -> None:
    for room, values in rooms.items():
        if unknown := set(values) - set(KEYS):
            raise ValueError(f"{room}: unknown key {min(unknown)}")
