"""What differs between two configurations, in words for the crew and the log."""

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from streaming_system.config.model import ConferenceConfig, Room, SiteConfig

# A hash of each value by part (``site``, ``default``, ``room hall``, ``theme``, …) and key. It
# contains no value, since the configuration has secrets.
Summary = dict[str, dict[str, str]]

_ROOM_PREFIX = "room "
# Not even a hash of it is stored: a short secret could be guessed from that.
_SECRET_KEYS = frozenset({"secret"})


def summarise_conference(conference: ConferenceConfig) -> Summary:
    """Return the summary of a configuration."""
    return {
        "site": _hash_fields(conference.site),
        "default": _hash_fields(conference.default),
        **{f"{_ROOM_PREFIX}{room.id}": _hash_fields(room) for room in conference.rooms.values()},
        "order of the rooms": {"ids": hash_value(tuple(conference.rooms))},
    }


def describe_differences(old: Mapping[str, Mapping[str, str]], new: Summary) -> list[str]:
    """Return one line for each part that differs."""
    return list(_describe(old, new))


def _describe(old: Mapping[str, Mapping[str, str]], new: Summary) -> Iterator[str]:
    added, removed = new.keys() - old.keys(), old.keys() - new.keys()
    for part in (*old, *(part for part in new if part not in old)):
        if part in added or part in removed:
            # A room more or less changes the list of the rooms as well, which goes without saying.
            yield f"{part}: {'added' if part in added else 'removed'}"
        elif old[part] != new[part]:
            if part.startswith("order") and (added | removed):
                continue
            yield _describe_part(part, old[part], new[part])


def _describe_part(part: str, old: Mapping[str, str], new: Mapping[str, str]) -> str:
    keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    if part in ("theme", "order of the rooms"):
        return f"{part}: {'added' if not old else 'changed' if new else 'removed'}"
    if part == "languages":
        words = [f"{key} {_verb(old, new, key)}" for key in keys]
        return f"{part}: {', '.join(words)}"
    return f"{part}: {', '.join(key.replace('_', '-') for key in keys)} changed"


def _verb(old: Mapping[str, str], new: Mapping[str, str], key: str) -> str:
    return "changed" if key in old and key in new else "added" if key in new else "removed"


def _hash_fields(part: SiteConfig | Room) -> dict[str, str]:
    return {
        field.name: hash_value(getattr(part, field.name))
        for field in dataclasses.fields(part)
        if field.name not in _SECRET_KEYS
    }


def hash_value(value: object) -> str:
    """Return a hash of a value, which is the same in every process."""
    text = json.dumps(value, default=_encode, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _encode(value: Any) -> Any:
    """Return a JSON value whose text is the same in every process."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return vars(value)
    if isinstance(value, frozenset):
        return sorted(value)
    return value.pattern if isinstance(value, re.Pattern) else str(value)
