"""Entries of a feed that the import leaves out, and why."""

from dataclasses import dataclass
from typing import Literal, get_args

SkipReason = Literal[
    "no-time",
    "ends-before-start",
    "zero-length",
    "no-room",
    "placeholder",
    "cancelled",
    "not-accepted",
    "private",
    "all-day",
    "out-of-range",
    "bad-value",
    "duplicate",
]
SKIP_REASONS: frozenset[str] = frozenset(get_args(SkipReason))


class SkipEntryError(ValueError):
    """Raised by a parser to skip the current entry; :meth:`ParseContext.parse_items` reports it."""

    def __init__(self, reason: SkipReason, detail: str = "") -> None:
        super().__init__(detail or reason)
        self.reason: SkipReason = reason


@dataclass(frozen=True, kw_only=True, slots=True)
class SkippedEntry:
    """An entry of the feed that the import leaves out.

    :param location: position in the feed: "line 812", "item 12".
    """

    reason: SkipReason
    location: str
    title: str
    detail: str = ""
