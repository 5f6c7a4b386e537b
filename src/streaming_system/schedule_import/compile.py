"""Makes the schedule of the site from the talks of its feeds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from streaming_system.config import Room
from streaming_system.schedule.gaps import fill_gaps
from streaming_system.schedule.model import RoomSchedule, Schedule, Slot, Talk
from streaming_system.schedule_import.validate import ValidatedTalks, room_guid
from streaming_system.util.sanitize import sanitise_text


class ScheduleError(Exception):
    """A schedule that cannot be made, with one line for whoever must mend it."""


@dataclass(frozen=True, kw_only=True)
class RoomFeed:
    """The feed of one room: its checked talks, and the zone that the feed names for itself."""

    checked: ValidatedTalks
    zone: ZoneInfo | None = None


def compile_schedule(
    rooms: Iterable[Room], feeds: Mapping[str, RoomFeed], *, imported: datetime
) -> Schedule:
    """Return the schedule of all rooms that have a feed.

    :param feeds: by room id; rooms without one are left out.
    :param imported: the moment of the import (UTC).
    :raises ScheduleError: if a room is not in its feed.
    """
    rooms = [room for room in rooms if room.id in feeds]
    taken: set[str] = set()
    events = {room.id: _room_slots(room, feeds[room.id].checked.talks, taken) for room in rooms}
    schedules = {}
    for room in rooms:
        zone = room.schedule_timezone or feeds[room.id].zone or ZoneInfo("UTC")
        same = [other.id for other in rooms if _conference_title(other) == _conference_title(room)]
        everything = [event for room_id in same for event in events[room_id]]
        schedules[room.id] = RoomSchedule(
            timezone=zone,
            events=fill_gaps(
                events[room.id],
                room=room.title,
                conference=_conference_title(room),
                begin=min(event.start for event in everything),
                end=max(event.end for event in everything),
                zone=zone,
            ),
        )
    return Schedule(rooms=schedules, imported=imported)


def _conference_title(room: Room) -> str:
    return room.conference or room.title


def _room_slots(room: Room, talks: Iterable[Talk], taken: set[str]) -> list[Slot]:
    names = sorted({name for talk in talks for name in talk.rooms})
    own = _room_feed_name(room, names)
    also = [
        _require_known_room(room, "schedule-see-also", name, names)
        for name in room.schedule_see_also
    ]
    events = []
    for talk in talks:
        if own in talk.rooms:
            events.append(_make_slot(talk, room, taken, via=""))
        elif elsewhere := next((name for name in also if name in talk.rooms), ""):
            events.append(_make_slot(talk, room, taken, via=elsewhere))
    return events


def _room_feed_name(room: Room, names: list[str]) -> str:
    if room.schedule_key:
        return _require_known_room(room, "schedule-key", room.schedule_key, names)
    for name in (room.title, room.id):
        if sanitise_text(name, 200) in names:
            return sanitise_text(name, 200)
    raise ScheduleError(
        f"room {room.id!r}: has no schedule-key, and the feed has no room called {room.title!r}; "
        f"it has: {_format_room_list(names)}"
    )


def _require_known_room(room: Room, key: str, name: str, names: list[str]) -> str:
    wanted = sanitise_text(name, 200)
    if wanted not in names:
        raise ScheduleError(
            f"room {room.id!r}: the feed has no room called {wanted!r} ({key}); "
            f"it has: {_format_room_list(names)}"
        )
    return wanted


def _format_room_list(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:30])
    return shown if len(names) <= 30 else f"{shown} and {len(names) - 30} more"


def _make_slot(talk: Talk, room: Room, taken: set[str], *, via: str) -> Slot:
    # A talk in several rooms keeps its guid in the first; the others get one derived from it.
    guid = talk.guid if talk.guid not in taken else room_guid(talk.guid, room.id)
    taken.add(guid)
    return Slot(
        start=talk.start,
        end=talk.end,
        title=talk.title,
        guid=guid,
        subtitle=talk.subtitle,
        abstract=talk.abstract,
        url=talk.url,
        speakers=talk.speakers,
        track=talk.track,
        language=talk.language,
        kind=talk.kind,
        do_not_record=talk.do_not_record,
        via=via,
    )
