"""Finds the room that a name in an address means: typed by hand, or from before it was renamed."""

import unicodedata
from collections.abc import Iterable, Mapping

from streaming_system.config import Room

MAX_NAME_CHARS = 200
# How names are written with ASCII letters. The plain letter is found as well.
_TRANSCRIPTIONS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "æ": "ae", "œ": "oe"}
)
_LETTERS_WITHOUT_DECOMPOSITION = str.maketrans({"ø": "o", "æ": "a", "œ": "o", "ł": "l", "đ": "d"})


class RoomNames:
    """Room ids by the names of the rooms.

    An id has precedence over a former id, and that over a title. A name of two rooms means none.

    :param rooms: by id.
    """

    def __init__(self, rooms: Mapping[str, Room]) -> None:
        self._rooms = rooms
        self._ids_by_key: dict[str, str | None] = {}
        self._add({room.id: [room.id] for room in rooms.values()})
        self._add({room.id: room.former_ids for room in rooms.values()})
        self._add({room.id: room.names for room in rooms.values()})

    def find(self, name: str) -> str | None:
        """Return the id of the room; ``None`` if no room has that name."""
        if name in self._rooms:
            return name
        if len(name) > MAX_NAME_CHARS:
            return None
        return next(filter(None, map(self._ids_by_key.get, _keys(name))), None)

    def _add(self, names_by_id: Mapping[str, Iterable[str]]) -> None:
        added: dict[str, str | None] = {}
        for room_id, names in names_by_id.items():
            for key in {key for name in names for key in _keys(name)}:
                added[key] = None if key in added else room_id
        self._ids_by_key = {**added, **self._ids_by_key}


def _keys(name: str) -> list[str]:
    """Return the letters and digits of a name in two spellings, without case and accents."""
    text = unicodedata.normalize("NFC", name.casefold())
    spellings = text.translate(_LETTERS_WITHOUT_DECOMPOSITION), text.translate(_TRANSCRIPTIONS)
    keys = ("".join(filter(str.isalnum, unicodedata.normalize("NFKD", one))) for one in spellings)
    return [key for key in dict.fromkeys(keys) if key]
