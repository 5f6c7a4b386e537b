"""Collects the talks of an export, with the properties that all formats share."""

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from streaming_system.config import Room
from streaming_system.schedule.days import day_start, main_zone, schedule_day
from streaming_system.schedule.identity import as_uuid, derive_number, is_global, speaker_key
from streaming_system.schedule.model import RoomSchedule, Schedule, Slot
from streaming_system.schedule.site_links import (
    ROOM_LINK_TITLE,
    STREAM_LINK_TITLE,
    talk_page,
)

_NAMESPACE = uuid.UUID("7d1f6f2e-35c0-5d68-9f52-2f7f6c8e1b90")
_MINUTE = timedelta(minutes=1)
MAX_SLUG_CHARS = 60
MIN_ACRONYM_CHARS = 4


@dataclass(frozen=True, kw_only=True)
class ExportSite:
    """The site to which an export links.

    :param title: name of the event.
    :param url: base URL of the site, without a slash at its end.
    """

    title: str
    url: str


@dataclass(frozen=True, kw_only=True)
class ExportRoom:
    """A room of an export.

    :param name: unique among the rooms.
    :param guid: the UUID of the feed, else one derived from the page.
    :param page: URL of the room's page.
    """

    id: str
    name: str
    guid: str
    page: str

    @property
    def site_links(self) -> list[tuple[str, str]]:
        """Title and URL of the links that an export adds to each talk."""
        return [(STREAM_LINK_TITLE, f"{self.page}#stream"), (ROOM_LINK_TITLE, self.page)]


@dataclass(frozen=True, kw_only=True)
class ExportPerson:
    """A speaker, with an id that stays the same over imports."""

    id: int
    guid: str
    name: str


@dataclass(frozen=True, kw_only=True)
class ExportTalk:
    """A talk in its room, independent of the format.

    :param event: qualifies guids that are unique within an event only; see :func:`event_of`.
    :param page: URL of the talk's page on the site.
    :param zone: the zone of the export.
    """

    slot: Slot
    event: str
    room: ExportRoom
    page: str
    zone: ZoneInfo

    @property
    def start(self) -> datetime:
        return self.slot.start.astimezone(self.zone)

    @property
    def end(self) -> datetime:
        return self.slot.end.astimezone(self.zone)

    @property
    def day(self) -> date:
        """The day on which pages show the talk."""
        return schedule_day(self.slot.start, self.zone)

    @property
    def minutes(self) -> int:
        """The length between the full minutes at or before start and end; at least one."""
        return max(_full_minutes(self.slot.end) - _full_minutes(self.slot.start), 1)

    @property
    def has_exact_minutes(self) -> bool:
        """Whether :attr:`minutes` is the exact length."""
        return self.slot.end - self.slot.start == self.minutes * _MINUTE

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
    def url(self) -> str:
        """The URL of the feed, else the talk's page on the site."""
        return self.slot.url or self.page

    @property
    def persons(self) -> list[ExportPerson]:
        names = self.slot.speakers
        ids = self.slot.speaker_ids or [derive_number(speaker_key(name)) for name in names]
        return [
            ExportPerson(id=number, guid=as_uuid(f"speaker-{number}", self.event), name=name)
            for number, name in zip(ids, names, strict=True)
        ]


@dataclass(frozen=True, kw_only=True)
class ScheduleExport:
    """The content of an export.

    :param zone: the zone of most rooms.
    :param rooms: the rooms with talks, in the order of the configuration.
    :param talks: by room, in order of time.
    """

    site: ExportSite
    zone: ZoneInfo
    rooms: tuple[ExportRoom, ...]
    talks: tuple[ExportTalk, ...]

    @property
    def acronym(self) -> str:
        """The name of the event in lower-case letters, digits and underscores."""
        acronym = slugify(self.site.title).replace("-", "_")
        return acronym if len(acronym) >= MIN_ACRONYM_CHARS else f"{acronym}_event"

    @property
    def version(self) -> str:
        """A version that only depends on the talks."""
        talks = [(talk.guid, talk.slot) for talk in self.talks]
        return uuid.uuid5(_NAMESPACE, repr(talks)).hex[:12]

    @cached_property
    def days(self) -> list["ExportDay"]:
        """The days with talks; today if there are none, as the schemas require a day."""
        days = sorted({talk.day for talk in self.talks}) or [datetime.now(UTC).date()]
        return [ExportDay(index=index, date=day, export=self) for index, day in enumerate(days, 1)]

    def slug(self, talk: ExportTalk) -> str:
        """Return a unique readable name of a talk."""
        return f"{self.acronym}-{talk.number}-{slugify(talk.slot.title)}"


@dataclass(frozen=True, kw_only=True)
class ExportDay:
    """A day of the schedule; the talks after midnight belong to the day before.

    :param index: its number, from 1.
    """

    index: int
    date: date
    export: ScheduleExport

    @property
    def start(self) -> datetime:
        return day_start(self.date, self.export.zone)

    @property
    def end(self) -> datetime:
        return day_start(self.date + timedelta(days=1), self.export.zone)

    @property
    def talks_by_room(self) -> dict[ExportRoom, list[ExportTalk]]:
        """The talks of all rooms, also of those without talks on this day.

        Apps show rooms in the order in which they first occur.
        """
        talks: dict[ExportRoom, list[ExportTalk]] = {room: [] for room in self.export.rooms}
        for talk in self.export.talks:
            if talk.day == self.date:
                talks[talk.room].append(talk)
        return talks


def event_of(room: Room, site_url: str) -> str:
    """Return the name of a room's event, or the host of the site if the event has no name.

    The title of the site would depend on the viewer's language.
    """
    return room.conference or urlsplit(site_url).hostname or ""


def collect_export(
    schedule: Schedule, rooms: Mapping[str, Room], site: ExportSite
) -> ScheduleExport:
    """Return the talks of the configured rooms.

    :param rooms: the configured rooms, by id.
    """
    scheduled = {room_id: schedule.rooms[room_id] for room_id in rooms if room_id in schedule.rooms}
    zone = main_zone(room.timezone for room in scheduled.values())
    # A relayed talk is exported once: in its own room, if that is configured.
    in_own_room = {
        (slot.start, slot.title)
        for room_schedule in schedule.rooms.values()
        for slot in room_schedule.slots
        if not slot.relayed_from
    }
    talks: list[ExportTalk] = []
    for room_id, room_schedule in scheduled.items():
        room = _export_room(room_id, room_schedule, rooms, site)
        talks += [
            ExportTalk(
                slot=slot,
                event=event_of(rooms[room_id], site.url),
                room=room,
                page=talk_page(site.url, slot),
                zone=zone,
            )
            for slot in _exported_slots(room_schedule, in_own_room)
        ]
    return ScheduleExport(
        site=site,
        zone=zone,
        rooms=tuple(dict.fromkeys(talk.room for talk in talks)),
        talks=tuple(talks),
    )


def _export_room(
    room_id: str, room_schedule: RoomSchedule, rooms: Mapping[str, Room], site: ExportSite
) -> ExportRoom:
    title = rooms[room_id].title
    is_unique = sum(room.title == title for room in rooms.values()) == 1
    page = f"{site.url}/{room_id}"
    return ExportRoom(
        id=room_id,
        name=title if is_unique else f"{title} ({room_id})",
        guid=room_schedule.guid or str(uuid.uuid5(uuid.NAMESPACE_URL, page)),
        page=page,
    )


def _exported_slots(
    room_schedule: RoomSchedule, in_own_room: set[tuple[datetime, str]]
) -> Iterator[Slot]:
    for slot in room_schedule.slots:
        is_relay = slot.relayed_from and (slot.start, slot.title) in in_own_room
        if not slot.is_filler and not is_relay:
            yield slot


def _full_minutes(instant: datetime) -> int:
    return int(instant.timestamp()) // 60


def slugify(title: str) -> str:
    """Return a title in lower-case letters, digits and hyphens."""
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    return slug[:MAX_SLUG_CHARS].rstrip("-") or "event"
