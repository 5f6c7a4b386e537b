"""The schema of the metrics that an endpoint registers with in the legacy protocol."""

import json
from typing import Any

from streaming_system.tracker.endpoints.formats import LEGACY_STREAMS
from streaming_system.tracker.schemas.types import MAX_CLIENTS
from streaming_system.util.validation import MAX_BITRATE, InvalidValueError, Number

MAX_VALUE_CHARS = 60


class RoundedInteger(Number):
    """A number from 0 to a maximum. Fractions are rounded: old encoders send them."""

    def __init__(self, maximum: int) -> None:
        super().__init__(0, maximum, allowed=f"a number from 0 to {maximum}")

    def validate(self, value: Any) -> int:
        return round(super().validate(value))


_METRICS = ("clients", "bitrate", "cbitrate")
_DEFAULT_TOTALS = {f"overall_{metric}": 0 for metric in _METRICS}
# All other names are refused.
_FIELDS = {
    name: RoundedInteger(MAX_CLIENTS if name.endswith("_clients") else MAX_BITRATE)
    for name in (
        *_DEFAULT_TOTALS,
        *("loop_clients", "loop_bitrate"),
        *(f"{stream}_{metric}" for stream in LEGACY_STREAMS for metric in _METRICS),
    )
}


class InvalidStatsError(ValueError):
    """Invalid metrics, with one line that names the metric and the allowed values."""


def parse_stats(text: str) -> dict[str, int]:
    """Return the metrics in the JSON of a registration.

    :raises InvalidStatsError: unless it is an object of declared metrics within their bounds.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidStatsError("data is not JSON") from None
    if not isinstance(data, dict):
        raise InvalidStatsError("data is not a JSON object")
    for name in data:
        if name not in _FIELDS:
            raise InvalidStatsError(f"data has {_quote(name)}, which is no figure")
    stats: dict[str, int] = dict(_DEFAULT_TOTALS)
    for name, value in data.items():
        try:
            stats[name] = _FIELDS[name].validate(value)
        except InvalidValueError as error:
            raise InvalidStatsError(f"{name} is {_quote(value)}; {error}") from None
    return stats


def _quote(value: Any) -> str:
    """Return a client's value for an error message: ASCII, on one line, and short."""
    return ascii(value)[:MAX_VALUE_CHARS]
