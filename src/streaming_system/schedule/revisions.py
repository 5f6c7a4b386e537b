"""Records when an import changed a talk, and how often, for calendars that follow the schedule."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from streaming_system.schedule.model import Schedule, Slot


def with_revisions(schedule: Schedule, previous: Schedule, *, now: datetime) -> Schedule:
    """Return a schedule whose talks have the time and the number of their last change.

    A talk has changed if any of its properties differs from the talk with the same guid in the
    previous schedule, or if it is in another room.

    :param previous: the schedule of the import before.
    :param now: time of this import (UTC).
    """
    before = {
        slot.guid: (room_id, slot)
        for room_id, room in previous.rooms.items()
        for slot in room.slots
        if not slot.is_filler
    }
    return replace(
        schedule,
        rooms={
            room_id: replace(
                room, slots=tuple(_revise(room_id, slot, before, now) for slot in room.slots)
            )
            for room_id, room in schedule.rooms.items()
        },
    )


def _revise(
    room_id: str, slot: Slot, before: Mapping[str, tuple[str, Slot]], now: datetime
) -> Slot:
    if slot.is_filler:
        return slot
    if slot.guid not in before:
        return replace(slot, changed_at=now, revision=0)
    old_room_id, old = before[slot.guid]
    unchanged = replace(slot, changed_at=old.changed_at, revision=old.revision)
    if room_id == old_room_id and unchanged == old:
        # A schedule file of an earlier version has no times of changes.
        return unchanged if old.changed_at else replace(unchanged, changed_at=now)
    return replace(slot, changed_at=now, revision=old.revision + 1)
