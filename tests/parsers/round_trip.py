"""Imports feeds, exports the schedule, and imports the export again."""

from dataclasses import replace
from datetime import UTC, datetime

from streaming_system.config import Room
from streaming_system.plugin import open_feed
from streaming_system.schedule.export import export_schedule
from streaming_system.schedule.export_talks import ExportSite
from streaming_system.schedule_import.compile import RoomFeed, compile_schedule
from streaming_system.schedule_import.parsers import load_parsers, parse_and_validate, select_parser

SITE = ExportSite(title="Conf 2026", url="https://live.example.org")
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
PARSERS = load_parsers()


def import_feed(data, zone=None, rooms=None, talks=None):
    """Return the schedule of a feed, and its rooms, by default one for each room of the feed.

    :param talks: import about as many talks only, from the first to the last.
    """
    feed = open_feed(data)
    validated, context = parse_and_validate(feed, select_parser(feed, PARSERS), zone)
    if talks:
        step = max(1, len(validated.talks) // talks)
        validated = replace(validated, talks=validated.talks[::step])
    if rooms is None:
        names = dict.fromkeys(name for talk in validated.talks for name in talk.rooms)
        rooms = {f"r{n}": Room(id=f"r{n}", title=name) for n, name in enumerate(names)}
    room_feed = RoomFeed(validated=validated, timezone=context.feed_timezone or zone)
    schedule = compile_schedule(rooms.values(), dict.fromkeys(rooms, room_feed), imported_at=NOW)
    return schedule, rooms, validated


def talks_by_guid(schedule):
    """Return the talks of a schedule with their rooms, by guid."""
    return {
        slot.guid: (room_id, slot)
        for room_id, room in schedule.rooms.items()
        for slot in room.slots
        if not slot.is_filler
    }


def differences(schedule, rooms, export_format):
    """Return the fields that an export and its import change, as readable lines."""
    data = export_schedule(schedule, rooms, SITE, export_format)
    again, _, validated = import_feed(data, rooms=rooms)
    before, after = talks_by_guid(schedule), talks_by_guid(again)
    lines = [f"skipped: {entry}" for entry in validated.skipped]
    lines += [f"lost or new: {guid}" for guid in sorted(before.keys() ^ after.keys())]
    for guid in before.keys() & after.keys():
        (room, talk), (new_room, new_talk) = before[guid], after[guid]
        if room != new_room:
            lines.append(f"{guid}: room: {room} -> {new_room}")
        for name in talk.__slots__:
            old, new = getattr(talk, name), getattr(new_talk, name)
            if old != new:
                lines.append(f"{guid}: {name}: {old!r:.300} -> {new!r:.300}")
    lines += [
        f"guid of room {room_id}: {room.guid} -> {again.rooms[room_id].guid}"
        for room_id, room in schedule.rooms.items()
        if room.guid and export_format != "ics" and room.guid != again.rooms[room_id].guid
    ]
    return lines
