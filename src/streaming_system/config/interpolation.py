"""References in room values: ``%(key)s`` stands for another key's value."""

import re
from collections.abc import Mapping
from typing import Any

# Keys whose value may be an object with one text per language.
LOCALIZED_KEYS = ("title", "conference")
_REFERENCE = re.compile(r"%\(([^()]*)\)s")


def interpolate(room_id: str, key: str, values: Mapping[str, Any]) -> Any:
    """Return a value with its references replaced; ``%(group)s`` is the room's id.

    Other percent signs stay as they are: URLs contain many.

    :raises ValueError: for a reference to an unknown key, and for a circular reference.
    """

    def replace_references(value: Any, visited: tuple[str, ...]) -> Any:
        if isinstance(value, dict) and key in LOCALIZED_KEYS:
            return {name: replace_references(text, visited) for name, text in value.items()}
        if not isinstance(value, str):
            return value
        return _REFERENCE.sub(lambda match: resolve(match[1], visited), value)

    def resolve(name: str, visited: tuple[str, ...]) -> str:
        if name == "group":
            return room_id
        if name not in values or isinstance(values[name], list | dict):
            raise ValueError(
                f"%({name})s names no text; "
                "use %(group)s for the room's id, or another key of the room"
            )
        if name in visited:
            raise ValueError(f"%({name})s refers to itself")
        return str(replace_references(values[name], (*visited, name)) or "")

    return replace_references(values[key], (key,))
