"""Compiles the schedule of the site from the validated talks of its feeds."""

from collections.abc import Collection, Iterable, Mapping
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
    """The talks of the feed of one room, and the zone that the feed names."""

    validated: ValidatedTalks
    timezone: ZoneInfo | None = None


def compile_schedule(
    rooms: Iterable[Room], feeds: Mapping[str, RoomFeed], *, imported_at: datetime | None
) -> Schedule:
    """Return the schedule of all rooms that have a feed.

    :param feeds: by room id.
    :param imported_at: time of the import (UTC); ``None`` for a preview.
    :raises ScheduleError: if a configured room is missing in its feed.
    """
    rooms = [room for room in rooms if room.id in feeds]
    # In the order of the ids: identifiers of talks stay when rooms change places.
    slots = _slots_by_room(sorted(rooms, key=lambda room: room.id), feeds)
    schedules = {}
    for room in rooms:
        zone = room.schedule_timezone or feeds[room.id].timezone or ZoneInfo("UTC")
        conference = _conference_title(room)
        conference_slots = [
            slot
            for other in rooms
            if _conference_title(other) == conference
            for slot in slots[other.id]
        ]
        schedules[room.id] = RoomSchedule(
            timezone=zone,
            slots=fill_gaps(
                slots[room.id],
                room=room.title,
                conference=conference,
                begin=min(slot.start for slot in conference_slots),
                end=max(slot.end for slot in conference_slots),
                zone=zone,
            ),
            guid=_room_guid(room, feeds[room.id].validated),
        )
    return Schedule(rooms=schedules, imported_at=imported_at)


def _conference_title(room: Room) -> str:
    return room.conference or room.title


def _room_guid(room: Room, validated: ValidatedTalks) -> str:
    names = sorted({name for talk in validated.talks for name in talk.rooms})
    return validated.room_guids.get(_room_feed_name(room, names), "")


def _slots_by_room(rooms: Iterable[Room], feeds: Mapping[str, RoomFeed]) -> dict[str, list[Slot]]:
    feeds_in_order: list[ValidatedTalks] = []
    placed = []
    for room in rooms:
        validated = feeds[room.id].validated
        if validated not in feeds_in_order:
            feeds_in_order.append(validated)
        placed.extend(_place_talks(room, validated.talks, feeds_in_order.index(validated)))
    slots: dict[str, list[Slot]] = {room.id: [] for room in rooms}
    all_ids = assign_ids(placed, [validated.talks for validated in feeds_in_order])
    for item, ids in zip(placed, all_ids, strict=True):
        slots[item.room_id].append(_make_slot(item, ids))
    return slots


def _place_talks(room: Room, talks: Iterable[Talk], feed: int) -> list[PlacedTalk]:
    """Return the talks of a room, and those of other rooms that it relays."""
    names = sorted({name for talk in talks for name in talk.rooms})
    feed_name = _room_feed_name(room, names)
    relayed_names = [
        _require_known_room(room, "schedule-see-also", name, names)
        for name in room.schedule_see_also
    ]
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


def _room_feed_name(room: Room, names: list[str]) -> str:
    """Return the name that the feed has for a room."""
    if room.schedule_key:
        return _require_known_room(room, "schedule-key", room.schedule_key, names)
    for name in possible_names(room):
        if name in names:
            return name
    raise ScheduleError(
        f"room {room.id!r}: has no schedule-key, and the feed has no room called {room.title!r}; "
        f"it has: {format_room_list(names)}"
    )


def _require_known_room(room: Room, key: str, name: str, names: list[str]) -> str:
    feed_name = sanitise_text(name, MAX_ROOM_NAME_CHARS)
    if feed_name not in names:
        raise ScheduleError(
            f"room {room.id!r}: the feed has no room called {feed_name!r} ({key}); "
            f"it has: {format_room_list(names)}"
        )
    return feed_name


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
