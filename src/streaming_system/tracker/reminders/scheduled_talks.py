"""The talks and rooms that viewers can be reminded of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from streaming_system.config import ConferenceConfig
from streaming_system.config.events import room_prefix, title_prefix
from streaming_system.schedule.model import Schedule
from streaming_system.schedule.site_links import talk_id
from streaming_system.tracker.event_rooms import SiteSchedules, event_mount


@dataclass(frozen=True, kw_only=True)
class ScheduledTalk:
    """A talk of the current schedule.

    :param room: the title of its room.
    :param path: the id of the room within its conference, as in the address of its page.
    """

    title: str
    start: datetime
    end: datetime
    room: str
    path: str


@dataclass(frozen=True, kw_only=True)
class ScheduledRoom:
    """A room of the configuration.

    :param until: the end of its last talk; ``None`` if it has none.
    """

    title: str
    path: str
    until: datetime | None


@dataclass(frozen=True, kw_only=True)
class ReminderSubjects:
    """Talks and rooms by their ids in the tracker, which have the prefix of their conference."""

    talks: Mapping[str, ScheduledTalk]
    rooms: Mapping[str, ScheduledRoom]

    def expiry(self, kind: str, subject: str) -> datetime | None:
        """Return when a reminder expires; ``None`` if the schedule has no such talk or room."""
        if kind == "talk":
            talk = self.talks.get(subject)
            return talk.end if talk else None
        room = self.rooms.get(subject)
        return room.until if room else None


class ScheduledTalksCache:
    """The index of the current schedule. It is thread-safe.

    :param schedule: ``None`` if the tracker has none.
    """

    def __init__(self, schedule: SiteSchedules | None, settings: Mapping[str, Any]) -> None:
        self._store = schedule
        self._settings = settings
        self._cached: tuple[Schedule, ConferenceConfig, ReminderSubjects] | None = None

    def current(self, conference: ConferenceConfig) -> ReminderSubjects:
        """Return the index; the same object until the schedule or the configuration changes."""
        schedule = self._store.current() if self._store else Schedule()
        cached = self._cached
        if cached is None or cached[0] is not schedule or cached[1] is not conference:
            index = _build_index(schedule, conference, self._settings)
            self._cached = cached = schedule, conference, index
        return cached[2]


def _build_index(
    schedule: Schedule, conference: ConferenceConfig, settings: Mapping[str, Any]
) -> ReminderSubjects:
    talks: dict[str, ScheduledTalk] = {}
    rooms: dict[str, ScheduledRoom] = {}
    for room in conference.rooms.values():
        mount = event_mount(settings, room.id)
        event = mount.path.removeprefix("/")
        title = room.title.removeprefix(title_prefix(event))
        room_schedule = schedule.rooms.get(room.id)
        slots = [s for s in room_schedule.slots if not s.is_filler] if room_schedule else []
        rooms[room.id] = ScheduledRoom(
            title=title,
            path=mount.room,
            until=max((slot.end for slot in slots), default=None),
        )
        for slot in slots:
            key = f"{room_prefix(event)}{talk_id(slot)}"
            # A talk that several rooms show belongs to the room it is in.
            if key not in talks or not slot.relayed_from:
                talks[key] = ScheduledTalk(
                    title=slot.title,
                    start=slot.start,
                    end=slot.end,
                    room=title,
                    path=mount.room,
                )
    return ReminderSubjects(talks=talks, rooms=rooms)
