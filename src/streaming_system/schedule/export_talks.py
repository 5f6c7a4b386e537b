"""Collects the talks of an export, with the properties that all formats share."""

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from streaming_system.config import Room
from streaming_system.schedule.identity import as_uuid, derive_number, is_global, speaker_key
from streaming_system.schedule.model import Schedule, Slot

_NAMESPACE = uuid.UUID("7d1f6f2e-35c0-5d68-9f52-2f7f6c8e1b90")


@dataclass(frozen=True, kw_only=True)
class ExportSite:
    """The site to which an export links.

    :param title: name of the event.
    :param url: base URL of the site, without a slash at its end.
    """

    title: str
    url: str


@dataclass(frozen=True, kw_only=True)
class ExportTalk:
    """A talk in its room, independent of the format.

    :param event: qualifies guids that are unique within an event only; see :func:`event_of`.
    """

    slot: Slot
    event: str
    room: str
    page: str
    zone: ZoneInfo

    @property
    def start(self) -> datetime:
        return self.slot.start.astimezone(self.zone)

    @property
    def end(self) -> datetime:
        return self.slot.end.astimezone(self.zone)

    @property
    def guid(self) -> str:
        """The talk's guid as a UUID, as the schemas require."""
        return as_uuid(self.slot.guid, self.event)

    @property
    def uid(self) -> str:
        """The talk's guid as a UID of iCalendar, which is unique in the world."""
        return self.slot.guid if is_global(self.slot.guid) else self.guid

    @property
    def number(self) -> int:
        """The talk's number, as apps store it for favourites and alarms."""
        return self.slot.number or derive_number(self.slot.guid)

    @property
    def speakers(self) -> list[tuple[int, str]]:
        """The numbers and names of the speakers."""
        names = self.slot.speakers
        ids = self.slot.speaker_ids or [derive_number(speaker_key(name)) for name in names]
        return list(zip(ids, names, strict=True))

    @property
    def slug(self) -> str:
        return f"{self.number}-{slugify(self.slot.title)}"

    @property
    def links(self) -> list[tuple[str, str]]:
        return [("Live stream", f"{self.page}#stream"), ("The room's page", self.page)]


def event_of(room: Room, site_url: str) -> str:
    """Return the name of a room's event, or the host of the site if the event has no name.

    The title of the site would depend on the viewer's language.
    """
    return room.conference or urlsplit(site_url).hostname or ""


def export_talks(
    schedule: Schedule, rooms: Mapping[str, Room], site: ExportSite
) -> Iterator[ExportTalk]:
    """Yield the talks of the configured rooms.

    :param rooms: the configured rooms, by id.
    """
    titles = [room.title for room in rooms.values()]
    # A relayed talk is exported once: in its own room, if that is configured.
    in_own_room = {
        (slot.start, slot.title)
        for room_schedule in schedule.rooms.values()
        for slot in room_schedule.slots
        if not slot.relayed_from
    }
    for room_id, room_schedule in schedule.rooms.items():
        if room_id not in rooms:
            continue
        title = rooms[room_id].title
        name = title if titles.count(title) == 1 else f"{title} ({room_id})"
        for slot in room_schedule.slots:
            is_relay = slot.relayed_from and (slot.start, slot.title) in in_own_room
            if slot.is_filler or is_relay:
                continue
            yield ExportTalk(
                slot=slot,
                event=event_of(rooms[room_id], site.url),
                room=name,
                page=f"{site.url}/{room_id}",
                zone=room_schedule.timezone,
            )


def schedule_version(talks: list[ExportTalk]) -> str:
    """Return a version that only depends on the talks."""
    return uuid.uuid5(_NAMESPACE, repr([(talk.guid, talk.slot) for talk in talks])).hex[:12]


def slugify(title: str) -> str:
    """Return a title in lower-case letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "event"
