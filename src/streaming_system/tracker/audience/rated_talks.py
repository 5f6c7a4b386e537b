"""Finds the talks that viewers rate with the site's own form."""

from collections.abc import Mapping
from dataclasses import dataclass

from streaming_system.config import ConferenceConfig
from streaming_system.config.social import INTERNAL_FEEDBACK
from streaming_system.schedule.model import Schedule, Slot
from streaming_system.schedule.site_links import talk_id
from streaming_system.schedule.store import ScheduleStore


@dataclass(frozen=True, kw_only=True)
class RatedTalk:
    """A talk of a room that has the site's own form.

    :param conference: the id of its conference; "" for the only one of a site.
    """

    id: str
    room: str
    slot: Slot
    conference: str = ""


class RatedTalks:
    """The talks of the current schedule by id. It is thread-safe.

    :param schedule: ``None`` if the tracker has none; then no talk can be rated.
    """

    def __init__(self, schedule: ScheduleStore | None) -> None:
        self._store = schedule
        self._cached: tuple[Schedule, ConferenceConfig, Mapping[str, RatedTalk]] | None = None

    def find(self, talk: str, conference: ConferenceConfig) -> RatedTalk | None:
        """Return the talk with an id, if its room has the form."""
        return self._by_id(conference).get(talk)

    def _by_id(self, conference: ConferenceConfig) -> Mapping[str, RatedTalk]:
        schedule = self._store.current() if self._store else Schedule()
        cached = self._cached
        if cached is None or cached[0] is not schedule or cached[1] is not conference:
            self._cached = cached = schedule, conference, _index_talks(schedule, conference)
        return cached[2]


def _index_talks(schedule: Schedule, conference: ConferenceConfig) -> Mapping[str, RatedTalk]:
    """Return the talks by id; one that several rooms show belongs to the room it is in."""
    talks: dict[str, RatedTalk] = {}
    for room in conference.rooms.values():
        room_schedule = schedule.rooms.get(room.id)
        if room.feedback != INTERNAL_FEEDBACK or room_schedule is None:
            continue
        for slot in room_schedule.slots:
            name = talk_id(slot)
            if not slot.is_filler and (name not in talks or not slot.relayed_from):
                talks[name] = RatedTalk(id=name, room=room.id, slot=slot)
    return talks
