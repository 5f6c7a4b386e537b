"""The query parameters of graphs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import colander

DEFAULT_MINUTES = 120
MAX_MINUTES = 366 * 24 * 60
# Digits beyond these are out of bounds, and would take long to convert.
MAX_DIGITS = 9
_WHOLE_NUMBER = re.compile(r"\s*([+-]?)([0-9]+)\s*", re.ASCII)


class _GraphSchema(colander.Schema):
    room = colander.SchemaNode(colander.String(), validator=colander.Length(max=64), missing=None)


@dataclass(frozen=True, kw_only=True)
class GraphQuery:
    """A time range that ends now.

    :param room: show this room's endpoints; ``None`` for all rooms.
    """

    length: timedelta
    room: str | None


def parse_graph_query(parameters: Mapping[str, str]) -> GraphQuery:
    """Return the query of a URL's parameters.

    Clients of the original rely on a graph for any ``range``.

    :raises colander.Invalid: if another value is not allowed.
    """
    values = _GraphSchema().deserialize(dict(parameters))
    minutes = parse_minutes(parameters.get("range", ""))
    return GraphQuery(length=timedelta(minutes=minutes), room=values["room"])


def parse_minutes(text: str) -> int:
    """Return the minutes of a range: within the bounds, and the default if it is no number."""
    match = _WHOLE_NUMBER.fullmatch(text)
    if not match:
        return DEFAULT_MINUTES
    sign, digits = match[1], match[2].lstrip("0")
    minutes = MAX_MINUTES if len(digits) > MAX_DIGITS else int(digits or 0)
    return min(max(-minutes if sign == "-" else minutes, 1), MAX_MINUTES)
