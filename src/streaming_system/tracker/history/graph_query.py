"""The query parameters of graphs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import colander

DEFAULT_MINUTES = 120
MAX_MINUTES = 366 * 24 * 60


class MinutesType(colander.SchemaType):
    """A whole number of minutes, as text."""

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        if cstruct is colander.null:
            return cstruct
        is_number = cstruct.isascii() and cstruct.isdigit() and len(cstruct) < 10
        if not is_number or not 1 <= int(cstruct) <= MAX_MINUTES:
            raise colander.Invalid(
                node,
                f"range is {ascii(cstruct)[:40]}; "
                f"allowed: a whole number of minutes, 1 to {MAX_MINUTES}",
            )
        return int(cstruct)


class _GraphSchema(colander.Schema):
    range = colander.SchemaNode(MinutesType(), missing=DEFAULT_MINUTES)
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

    :raises colander.Invalid: if a value is not allowed.
    """
    values = _GraphSchema().deserialize(dict(parameters))
    return GraphQuery(length=timedelta(minutes=values["range"]), room=values["room"])
