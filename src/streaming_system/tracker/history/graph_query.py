"""What may be asked of graphs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import colander

DEFAULT_MINUTES = 120
MAX_MINUTES = 366 * 24 * 60


class MinutesType(colander.SchemaType):
    """A whole number of minutes, as an address writes it."""

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        if cstruct is colander.null:
            return cstruct
        digits = cstruct.isascii() and cstruct.isdigit() and len(cstruct) < 10
        if not digits or not 1 <= int(cstruct) <= MAX_MINUTES:
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
    """A span that ends now.

    :param room: show this room's endpoints instead of all rooms.
    """

    length: timedelta
    room: str | None


def parse_graph_query(parameters: Mapping[str, str]) -> GraphQuery:
    """Return what an address asks for.

    :raises colander.Invalid: if it is not allowed.
    """
    asked = _GraphSchema().deserialize(dict(parameters))
    return GraphQuery(length=timedelta(minutes=asked["range"]), room=asked["room"])
