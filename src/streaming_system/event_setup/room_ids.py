"""Derives the ids of rooms from their names."""

import re
import unicodedata
from collections.abc import Iterable, Mapping

from streaming_system.config import RESERVED_ROOM_IDS

MAX_ID_CHARS = 40


def derive_room_ids(names: Iterable[str]) -> Mapping[str, str]:
    """Return an id for each name: unique, and none that the site uses itself."""
    names_by_id: dict[str, str] = {}
    for number, name in enumerate(names, 1):
        words = re.findall(r"[a-z0-9]+", _to_ascii(name).lower())
        stem = "_".join(words)[:MAX_ID_CHARS].strip("_") or f"room{number}"
        if stem in RESERVED_ROOM_IDS:
            stem = f"room_{stem}"
        room_id, repetition = stem, 2
        while room_id in names_by_id:
            room_id, repetition = f"{stem}_{repetition}", repetition + 1
        names_by_id[room_id] = name
    return {name: room_id for room_id, name in names_by_id.items()}


def _to_ascii(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.replace("ß", "ss"))
    return decomposed.encode("ascii", "ignore").decode()
