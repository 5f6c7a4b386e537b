"""The moods of a component over the last minutes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from streaming_system.tracker.models import Component, ComponentMood
from streaming_system.tracker.pipeline.pipeline import LOST, current_mood


@dataclass(frozen=True, kw_only=True)
class MoodInterval:
    """A period in which a component was in one mood."""

    mood: str
    begin: datetime
    end: datetime


def timeline(
    component: Component, moods: Iterable[ComponentMood], *, now: datetime, minutes: int = 10
) -> Sequence[MoodInterval]:
    """Return the intervals of the last minutes, oldest first, without overlaps.

    Unknown periods are gaps. After its machine's last report, a component stays in the reported
    mood; if the machine has stopped reporting, it is lost.

    :param moods: those of this component, oldest first.
    """
    is_lost = current_mood(component, now) == LOST
    since = min(component.since, component.reported_at)
    intervals = [
        MoodInterval(mood=mood.mood, begin=mood.since, end=_mood_end(mood)) for mood in moods
    ]
    intervals = [interval for interval in intervals if interval.begin < since]
    known_until = component.reported_at if is_lost else now
    intervals.append(MoodInterval(mood=component.mood, begin=since, end=known_until))
    if is_lost:
        intervals.append(MoodInterval(mood=LOST, begin=known_until, end=now))
    return _merge(_clip(intervals, now - timedelta(minutes=minutes), now))


def _mood_end(mood: ComponentMood) -> datetime:
    # A machine may report a duration of many years, beyond the latest representable time.
    return mood.since + timedelta(seconds=min(mood.seconds, 366 * 86400))


def _clip(
    intervals: Sequence[MoodInterval], begin: datetime, end: datetime
) -> Iterable[MoodInterval]:
    """End each interval where the next one begins, and limit all to ``begin`` and ``end``."""
    following = [interval.begin for interval in intervals[1:]] + [end]
    for interval, next_begin in zip(intervals, following, strict=True):
        first, last = max(interval.begin, begin), min(interval.end, next_begin, end)
        if first < last:
            yield MoodInterval(mood=interval.mood, begin=first, end=last)


def _merge(intervals: Iterable[MoodInterval]) -> list[MoodInterval]:
    """Merge adjacent intervals of the same mood."""
    merged: list[MoodInterval] = []
    for interval in intervals:
        if merged and merged[-1].mood == interval.mood and merged[-1].end == interval.begin:
            begin = merged.pop().begin
            interval = MoodInterval(mood=interval.mood, begin=begin, end=interval.end)
        merged.append(interval)
    return merged
