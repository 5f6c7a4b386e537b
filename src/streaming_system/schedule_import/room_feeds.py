"""Finds the configured rooms of a feed, and compiles the schedule that a feed would give them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from streaming_system.config import ConferenceConfig, Room
from streaming_system.plugin.feed import FeedError
from streaming_system.schedule.model import RoomSchedule, Schedule
from streaming_system.schedule_import.compile import (
    RoomFeed,
    ScheduleError,
    compile_schedule,
    format_room_list,
    is_room_in_feed,
    possible_names,
)
from streaming_system.schedule_import.feed_reader import ParsedFeed


def rooms_of_feed(config: ConferenceConfig, source: str) -> list[Room]:
    """Return the rooms that use a feed; for a feed that no room uses, all that have one.

    :param source: URL or path; a relative path is relative to the working directory.
    """
    scheduled = [room for room in config.rooms.values() if room.schedule]
    using = [room for room in scheduled if is_feed_of(room, source)]
    return using or scheduled or list(config.rooms.values())


def is_feed_of(room: Room, source: str) -> bool:
    """Return whether a room uses a feed; ``source`` as in :func:`rooms_of_feed`."""
    return _locate(room.schedule) == _locate(source)


def _locate(source: str) -> str:
    return source if urlsplit(source).scheme in ("http", "https") else str(Path(source).resolve())


def default_room_names(rooms: Sequence[Room]) -> tuple[str, ...]:
    """Return the names that a feed can have for the room of its talks without one, the best first.

    That is the only room that uses the feed, or else the one that ``schedule-room-default`` names;
    () without it.

    :param rooms: the rooms that use the feed.
    """
    named = {room.schedule_room_default for room in rooms}
    default = rooms if len(rooms) == 1 else [room for room in rooms if named & room.names]
    return tuple(possible_names(default[0])) if default else ()


def preview_schedule(config: ConferenceConfig, source: str, parsed: ParsedFeed) -> Schedule:
    """Return the talks that the rooms of a feed would get by an import.

    A room that is missing in the feed has no talks if all rooms have the same feed; otherwise it
    is left out, because its talks can be in another feed.

    :raises FeedError: if the feed has no configured room, or not one that a room relays.
    """
    rooms = rooms_of_feed(config, source)
    names = sorted({name for talk in parsed.validated.talks for name in talk.rooms})
    present = [room for room in rooms if is_room_in_feed(room, names)]
    if not present:
        raise FeedError(f"has no configured room; it has: {format_room_list(names)}")
    feed = RoomFeed(validated=parsed.validated, timezone=parsed.timezone)
    try:
        schedule = compile_schedule(
            present, dict.fromkeys((room.id for room in present), feed), imported_at=None
        )
    except ScheduleError as error:
        raise FeedError(str(error)) from None
    if len({_locate(room.schedule) for room in rooms}) > 1:
        return schedule
    empty = RoomSchedule(timezone=ZoneInfo("UTC"), slots=())
    return replace(schedule, rooms={room.id: empty for room in rooms} | dict(schedule.rooms))
