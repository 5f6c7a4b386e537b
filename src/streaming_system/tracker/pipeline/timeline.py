"""What the last minutes of a component looked like."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from streaming_system.tracker.models import Component, ComponentMood
from streaming_system.tracker.pipeline.pipeline import LOST, current_mood


@dataclass(frozen=True, kw_only=True)
class MoodInterval:
    """A stretch of time within which a component was in one mood."""

    mood: str
    begin: datetime
    end: datetime


def timeline(
    component: Component, moods: Iterable[ComponentMood], *, now: datetime, minutes: int = 10
) -> Sequence[MoodInterval]:
    """Return the stretches of the last minutes, oldest first, without overlaps.

    Where nothing is known there is none. From its machine's last report on, a component is in the
    mood that it reported; if the machine has fallen silent, it is lost.

    :param moods: those of this component, oldest first.
    """
    silent = current_mood(component, now) == LOST
    since = min(component.since, component.reported_at)
    known = [MoodInterval(mood=mood.mood, begin=mood.since, end=_mood_end(mood)) for mood in moods]
    known = [stretch for stretch in known if stretch.begin < since]
    heard = component.reported_at if silent else now
    known.append(MoodInterval(mood=component.mood, begin=since, end=heard))
    if silent:
        known.append(MoodInterval(mood=LOST, begin=heard, end=now))
    return _merge(_clip(known, now - timedelta(minutes=minutes), now))


def _mood_end(mood: ComponentMood) -> datetime:
    # A mood may be said to have lasted for years, until long after all times that we can count.
    return mood.since + timedelta(seconds=min(mood.seconds, 366 * 86400))


def _clip(known: Sequence[MoodInterval], begin: datetime, end: datetime) -> Iterable[MoodInterval]:
    """Cut every stretch where the next begins, and all where the minutes begin and end."""
    nexts = [stretch.begin for stretch in known[1:]] + [end]
    for stretch, following in zip(known, nexts, strict=True):
        first, last = max(stretch.begin, begin), min(stretch.end, following, end)
        if first < last:
            yield MoodInterval(mood=stretch.mood, begin=first, end=last)


def _merge(stretches: Iterable[MoodInterval]) -> list[MoodInterval]:
    joined: list[MoodInterval] = []
    for stretch in stretches:
        if joined and joined[-1].mood == stretch.mood and joined[-1].end == stretch.begin:
            stretch = MoodInterval(mood=stretch.mood, begin=joined.pop().begin, end=stretch.end)
        joined.append(stretch)
    return joined
