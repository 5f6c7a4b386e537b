"""The rooms and their talks, as the rules of incidents need them."""

from collections.abc import Mapping
from datetime import UTC, datetime

from streaming_system.config import Room
from streaming_system.schedule.model import Schedule, Slot


class Programme:
    """The rooms of the conference, and the talk that is on in each.

    :param schedule: rooms without talks need no stream.
    """

    def __init__(self, rooms: Mapping[str, Room], schedule: Schedule) -> None:
        self.rooms = rooms
        self._schedule = schedule

    def current_talk(self, room: str, now: datetime) -> Slot | None:
        """Return the current talk of a room, excluding fillers and talks of other rooms."""
        schedule = self._schedule.rooms.get(room)
        for slot in schedule.upcoming(now, 1) if schedule else ():
            if slot.is_on(now) and not slot.is_filler and not slot.relayed_from:
                return slot
        return None

    def format_time(self, room: Room, time: datetime) -> str:
        """Return a time in the room's time zone."""
        schedule = self._schedule.rooms.get(room.id)
        zone = schedule.timezone if schedule else room.schedule_timezone or UTC
        return f"{time.astimezone(zone):%H:%M %Z}"
