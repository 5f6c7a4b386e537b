"""Decides what durations of three parts mean: ``HH:MM:SS``, or ``D:HH:MM``.

pretalx and EMF write days first, but only from one day on: shorter talks have two parts. Others
always write three parts, or add the seconds. So the whole feed decides, not one value.
"""

import re
import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from streaming_system.plugin.values import MAX_DURATION

# A talk of less is improbable, as is a break of more before the next talk of a full room.
MIN_TALK_DURATION = timedelta(minutes=3)
# Of fewer durations, short ones can be lightning talks.
MIN_VALUES = 3
MAX_BREAK = timedelta(minutes=15)
# Talks of the last night end after the last day of the event.
MAX_OVERTIME = timedelta(hours=12)

_TWO_PARTS = re.compile(r"\d{1,3}:\d\d", re.ASCII)
_THREE_PARTS = re.compile(r"(\d{1,3}):(\d{1,2}):(\d{1,2})", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class AmbiguousEnd:
    """The end of a talk whose duration can be read in two ways.

    :param text: the duration in the feed.
    :param hours_first: the end if it means hours, minutes and seconds.
    :param days_first: the end if it means days, hours and minutes.
    """

    rooms: tuple[str, ...] = ()
    location: str = ""
    text: str
    start: datetime
    hours_first: datetime
    days_first: datetime


@dataclass
class DurationNotation:
    """Counts how the durations of a feed are written."""

    two_parts: int = 0
    hours_first: int = 0

    def count(self, value: object) -> timedelta | None:
        """Count a duration; return its other reading, days first, if it has one."""
        text = str(value).strip()
        self.two_parts += _TWO_PARTS.fullmatch(text) is not None
        match = _THREE_PARTS.fullmatch(text)
        if match is None:
            return None
        days, hours, minutes = map(int, match.groups())
        length = timedelta(days=days, hours=hours, minutes=minutes)
        if hours > 23 or minutes > 59 or length > MAX_DURATION:
            self.hours_first += 1
            return None
        return length or None


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What the durations of a feed mean; ``certain`` if nothing speaks for the other reading."""

    days_first: bool
    certain: bool = False


@dataclass(kw_only=True)
class NotationEvidence:
    """What decides between both readings, besides the values themselves.

    :param generator_days_first: whether the feed was written by a program that writes days first;
        ``None`` if that is unknown.
    :param event_end: the end of the last day, if the feed has it.
    :param starts: the starts of all talks by room, in order.
    """

    notation: DurationNotation = field(default_factory=DurationNotation)
    generator_days_first: bool | None = None
    event_end: datetime | None = None
    starts: Mapping[str, Sequence[datetime]] = field(default_factory=dict)

    def decide(self, ends: Sequence[AmbiguousEnd]) -> Decision:
        """Decide for all ambiguous durations of a feed."""
        if self.generator_days_first is not None:
            return Decision(
                days_first=self.generator_days_first, certain=not self.generator_days_first
            )
        if self.notation.hours_first:
            return Decision(days_first=False, certain=not self.notation.two_parts)
        adjacent = sum(map(self._is_followed, ends))
        if self.notation.two_parts:
            # A program that omits the third part writes it for days, and never zero days.
            has_days = all(not end.text.strip().startswith(("0:", "00:")) for end in ends)
            return Decision(days_first=has_days and adjacent * 2 <= len(ends))
        lengths = [end.hours_first - end.start for end in ends]
        if len(ends) >= MIN_VALUES and statistics.median_high(lengths) < MIN_TALK_DURATION:
            return Decision(days_first=True)
        overlaps = sum(map(self._is_interrupted, ends))
        return Decision(days_first=False, certain=overlaps * 2 > len(ends))

    def is_beyond_event(self, time: datetime) -> bool:
        """Return whether a time is long after the end of the event."""
        return self.event_end is not None and time > self.event_end + MAX_OVERTIME

    def _is_followed(self, end: AmbiguousEnd) -> bool:
        """Return whether the next talk starts right after the end, with hours first."""
        earliest, latest = end.hours_first, end.hours_first + MAX_BREAK
        return any(
            bisect_left(starts, earliest) < bisect_right(starts, latest)
            for starts in self._starts_in(end.rooms)
        )

    def _is_interrupted(self, end: AmbiguousEnd) -> bool:
        """Return whether another talk starts before the end, with days first."""
        return any(
            bisect_right(starts, end.start) < bisect_left(starts, end.days_first)
            for starts in self._starts_in(end.rooms)
        )

    def _starts_in(self, rooms: Sequence[str]) -> list[Sequence[datetime]]:
        return [self.starts[room] for room in rooms if room in self.starts]


def describe_uncertain_ends(ends: Sequence[AmbiguousEnd], days_first: bool) -> str:
    """Return the warning about durations that have another meaning in other feeds.

    :param days_first: how they are read.
    """
    first = ends[0]
    end = first.days_first if days_first else first.hours_first
    return (
        f"{len(ends)} durations of three parts may mean hours, minutes and seconds or days, hours "
        f"and minutes; taken as {'days' if days_first else 'hours'} first (the first, "
        f"{first.location}: {first.text.strip()!r} as {end - first.start})"
    )
