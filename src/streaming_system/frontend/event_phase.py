"""The phase of an event, from its talks."""

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from streaming_system.schedule.days import schedule_day
from streaming_system.schedule.model import Slot

# A stream in these phases shows no talk: it is a test picture, a still, or forgotten.
PHASES_WITHOUT_TALKS = frozenset({"before", "between", "after"})


def event_phase(talks: Iterable[Slot], now: datetime, zone: ZoneInfo) -> str:
    """Return ``unplanned``, ``before``, ``on``, ``between`` (two days), or ``after``.

    :param talks: of all rooms, in any order.
    :param zone: the zone of the event's days.
    """
    talks = [slot for slot in talks if not slot.is_filler]
    if not talks:
        return "unplanned"
    if now < min(talk.start for talk in talks):
        return "before"
    if now >= max(talk.end for talk in talks):
        return "after"
    next_start = min((talk.start for talk in talks if talk.start > now), default=None)
    if next_start is None or any(talk.is_on(now) for talk in talks):
        return "on"
    return "on" if schedule_day(next_start, zone) == schedule_day(now, zone) else "between"
