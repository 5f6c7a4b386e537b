"""Compiles the schedule of the site from the validated talks of its feeds."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from streaming_system.config import Room
from streaming_system.schedule.gaps import fill_gaps
from streaming_system.schedule.model import RoomSchedule, Schedule, Slot, Talk
from streaming_system.schedule_import.identifiers import PlacedTalk, TalkIds, assign_ids
from streaming_system.schedule_import.validate import ValidatedTalks
from streaming_system.util.sanitize import sanitise_text

MAX_ROOM_NAME_CHARS = 200
MAX_LISTED_ROOMS = 30


class ScheduleError(Exception):
    """The schedule cannot be compiled; the message is one line for the organiser."""


@dataclass(frozen=True, kw_only=True)
class RoomFeed:
    """The talks of the feed of one room, and the zone that the feed names.

    :param is_sample: whether the talks are made up, for trials.
    """

    validated: ValidatedTalks
    timezone: ZoneInfo | None = None
    is_sample: bool = False


def compile_schedule(
    rooms: Iterable[Room],
    feeds: Mapping[str, RoomFeed],
    *,
    imported_at: datetime | None,
    warn: Callable[[str], None] = lambda line: None,
) -> Schedule:
    """Return the schedule of all rooms that have a feed. A room that its feed lacks has no talks.

    :param feeds: by room id.
    :param imported_at: time of the import (UTC); ``None`` for a preview.
    :param warn: gets one line for each room, and each related room, that its feed lacks.
    :raises ScheduleError: if the feeds have none of the rooms.
    """
    rooms = [room for room in rooms if room.id in feeds]
    # In the order of the ids: identifiers of talks stay when rooms change places.
    slots = _slots_by_room(sorted(rooms, key=lambda room: room.id), feeds, warn)
    schedules = {}
    for room in rooms:
        zone = room.schedule_timezone or feeds[room.id].timezone or ZoneInfo("UTC")
        schedules[room.id] = RoomSchedule(
            timezone=zone,
            slots=_fill(room, rooms, slots, zone) if slots[room.id] else (),
            guid=_room_guid(room, feeds[room.id].validated),
            is_sample=feeds[room.id].is_sample,
        )
    return Schedule(rooms=schedules, imported_at=imported_at)


def _fill(
    room: Room, rooms: Iterable[Room], slots: Mapping[str, list[Slot]], zone: ZoneInfo
) -> tuple[Slot, ...]:
    """Return the slots of a room, with fillers from the begin of its conference to the end."""
    conference = _conference_title(room)
    conference_slots = [
        slot
        for other in rooms
        if _conference_title(other) == conference
        for slot in slots[other.id]
    ]
    return fill_gaps(
        slots[room.id],
        room=room.title,
        conference=conference,
        begin=min(slot.start for slot in conference_slots),
        end=max(slot.end for slot in conference_slots),
        zone=zone,
    )


def _conference_title(room: Room) -> str:
    return room.conference or room.title


def _room_guid(room: Room, validated: ValidatedTalks) -> str:
    names = sorted({name for talk in validated.talks for name in talk.rooms})
    return validated.room_guids.get(_room_feed_name(room, names) or "", "")


def _slots_by_room(
    rooms: Iterable[Room], feeds: Mapping[str, RoomFeed], warn: Callable[[str], None]
) -> dict[str, list[Slot]]:
    warnings: list[str] = []
    feeds_in_order: list[ValidatedTalks] = []
    placed = []
    for room in rooms:
        validated = feeds[room.id].validated
        if validated not in feeds_in_order:
            feeds_in_order.append(validated)
        placed.extend(
            _place_talks(room, validated.talks, feeds_in_order.index(validated), warnings)
        )
    if warnings and not placed:
        raise ScheduleError(warnings[0])
    for line in warnings:
        warn(line)
    slots: dict[str, list[Slot]] = {room.id: [] for room in rooms}
    all_ids = assign_ids(placed, [validated.talks for validated in feeds_in_order])
    for item, ids in zip(placed, all_ids, strict=True):
        slots[item.room_id].append(_make_slot(item, ids))
    return slots


def _place_talks(
    room: Room, talks: Iterable[Talk], feed: int, warnings: list[str]
) -> list[PlacedTalk]:
    """Return the talks of a room, and those of other rooms that it relays."""
    names = sorted({name for talk in talks for name in talk.rooms})
    feed_name = _room_feed_name(room, names)
    if feed_name is None:
        warnings.append(_describe_missing_room(room, names))
    relayed_names = []
    for name in room.schedule_see_also:
        relayed = sanitise_text(name, MAX_ROOM_NAME_CHARS)
        if relayed in names:
            relayed_names.append(relayed)
        else:
            warnings.append(
                f"room {room.id!r}: the feed has no room called {relayed!r} (schedule-see-also); "
                f"it has: {format_room_list(names)}"
            )
    placed = []
    for talk in talks:
        if feed_name in talk.rooms:
            rank = talk.rooms.index(feed_name)
            placed.append(PlacedTalk(talk=talk, room_id=room.id, feed=feed, rank=rank))
        elif relayed_from := next((name for name in relayed_names if name in talk.rooms), ""):
            placed.append(
                PlacedTalk(talk=talk, room_id=room.id, feed=feed, relayed_from=relayed_from)
            )
    return placed


def is_room_in_feed(room: Room, names: Collection[str]) -> bool:
    """Return whether a room is one of the feed's.

    :param names: the feed's rooms.
    """
    return any(name in names for name in possible_names(room))


def possible_names(room: Room) -> list[str]:
    """Return the names that a feed can have for a room, the best first."""
    names = (room.schedule_key,) if room.schedule_key else (*room.titles, room.id)
    return [sanitise_text(name, MAX_ROOM_NAME_CHARS) for name in names]


def _room_feed_name(room: Room, names: Collection[str]) -> str | None:
    """Return the name that the feed has for a room; ``None`` if it has none."""
    return next((name for name in possible_names(room) if name in names), None)


def _describe_missing_room(room: Room, names: list[str]) -> str:
    it_has = f"it has: {format_room_list(names)}"
    if room.schedule_key:
        [name] = possible_names(room)
        return f"room {room.id!r}: the feed has no room called {name!r} (schedule-key); {it_has}"
    return (
        f"room {room.id!r}: has no schedule-key, and the feed has no room called {room.title!r}; "
        f"{it_has}"
    )


def format_room_list(names: list[str]) -> str:
    """Return the names of a feed's rooms for a message, the first ones of a long list."""
    listed = ", ".join(repr(name) for name in names[:MAX_LISTED_ROOMS])
    more = len(names) - MAX_LISTED_ROOMS
    return f"{listed} and {more} more" if more > 0 else listed


def _make_slot(item: PlacedTalk, ids: TalkIds) -> Slot:
    talk = item.talk
    return Slot(
        start=talk.start,
        end=talk.end,
        title=talk.title,
        guid=ids.guid,
        number=ids.number,
        subtitle=talk.subtitle,
        abstract=talk.abstract,
        url=talk.url,
        speakers=talk.speakers,
        speaker_ids=ids.speaker_ids,
        track=talk.track,
        language=talk.language,
        talk_type=talk.talk_type,
        do_not_record=talk.do_not_record,
        recording_license=talk.recording_license,
        feedback_url=talk.feedback_url,
        links=talk.links,
        attachments=talk.attachments,
        relayed_from=item.relayed_from,
    )
