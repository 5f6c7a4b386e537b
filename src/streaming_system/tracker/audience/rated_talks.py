"""Finds the talks that viewers rate with the site's own form."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streaming_system.config import ConferenceConfig
from streaming_system.config.events import room_prefix
from streaming_system.config.social import INTERNAL_FEEDBACK
from streaming_system.schedule.model import Schedule, Slot
from streaming_system.schedule.site_links import talk_id
from streaming_system.tracker.event_rooms import SiteSchedules, event_mount


@dataclass(frozen=True, kw_only=True)
class RatedTalk:
    """A talk of a room that has the site's own form.

    :param conference: the name of its conference; "" for the site itself.
    """

    id: str
    room: str
    slot: Slot
    conference: str = ""


class RatedTalks:
    """The talks of the current schedule by id. It is thread-safe.

    Talks of a conference have the prefix of its rooms, because ids are unique in a schedule only.

    :param schedule: ``None`` if the tracker has none; then no talk can be rated.
    """

    def __init__(self, schedule: SiteSchedules | None, settings: Mapping[str, Any]) -> None:
        self._store = schedule
        self._settings = settings
        self._cached: tuple[Schedule, ConferenceConfig, Mapping[str, RatedTalk]] | None = None

    def find(self, talk: str, conference: ConferenceConfig) -> RatedTalk | None:
        """Return the talk with an id, if its room has the form."""
        return self._by_id(conference).get(talk)

    def _by_id(self, conference: ConferenceConfig) -> Mapping[str, RatedTalk]:
        schedule = self._store.current() if self._store else Schedule()
        cached = self._cached
        if cached is None or cached[0] is not schedule or cached[1] is not conference:
            self._cached = cached = (
                schedule,
                conference,
                _index_talks(schedule, conference, self._settings),
            )
        return cached[2]


def _index_talks(
    schedule: Schedule, conference: ConferenceConfig, settings: Mapping[str, Any]
) -> Mapping[str, RatedTalk]:
    """Return the talks by id; one that several rooms show belongs to the room it is in."""
    talks: dict[str, RatedTalk] = {}
    for room in conference.rooms.values():
        room_schedule = schedule.rooms.get(room.id)
        if room.feedback != INTERNAL_FEEDBACK or room_schedule is None:
            continue
        event = event_mount(settings, room.id).path.removeprefix("/")
        for slot in room_schedule.slots:
            name = talk_id(slot)
            key = f"{room_prefix(event)}{name}"
            if not slot.is_filler and (key not in talks or not slot.relayed_from):
                talks[key] = RatedTalk(id=name, room=room.id, slot=slot, conference=event)
    return talks
