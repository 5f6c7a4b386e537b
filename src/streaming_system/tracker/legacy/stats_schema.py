"""The figures of the old protocol."""

import json
from typing import Any

import colander

from streaming_system.tracker.endpoints.formats import LEGACY_STREAMS
from streaming_system.tracker.schemas.types import MAX_BITRATE, MAX_CLIENTS


class RoundedInteger(colander.SchemaType):
    """A whole number from 0 to ``most``. Fractions are rounded: old encoders send them."""

    def __init__(self, most: int) -> None:
        self.most = most

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        if cstruct is colander.null:
            return cstruct
        number = isinstance(cstruct, int | float) and not isinstance(cstruct, bool)
        # Nothing compares as true with NaN, and infinity is larger than anything that is allowed.
        if not number or not 0 <= cstruct <= self.most:
            raise colander.Invalid(node, f"allowed: a number from 0 to {self.most}")
        return round(cstruct)


def _stat_node(name: str) -> colander.SchemaNode:
    return colander.SchemaNode(
        RoundedInteger(MAX_CLIENTS if name.endswith("_clients") else MAX_BITRATE), name=name
    )


_METRICS = ("clients", "bitrate", "cbitrate")
# These are 0 where nothing is said of them.
_DEFAULT_TOTALS = {f"overall_{kind}": 0 for kind in _METRICS}
# Nothing but these is ever stored.
_STAT_NODES = {
    name: _stat_node(name)
    for name in (
        *_DEFAULT_TOTALS,
        *("loop_clients", "loop_bitrate"),
        *(f"{stream}_{kind}" for stream in LEGACY_STREAMS for kind in _METRICS),
    )
}


class InvalidStatsError(ValueError):
    """Figures that are refused, with one line that says which and why."""


def parse_stats(text: str) -> dict[str, int]:
    """Return the figures in the JSON of a registration.

    :raises BadFigures: unless it is an object of declared figures, each a sane number.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidStatsError("data is not JSON") from None
    if not isinstance(data, dict):
        raise InvalidStatsError("data is not a JSON object")
    for name in data:
        if name not in _STAT_NODES:
            raise InvalidStatsError(f"data has {_quote(name)}, which is no figure")
    figures: dict[str, int] = dict(_DEFAULT_TOTALS)
    # There are far more figures than any endpoint has.
    for name, value in data.items():
        try:
            figures[name] = _STAT_NODES[name].deserialize(value)
        except colander.Invalid as error:
            raise InvalidStatsError(f"{name} is {_quote(value)}; {error.msg}") from None
    return figures


def _quote(value: Any) -> str:
    """Show what a caller sent in a line of ours: short, and without a way out of the line."""
    return ascii(value)[:60]
