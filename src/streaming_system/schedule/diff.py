"""Compares two schedules and describes what has changed."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from streaming_system.schedule.identity import is_derived
from streaming_system.schedule.model import Schedule, Talk


@dataclass(frozen=True, kw_only=True, slots=True)
class SlotSummary:
    """The properties of a talk that a comparison considers. Times are in UTC."""

    room: str
    start: datetime
    end: datetime
    title: str
    guid: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A difference between two schedules.

    :param kind: "moved" for another time, length or room; "renamed" if only the title differs.
    :param before: ``None`` for a new talk.
    :param after: ``None`` for a removed talk.
    """

    kind: Literal["moved", "renamed", "appeared", "vanished"]
    before: SlotSummary | None = None
    after: SlotSummary | None = None

    def describe(self, zone: ZoneInfo) -> str:
        """Describe the change in one line, with times in ``zone``."""
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


def _format_slot(slot: SlotSummary, zone: ZoneInfo) -> str:
    start, end = slot.start.astimezone(zone), slot.end.astimezone(zone)
    return f"{slot.room}, {start:%a %d %b %H:%M}–{end:%H:%M}"


def summarize_schedule(schedule: Schedule) -> list[SlotSummary]:
    """Return the talks of a schedule, without fillers; rooms are ids."""
    return [
        SlotSummary(room=room_id, start=slot.start, end=slot.end, title=slot.title, guid=slot.guid)
        for room_id, room in schedule.rooms.items()
        for slot in room.slots
        if not slot.is_filler
    ]


def summarize_talks(talks: Iterable[Talk]) -> list[SlotSummary]:
    """Return the talks of a feed; rooms are the names in the feed."""
    return [
        SlotSummary(room=room, start=talk.start, end=talk.end, title=talk.title, guid=talk.guid)
        for talk in talks
        for room in talk.rooms
    ]


def diff_slots(old: Iterable[SlotSummary], new: Iterable[SlotSummary]) -> list[Change]:
    """Return the changes from ``old`` to ``new``, in order of time.

    Talks are matched by place, time and title, because the guids of repeated talks depend on the
    others; then by guid; then by title, because the feed may have given no guid or another one. A
    talk without a guid of the feed is also matched by place and time.
    """
    before, after = list(old), list(new)
    pairs: list[tuple[SlotSummary, SlotSummary]] = []
    keys: tuple[Callable[[SlotSummary], Hashable], ...] = (
        lambda slot: slot,
        lambda slot: (slot.room, slot.start, slot.end, slot.title),
        lambda slot: (slot.guid.removesuffix(f"-{slot.room}"), slot.room),
        lambda slot: slot.guid,
        lambda slot: (slot.title, slot.room),
        lambda slot: slot.title,
        lambda slot: (slot.room, slot.start, slot.end) if is_derived(slot.guid) else object(),
    )
    for key in keys:
        before, after = _pair_by_key(before, after, key, pairs)
    changes = [
        Change(kind="renamed" if _is_same_slot(was, now) else "moved", before=was, after=now)
        for was, now in pairs
        if was.title != now.title or not _is_same_slot(was, now)
    ]
    changes += [Change(kind="vanished", before=slot) for slot in before]
    changes += [Change(kind="appeared", after=slot) for slot in after]
    return sorted(changes, key=_sort_key)


def _pair_by_key(
    before: list[SlotSummary],
    after: list[SlotSummary],
    key: Callable[[SlotSummary], Hashable],
    pairs: list[tuple[SlotSummary, SlotSummary]],
) -> tuple[list[SlotSummary], list[SlotSummary]]:
    """Append slots with equal keys to ``pairs``, and return the slots that remain."""
    candidates: dict[Hashable, list[SlotSummary]] = {}
    for slot in before:
        candidates.setdefault(key(slot), []).append(slot)
    unmatched = []
    for slot in after:
        if same_key := candidates.get(key(slot)):
            pairs.append((same_key.pop(0), slot))
        else:
            unmatched.append(slot)
    return [slot for slots in candidates.values() for slot in slots], unmatched


def _is_same_slot(was: SlotSummary, now: SlotSummary) -> bool:
    return (was.room, was.start, was.end) == (now.room, now.start, now.end)


def _sort_key(change: Change) -> tuple[datetime, str]:
    slot = change.after or change.before
    assert slot is not None  # noqa: S101 - A change has one or the other.
    return slot.start, slot.room
