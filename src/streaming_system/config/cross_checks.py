"""Checks of several keys and rooms together."""

from collections.abc import Mapping

from streaming_system.config.findings import WARNING
from streaming_system.config.model import Room, SiteConfig
from streaming_system.config.relive_source import ReliveSource
from streaming_system.config.sections import SITE, ConfigSections


def check_rooms(sections: ConfigSections, site: SiteConfig, rooms: Mapping[str, Room]) -> None:
    """Add what is wrong with rooms that refer to each other."""
    for room in rooms.values():
        _check_fallback_groups(sections, site, rooms, room)
        _check_default_room(sections, rooms, room)
    _check_former_ids(sections, rooms)
    _check_schedule_keys(sections, rooms)
    _check_relive(sections, rooms)


def _check_fallback_groups(
    sections: ConfigSections, site: SiteConfig, rooms: Mapping[str, Room], room: Room
) -> None:
    for fallback in room.fallbacks:
        known = fallback.value in rooms or fallback.value in site.groups
        if fallback.kind == "group" and not known:
            sections.add(
                room.id,
                ("fallbacks",),
                f"there is no room {fallback.value!r}, nor is it one of the groups in section "
                "'config'",
            )


def _check_default_room(sections: ConfigSections, rooms: Mapping[str, Room], room: Room) -> None:
    key, name = "schedule-room-default", room.schedule_room_default
    if name and not any(name in other.names for other in rooms.values()):
        is_inherited = not (sections.has_key(room.id, key) or sections.has_key("default", key))
        sections.add(
            SITE if is_inherited else room.id,
            (key,),
            f"there is no room {name!r:.80}; allowed: {', '.join(rooms)}",
        )


def _check_former_ids(sections: ConfigSections, rooms: Mapping[str, Room]) -> None:
    """Warn about former ids that do not lead to the room."""
    first = {room_id.casefold(): room_id for room_id in rooms}
    for room in rooms.values():
        for name in room.former_ids:
            other = first.setdefault(name.casefold(), room.id)
            if other != room.id:
                sections.add(
                    room.id,
                    ("former-ids",),
                    f"{name!r:.80} belongs to room {other!r}: its address does not lead here; "
                    "remove it",
                    severity=WARNING,
                )


def _check_schedule_keys(sections: ConfigSections, rooms: Mapping[str, Room]) -> None:
    """Warn about rooms that show the same talks."""
    first: dict[tuple[str, str], Room] = {}
    for room in rooms.values():
        if room.schedule_key:
            other = first.setdefault((room.schedule, room.schedule_key), room)
            if other is not room:
                sections.add(
                    room.id,
                    ("schedule-key",),
                    f"is {room.schedule_key!r:.80}, as in room {other.id!r}: both show the same "
                    "talks; give each room its own name in the feed",
                    severity=WARNING,
                )


def _check_relive(sections: ConfigSections, rooms: Mapping[str, Room]) -> None:
    """Warn about talks that would be looked up in the recording of another room."""
    first: dict[ReliveSource, str] = {}
    for room in rooms.values():
        if room.relive is None:
            continue
        if not room.schedule:
            sections.add(
                room.id,
                ("relive",),
                "has no effect: the room has no schedule",
                severity=WARNING,
            )
        other = first.setdefault(room.relive.for_room(room.id), room.id)
        if other != room.id and room.relive.kind != "index":
            sections.add(
                room.id,
                ("relive",),
                f"is the recording of room {other!r}: talks of both would show the same; write "
                "{room} in its place",
                severity=WARNING,
            )
