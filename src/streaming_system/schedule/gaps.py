"""Fills the gaps in a room's schedule with fillers, so that its page always shows a slot."""

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from streaming_system.schedule.fillers import Filler, FillerType
from streaming_system.schedule.model import Slot

# Start of the first filler and end of the last one.
MIN_TIME = datetime(1970, 1, 1, tzinfo=UTC)
MAX_TIME = datetime(2100, 1, 1, tzinfo=UTC)
# Shorter gaps are for changing rooms, and get no filler.
MIN_BREAK = timedelta(minutes=5)

_NAMESPACE = uuid.UUID("5b1ff3a4-6c0d-5f5e-8a51-3a6a1f0f7c33")


def fill_gaps(
    slots: list[Slot],
    *,
    room: str,
    conference: str,
    begin: datetime,
    end: datetime,
    zone: ZoneInfo,
) -> tuple[Slot, ...]:
    """Return a room's slots in order of time, with fillers in the gaps.

    :param room: title of the room.
    :param conference: name of the conference.
    :param begin: start of the first talk of the conference, in any room (UTC).
    :param end: end of its last talk, in any room (UTC).
    :param zone: the zone whose midnights separate days.
    """
    slots = sorted(slots, key=lambda slot: (slot.start, slot.end, slot.guid))
    days = _days_with_talks(slots, zone)
    before = Filler(type=FillerType.BEFORE_EVENT, event=conference)
    after = Filler(type=FillerType.AFTER_EVENT, event=conference)
    filled = [_make_slot(room, MIN_TIME, begin, before)]
    free_from, last = begin, None
    for slot in slots:
        filled.extend(_gap_slots(room, free_from, slot.start, zone, days, last, slot))
        filled.append(slot)
        # A talk can lie within a longer one.
        if slot.end >= free_from:
            free_from, last = slot.end, slot
    filled.extend(_gap_slots(room, free_from, end, zone, days, last, None))
    filled.append(_make_slot(room, max(end, free_from), MAX_TIME, after))
    return tuple(filled)


def _days_with_talks(slots: list[Slot], zone: ZoneInfo) -> frozenset[date]:
    days = set()
    for slot in slots:
        day = _local_date(slot.start, zone)
        last_day = _local_date(slot.end - timedelta(microseconds=1), zone)
        while day <= last_day:
            days.add(day)
            day += timedelta(days=1)
    return frozenset(days)


def _gap_slots(
    room: str,
    start: datetime,
    end: datetime,
    zone: ZoneInfo,
    days: frozenset[date],
    before: Slot | None,
    after: Slot | None,
) -> Iterator[Slot]:
    """Yield the fillers of one gap, one for each local day."""
    for filler_start, filler_end in _split_by_day(start, end, zone):
        day = _local_date(filler_start, zone)
        # A talk that started the day before belongs to that evening, not to this morning.
        had_talk = before is not None and _local_date(before.start, zone) == day
        will_have_talk = after is not None and _local_date(after.start, zone) == day
        if day not in days:
            filler = Filler(type=FillerType.NO_TALKS_TODAY, room=room)
        elif had_talk and will_have_talk:
            if filler_end - filler_start <= MIN_BREAK:
                continue
            minutes = (filler_end - filler_start) // timedelta(minutes=1)
            filler = Filler(type=FillerType.BREAK, minutes=minutes)
        elif will_have_talk:
            filler = Filler(type=FillerType.BEFORE_DAY, room=room)
        else:
            filler = Filler(type=FillerType.AFTER_DAY, room=room)
        yield _make_slot(room, filler_start, filler_end, filler)


def _split_by_day(
    start: datetime, end: datetime, zone: ZoneInfo
) -> Iterator[tuple[datetime, datetime]]:
    while start < end:
        midnight = datetime.combine(_local_date(start, zone) + timedelta(days=1), time(), zone)
        part_end = min(end, midnight.astimezone(UTC))
        yield start, part_end
        start = part_end


def _local_date(instant: datetime, zone: ZoneInfo) -> date:
    return instant.astimezone(zone).date()


def _make_slot(room: str, start: datetime, end: datetime, filler: Filler) -> Slot:
    title = filler.title()
    name = f"{room}\n{start.isoformat()}\n{title}"
    return Slot(
        start=start,
        end=end,
        title=title,
        guid=str(uuid.uuid5(_NAMESPACE, name)),
        filler=filler,
        talk_type="filler",
    )
