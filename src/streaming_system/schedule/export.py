"""Gives the schedule back in the formats that phone apps read, with links to the streams.

schedule.xml keeps the rules of the C3VOC's XML Schema, schedule.json those of its JSON Schema
version 1 (https://github.com/voc/schedule), iCalendar those of RFC 5545.
"""

import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import nh3
from lxml import etree

from streaming_system.config import Room
from streaming_system.schedule.model import Schedule, Slot

_NAMESPACE = uuid.UUID("7d1f6f2e-35c0-5d68-9f52-2f7f6c8e1b90")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, kw_only=True)
class ExportSite:
    """Whose schedule it is.

    :param title: what the event is called.
    :param url: the address of the site, on which the links are built, without a slash at its end.
    """

    title: str
    url: str


@dataclass(frozen=True, kw_only=True)
class _ExportTalk:
    """A talk in its room, as all formats tell it."""

    number: int
    event: Slot
    room: str
    page: str
    zone: ZoneInfo

    @property
    def start(self) -> datetime:
        return self.event.start.astimezone(self.zone)

    @property
    def end(self) -> datetime:
        return self.event.end.astimezone(self.zone)

    @property
    def guid(self) -> str:
        """The event's guid as a UUID, which the schemas ask for."""
        guid = self.event.guid
        return guid if _UUID.fullmatch(guid) else str(uuid.uuid5(_NAMESPACE, guid))

    @property
    def slug(self) -> str:
        return f"{self.number}-{_slug(self.event.title)}"

    @property
    def links(self) -> list[tuple[str, str]]:
        return [("Live stream", f"{self.page}#stream"), ("The room's page", self.page)]


def export_schedule(
    schedule: Schedule, rooms: Mapping[str, Room], site: ExportSite, form: str
) -> bytes:
    """Return the talks of all rooms; what fills gaps is left out.

    :param rooms: the configured rooms, by id; only these are exported.
    :param form: one of :data:`EXPORT_FORMATS`.
    """
    return EXPORT_FORMATS[form](list(_export_talks(schedule, rooms, site)), site)


def _export_talks(
    schedule: Schedule, rooms: Mapping[str, Room], site: ExportSite
) -> Iterator[_ExportTalk]:
    titles = [room.title for room in rooms.values()]
    number = 0
    # What is shown in a room but happens in another is exported there, if that is one of ours.
    at_home = {
        (event.start, event.title)
        for planned in schedule.rooms.values()
        for event in planned.events
        if not event.via
    }
    for room_id, planned in schedule.rooms.items():
        if room_id not in rooms:
            continue
        title = rooms[room_id].title
        name = title if titles.count(title) == 1 else f"{title} ({room_id})"
        for event in planned.events:
            if event.generated or (event.via and (event.start, event.title) in at_home):
                continue
            number += 1
            yield _ExportTalk(
                number=number,
                event=event,
                room=name,
                page=f"{site.url}/{room_id}",
                zone=planned.timezone,
            )


def _talks_by_day(items: list[_ExportTalk]) -> dict[date, dict[str, list[_ExportTalk]]]:
    days: dict[date, dict[str, list[_ExportTalk]]] = {}
    for item in sorted(items, key=lambda item: (item.start.date(), item.room, item.start)):
        days.setdefault(item.start.date(), {}).setdefault(item.room, []).append(item)
    return days


def _conference_fields(items: list[_ExportTalk], site: ExportSite) -> dict[str, Any]:
    days = sorted({item.start.date() for item in items})
    return {
        "acronym": _slug(site.title),
        "title": site.title,
        **({"start": days[0].isoformat(), "end": days[-1].isoformat()} if days else {}),
        "days": len(days),
        "timeslot_duration": "00:05",
        "base_url": f"{site.url}/",
        "time_zone_name": items[0].zone.key if items else "UTC",
    }


def to_xml(items: list[_ExportTalk], site: ExportSite) -> bytes:
    """Return schedule.xml."""
    root = etree.Element("schedule")
    etree.SubElement(root, "generator", name="streaming-system")
    _append_text(root, "version", _schedule_version(items))
    conference = etree.SubElement(root, "conference")
    for name, value in _conference_fields(items, site).items():
        _append_text(conference, name, str(value))
    # The schema wants a day, even of an event that has none.
    days = _talks_by_day(items) or {date.today(): {}}  # noqa: DTZ011 - No talk depends on it.
    for index, (day, rooms) in enumerate(days.items(), 1):
        attributes = {"index": str(index), "date": day.isoformat()}
        if rooms:
            begins, ends = _time_range(rooms)
            attributes |= {"start": begins.isoformat(), "end": ends.isoformat()}
        day_element = etree.SubElement(root, "day", attributes)
        for room, planned in rooms.items():
            room_element = etree.SubElement(day_element, "room", name=room)
            for item in planned:
                _append_talk(room_element, item)
    return etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True)


def _time_range(rooms: Mapping[str, list[_ExportTalk]]) -> tuple[datetime, datetime]:
    items = [item for planned in rooms.values() for item in planned]
    return min(item.start for item in items), max(item.end for item in items)


def _append_talk(room: etree._Element, item: _ExportTalk) -> None:
    event = item.event
    element = etree.SubElement(room, "event", guid=item.guid, id=str(item.number))
    for name, value in (
        ("date", item.start.isoformat()),
        ("start", f"{item.start:%H:%M}"),
        ("duration", _format_duration(event)),
        ("room", item.room),
        ("slug", item.slug),
        ("url", event.url or item.page),
        ("title", event.title),
        ("subtitle", event.subtitle),
        ("track", event.track),
        ("type", event.kind),
        ("language", event.language),
        ("abstract", event.abstract),
        ("description", ""),
    ):
        _append_text(element, name, value)
    if event.do_not_record is not None:
        recording = etree.SubElement(element, "recording")
        _append_text(recording, "license", "")
        _append_text(recording, "optout", "true" if event.do_not_record else "false")
    persons = etree.SubElement(element, "persons")
    for name in event.speakers:
        _append_text(persons, "person", name)
    links = etree.SubElement(element, "links")
    for label, url in item.links:
        etree.SubElement(links, "link", href=url).text = label


def _append_text(parent: etree._Element, name: str, value: str) -> None:
    etree.SubElement(parent, name).text = value


def to_json(items: list[_ExportTalk], site: ExportSite) -> bytes:
    """Return schedule.json, version 1."""
    conference = _conference_fields(items, site)
    conference["daysCount"] = conference.pop("days")
    document = {
        "schedule": {
            "generator": {"name": "streaming-system"},
            "version": _schedule_version(items),
            "base_url": f"{site.url}/",
            "conference": {
                **conference,
                "rooms": [{"name": room} for room in dict.fromkeys(item.room for item in items)],
                "days": [
                    _json_day(index, day, rooms)
                    for index, (day, rooms) in enumerate(_talks_by_day(items).items(), 1)
                ],
            },
        }
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def _json_day(index: int, day: date, rooms: Mapping[str, list[_ExportTalk]]) -> dict[str, Any]:
    begins, ends = _time_range(rooms)
    return {
        "index": index,
        "date": day.isoformat(),
        "day_start": begins.isoformat(),
        "day_end": ends.isoformat(),
        "rooms": {room: [_json_talk(item) for item in planned] for room, planned in rooms.items()},
    }


def _json_talk(item: _ExportTalk) -> dict[str, Any]:
    event = item.event
    return {
        "guid": item.guid,
        "id": item.number,
        "date": item.start.isoformat(),
        "start": f"{item.start:%H:%M}",
        "end": item.end.isoformat(),
        "duration": _format_duration(event),
        "room": item.room,
        "slug": item.slug,
        "url": event.url or item.page,
        "title": event.title,
        "subtitle": event.subtitle,
        "track": event.track,
        "type": event.kind,
        "language": event.language,
        "abstract": event.abstract,
        "description": "",
        "do_not_record": event.do_not_record,
        "persons": [
            {"id": number, "public_name": name} for number, name in enumerate(event.speakers, 1)
        ],
        "links": [{"title": label, "url": url} for label, url in item.links],
    }


def to_ics(items: list[_ExportTalk], site: ExportSite) -> bytes:
    """Return iCalendar, with the zones that its times are in."""
    # Its hundred modules would take longer than any other part of a worker's start.
    import icalendar

    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//streaming-system//schedule//EN")
    calendar.add("version", "2.0")
    calendar.add("name", site.title)
    calendar.add("x-wr-calname", site.title)
    if items:
        calendar.add("x-wr-timezone", items[0].zone.key)
    for item in items:
        event = icalendar.Event()
        event.add("uid", item.event.guid)
        # The same talk gives the same bytes, so that a cache can tell that nothing has changed.
        event.add("dtstamp", item.event.start)
        event.add("dtstart", item.start)
        event.add("dtend", item.end)
        event.add("summary", item.event.title)
        event.add("location", item.room)
        event.add("url", item.event.url or item.page)
        event.add("description", _description(item))
        if item.event.track:
            event.add("categories", [item.event.track])
        calendar.add_component(event)
    calendar.add_missing_timezones()
    ics: bytes = calendar.to_ical()
    return ics


def _description(item: _ExportTalk) -> str:
    about = nh3.clean(re.sub(r"<br>|</p>|</li>", "\n", item.event.abstract), tags=set())
    parts = [", ".join(item.event.speakers), unescape(about).strip(), f"Live: {item.page}"]
    return "\n\n".join(filter(None, parts))


def _format_duration(event: Slot) -> str:
    minutes, seconds = divmod(int((event.end - event.start) / timedelta(seconds=1)), 60)
    clock = f"{minutes // 60:02}:{minutes % 60:02}"
    return f"{clock}:{seconds:02}" if seconds else clock


def _schedule_version(items: list[_ExportTalk]) -> str:
    """Return a name for this state of the schedule: the same talks have the same."""
    told = repr([(item.guid, item.event) for item in items])
    return uuid.uuid5(_NAMESPACE, told).hex[:12]


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "event"


EXPORT_FORMATS: Mapping[str, Callable[[list[_ExportTalk], ExportSite], bytes]] = {
    "frab-xml": to_xml,
    "json": to_json,
    "ics": to_ics,
}
