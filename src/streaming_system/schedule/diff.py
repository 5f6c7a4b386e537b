"""What is different between two schedules: what the crew asks for in the morning."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from streaming_system.schedule.model import Schedule, Talk


@dataclass(frozen=True, kw_only=True, slots=True)
class SlotSummary:
    """A talk in one room. Times are UTC."""

    room: str
    start: datetime
    end: datetime
    title: str
    guid: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """Something different: ``before`` is missing for what is new, ``after`` for what is gone.

    :param kind: "moved" covers another time, length or room; "renamed" another title alone.
    """

    kind: Literal["moved", "renamed", "appeared", "vanished"]
    before: SlotSummary | None = None
    after: SlotSummary | None = None

    def line(self, zone: ZoneInfo) -> str:
        """Tell it in one line, with times in ``zone``."""
        match self.before, self.after:
            case None, SlotSummary() as new:
                return f"new: {new.title}: {_format_slot(new, zone)}"
            case SlotSummary() as old, None:
                return f"gone: {old.title}: {_format_slot(old, zone)}"
            case SlotSummary() as old, SlotSummary() as new if self.kind == "renamed":
                return f"renamed: {old.title} → {new.title}: {_format_slot(new, zone)}"
            case SlotSummary() as old, SlotSummary() as new:
                return f"moved: {new.title}: {_format_slot(old, zone)} → {_format_slot(new, zone)}"
        raise ValueError("a change has a before or an after")


def _format_slot(talk: SlotSummary, zone: ZoneInfo) -> str:
    start, end = talk.start.astimezone(zone), talk.end.astimezone(zone)
    return f"{talk.room}, {start:%a %d %b %H:%M}–{end:%H:%M}"


def summarize_schedule(schedule: Schedule) -> list[SlotSummary]:
    """Return the talks of a schedule, by room id; what fills gaps is left out."""
    return [
        SlotSummary(room=room, start=e.start, end=e.end, title=e.title, guid=e.guid)
        for room, planned in schedule.rooms.items()
        for e in planned.events
        if not e.generated
    ]


def summarize_talks(talks: Iterable[Talk]) -> list[SlotSummary]:
    """Return the talks of a feed, by its own names of the rooms."""
    return [
        SlotSummary(room=room, start=t.start, end=t.end, title=t.title, guid=t.guid)
        for t in talks
        for room in t.rooms
    ]


def diff_slots(old: Iterable[SlotSummary], new: Iterable[SlotSummary]) -> list[Change]:
    """Return what is different, in order of time.

    Talks are found again by guid and room, then by guid, then by title and room, then by title:
    a feed without guids gives a talk that has moved another one.
    """
    before, after = list(old), list(new)
    pairs: list[tuple[SlotSummary, SlotSummary]] = []
    keys: tuple[Callable[[SlotSummary], Hashable], ...] = (
        lambda talk: talk,
        lambda talk: (talk.guid, talk.room),
        lambda talk: talk.guid,
        lambda talk: (talk.title, talk.room),
        lambda talk: talk.title,
    )
    for key in keys:
        before, after = _pair_by_key(before, after, key, pairs)
    changes = [
        Change(kind="renamed" if _is_same_slot(was, now) else "moved", before=was, after=now)
        for was, now in pairs
        if (was.title, was.room, was.start, was.end) != (now.title, now.room, now.start, now.end)
    ]
    changes += [Change(kind="vanished", before=talk) for talk in before]
    changes += [Change(kind="appeared", after=talk) for talk in after]
    return sorted(changes, key=_sort_key)


def _pair_by_key(
    before: list[SlotSummary],
    after: list[SlotSummary],
    key: Callable[[SlotSummary], Hashable],
    pairs: list[tuple[SlotSummary, SlotSummary]],
) -> tuple[list[SlotSummary], list[SlotSummary]]:
    """Pair the talks with equal keys, and return those that are left."""
    waiting: dict[Hashable, list[SlotSummary]] = {}
    for talk in before:
        waiting.setdefault(key(talk), []).append(talk)
    left = []
    for talk in after:
        if same := waiting.get(key(talk)):
            pairs.append((same.pop(0), talk))
        else:
            left.append(talk)
    return [talk for talks in waiting.values() for talk in talks], left


def _is_same_slot(was: SlotSummary, now: SlotSummary) -> bool:
    return (was.room, was.start, was.end) == (now.room, now.start, now.end)


def _sort_key(change: Change) -> tuple[datetime, str]:
    talk = change.after or change.before
    assert talk is not None  # noqa: S101 - A change has one or the other.
    return talk.start, talk.room
