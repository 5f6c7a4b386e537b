"""Reads JSON objects of other programs one member at a time.

A member that is missing or invalid costs only itself. Its problem is recorded for the log.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from streaming_system.util.foreign_json import describe_json_value, parse_number

MAX_LISTED_PROBLEMS = 3
MAX_INTEGER = 2**53


class FieldProblems:
    """The invalid fields of one document, at most one for each kind of place."""

    def __init__(self) -> None:
        # By place without the numbers of list items.
        self._lines: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self._lines)

    def add(self, place: str, problem: str) -> None:
        """Record a problem.

        :param place: such as ``streams[3].name``.
        :param problem: a predicate, such as "is missing".
        """
        self._lines.setdefault(re.sub(r"\[\d+\]", "[]", place), f"{place} {problem}")

    @property
    def fault(self) -> str:
        """The places, which stay the same while values change."""
        return ", ".join(sorted(self._lines))

    def __str__(self) -> str:
        lines = list(self._lines.values())
        more = len(lines) - MAX_LISTED_PROBLEMS
        listed = "; ".join(lines[:MAX_LISTED_PROBLEMS])
        return f"{listed}; and {more} more" if more > 0 else listed


class JsonObject:
    """An object of a foreign document. If the value is no object, it has no members.

    The methods return a default for a member that is missing or has another type. Only a required
    member may not be missing or null.

    :param place: of the object in the document, for messages; "" for the document itself.
    """

    def __init__(self, value: Any, place: str = "", problems: FieldProblems | None = None) -> None:
        self.place = place
        self.problems = FieldProblems() if problems is None else problems
        self._members: dict[str, Any] = value if isinstance(value, dict) else {}
        if not isinstance(value, dict):
            self.problems.add(place or "the response", _wrong_type(value, "object"))

    def __contains__(self, key: str) -> bool:
        return key in self._members

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def get(self, key: str) -> Any:
        """Return a member of any type; ``None`` if it is missing."""
        return self._members.get(key)

    def place_of(self, key: str) -> str:
        """Return the place of a member."""
        return f"{self.place}.{key}" if self.place else key

    def text(self, key: str, *, required: bool = False) -> str:
        """Return a text, by default ""."""
        value = self.get(key)
        if isinstance(value, str) and (value or not required):
            return value
        self._record(key, value, "text", required=required)
        return ""

    def number(self, key: str) -> float | None:
        """Return a finite number, also that of a text."""
        value = self.get(key)
        number = parse_number(value)
        if number is None:
            self._record(key, value, "number")
        return number

    def integer(self, key: str) -> int | None:
        """Return a number from 0 to 2**53, rounded down."""
        number = self.number(key)
        if number is None or 0 <= number <= MAX_INTEGER:
            return None if number is None else int(number)
        value = describe_json_value(self.get(key))
        self.problems.add(self.place_of(key), f"is {value}, which is out of range")
        return None

    def count(self, key: str) -> int:
        """Return a number from 0 to 2**53, rounded down; by default 0."""
        return self.integer(key) or 0

    def flag(self, key: str, *, required: bool = False) -> bool | None:
        """Return a boolean."""
        value = self.get(key)
        if isinstance(value, bool):
            return value
        self._record(key, value, "boolean", required=required)
        return None

    def object(self, key: str) -> "JsonObject":
        """Return an object, by default an empty one."""
        value = self.get(key)
        return JsonObject({} if value is None else value, self.place_of(key), self.problems)

    def list(self, key: str, *, required: bool = False) -> Sequence[Any]:
        """Return a list, by default an empty one."""
        value = self.get(key)
        if isinstance(value, list):
            return value
        self._record(key, value, "list", required=required)
        return []

    def objects(self, key: str, *, required: bool = False) -> Sequence["JsonObject"]:
        """Return the objects in a list, without items of other types."""
        items = self.list(key, required=required)
        found = [
            JsonObject(item, f"{self.place_of(key)}[{index}]", self.problems)
            for index, item in enumerate(items)
        ]
        return [each for each, item in zip(found, items, strict=True) if isinstance(item, dict)]

    def texts(self, key: str) -> Sequence[str]:
        """Return the texts in a list."""
        values = self.list(key)
        for index, value in enumerate(values):
            if not isinstance(value, str):
                place = f"{self.place_of(key)}[{index}]"
                self.problems.add(place, _wrong_type(value, "text"))
        return [value for value in values if isinstance(value, str)]

    def _record(self, key: str, value: Any, expected: str, *, required: bool = False) -> None:
        if value is not None or required:
            self.problems.add(self.place_of(key), _wrong_type(value, expected))


def _wrong_type(value: Any, expected: str) -> str:
    if value is None:
        return f"is missing, or no {expected}"
    return f"is {describe_json_value(value)}, and no {expected}"
