"""Fills the gaps of a room's day, so that its page always has something to say."""

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from streaming_system.schedule.model import Slot

# What lies before the first and after the last talk of a conference needs two ends.
MIN_TIME = datetime(1970, 1, 1, tzinfo=UTC)
MAX_TIME = datetime(2100, 1, 1, tzinfo=UTC)
# People change rooms; that is no break.
MIN_BREAK = timedelta(minutes=5)

_NAMESPACE = uuid.UUID("5b1ff3a4-6c0d-5f5e-8a51-3a6a1f0f7c33")


def fill_gaps(
    events: list[Slot],
    *,
    room: str,
    conference: str,
    begin: datetime,
    end: datetime,
    zone: ZoneInfo,
) -> tuple[Slot, ...]:
    """Return a room's events in order, with generated ones in the gaps.

    :param room: the room's title, for people.
    :param conference: the conference's name, for people.
    :param begin: when the conference's first talk starts, in whichever room (UTC).
    :param end: when its last talk ends, in whichever room (UTC).
    :param zone: the zone whose midnights part the days.
    """
    events = sorted(events, key=lambda event: (event.start, event.end, event.guid))
    days = _days_with_talks(events, zone)
    filled = [_make_filler(room, MIN_TIME, begin, f"{conference} not yet started")]
    free_from, last = begin, None
    for event in events:
        filled.extend(_gap_slots(room, free_from, event.start, zone, days, last, event))
        filled.append(event)
        # A talk may lie wholly within a longer one.
        if event.end >= free_from:
            free_from, last = event.end, event
    filled.extend(_gap_slots(room, free_from, end, zone, days, last, None))
    filled.append(_make_filler(room, max(end, free_from), MAX_TIME, f"{conference} finished"))
    return tuple(filled)


def _days_with_talks(events: list[Slot], zone: ZoneInfo) -> frozenset[date]:
    days = set()
    for event in events:
        day, last = (
            _local_date(event.start, zone),
            _local_date(event.end - timedelta(microseconds=1), zone),
        )
        while day <= last:
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
    """Yield what fills one gap, a piece for each day that it touches."""
    for piece_start, piece_end in _split_by_day(start, end, zone):
        day = _local_date(piece_start, zone)
        # A talk that began the day before belongs to that evening, not to this morning.
        talked = before is not None and _local_date(before.start, zone) == day
        will_talk = after is not None and _local_date(after.start, zone) == day
        if day not in days:
            title = f"Nothing in {room} today"
        elif talked and will_talk:
            if piece_end - piece_start <= MIN_BREAK:
                continue
            title = f"{(piece_end - piece_start) // timedelta(minutes=1)} minute break"
        elif will_talk:
            title = f"Not yet started in {room}"
        else:
            title = f"Finished for the day in {room}"
        yield _make_filler(room, piece_start, piece_end, title)


def _split_by_day(
    start: datetime, end: datetime, zone: ZoneInfo
) -> Iterator[tuple[datetime, datetime]]:
    while start < end:
        midnight = datetime.combine(_local_date(start, zone) + timedelta(days=1), time(), zone)
        piece_end = min(end, midnight.astimezone(UTC))
        yield start, piece_end
        start = piece_end


def _local_date(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date()


def _make_filler(room: str, start: datetime, end: datetime, title: str) -> Slot:
    name = f"{room}\n{start.isoformat()}\n{title}"
    return Slot(
        start=start,
        end=end,
        title=title,
        guid=str(uuid.uuid5(_NAMESPACE, name)),
        generated=True,
        kind="filler",
    )
