"""Identifiers of talks and people that stay the same over imports.

A talk's guid is that of its feed. Without one, it is derived from the title, so that it survives a
new time or room. Numbers are those of the feed, or derived from the guid: a new talk never
renumbers the others.
"""

import hashlib
import re
import uuid
from collections.abc import Collection, Iterable
from itertools import count
from typing import Any

MAX_NUMBER = 2**31 - 1

# Derived numbers are in the upper half of the range, where feeds rarely have numbers of their own.
_FIRST_DERIVED_NUMBER = 2**30
_NAMESPACE = uuid.UUID("7d1f6f2e-35c0-5d68-9f52-2f7f6c8e1b90")
_DERIVED_PREFIX = "derived-"
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_QUALIFIED_BY_HOST = re.compile(r"\S+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+\S*")


def derive_guid(title: str) -> str:
    """Return the guid of a talk whose feed gives none."""
    return _DERIVED_PREFIX + uuid.uuid5(_NAMESPACE, title).hex


def is_derived(guid: str) -> bool:
    """Return whether a guid is derived from a title."""
    return guid.startswith(_DERIVED_PREFIX)


def is_global(guid: str) -> bool:
    """Return whether a guid is unique in the world: a UUID, or a name with ``@`` and a host."""
    return bool(_UUID.fullmatch(guid) or _QUALIFIED_BY_HOST.fullmatch(guid))


def as_uuid(guid: str, event: str) -> str:
    """Return a guid as a UUID; one that is only unique within its event is qualified by it."""
    if _UUID.fullmatch(guid):
        return guid
    return str(uuid.uuid5(_NAMESPACE, guid if is_global(guid) else f"{event}\n{guid}"))


def speaker_key(name: str) -> str:
    """Return the key of a speaker for whom the feed has no identifier."""
    return f"name:{name.casefold()}"


def make_unique(guid: str, used: Collection[str]) -> str:
    """Return ``guid``, with a number at its end if it is in use."""
    numbered = (f"{guid}-{number}" for number in count(2))
    unique = guid
    while unique in used:
        unique = next(numbered)
    return unique


def parse_number(value: Any) -> int | None:
    """Return a feed's number of a talk or a person; ``None`` if it is no number from 1 to 2³¹−1."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 10:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 1 <= value <= MAX_NUMBER else None


def assign_numbers(wanted: Iterable[tuple[str, int | None]]) -> dict[str, int]:
    """Return a unique number, from 1 to :data:`MAX_NUMBER`, for each key.

    :param wanted: pairs of a unique key and the feed's number; ``None`` if it has none. The first
        of two keys with the same number gets it, and the other one a derived number.
    """
    numbers: dict[str, int] = {}
    taken: set[int] = set()
    derived = []
    for key, number in wanted:
        if number is None or number in taken:
            derived.append(key)
            continue
        numbers[key] = number
        taken.add(number)
    # The order of the keys, not that of the talks, decides between two equal hashes.
    for key in sorted(derived):
        salted = key
        while (hashed := derive_number(salted)) in taken:
            salted += "\n"
        numbers[key] = hashed
        taken.add(hashed)
    return numbers


def derive_number(key: str) -> int:
    """Return the number of a key that has none in the feed; two keys rarely share one."""
    digest = hashlib.sha256(key.encode()).digest()
    return _FIRST_DERIVED_NUMBER + int.from_bytes(digest[:8]) % _FIRST_DERIVED_NUMBER
