"""Exports the schedule in the formats of phone apps, with links to the streams.

schedule.xml follows the C3VOC's XML Schema, schedule.json its JSON Schema version 1
(https://github.com/voc/schedule), iCalendar RFC 5545.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from html import unescape
from typing import Any

import nh3
from lxml import etree

from streaming_system.config import Room
from streaming_system.schedule.export_talks import (
    ExportSite,
    ExportTalk,
    export_talks,
    schedule_version,
    slugify,
)
from streaming_system.schedule.model import Schedule, Slot


def export_schedule(
    schedule: Schedule, rooms: Mapping[str, Room], site: ExportSite, export_format: str
) -> bytes:
    """Return the talks of the configured rooms as a document.

    :param rooms: the configured rooms, by id.
    :param export_format: a key of :data:`EXPORT_FORMATS`.
    """
    return EXPORT_FORMATS[export_format](list(export_talks(schedule, rooms, site)), site)


def _talks_by_day(talks: list[ExportTalk]) -> dict[date, dict[str, list[ExportTalk]]]:
    days: dict[date, dict[str, list[ExportTalk]]] = {}
    for talk in sorted(talks, key=lambda talk: (talk.start.date(), talk.room, talk.start)):
        days.setdefault(talk.start.date(), {}).setdefault(talk.room, []).append(talk)
    return days


def _conference_fields(talks: list[ExportTalk], site: ExportSite) -> dict[str, Any]:
    days = sorted({talk.start.date() for talk in talks})
    return {
        "acronym": slugify(site.title),
        "title": site.title,
        **({"start": days[0].isoformat(), "end": days[-1].isoformat()} if days else {}),
        "days": len(days),
        "timeslot_duration": "00:05",
        "base_url": f"{site.url}/",
        "time_zone_name": talks[0].zone.key if talks else "UTC",
    }


def to_xml(talks: list[ExportTalk], site: ExportSite) -> bytes:
    """Return schedule.xml."""
    root = etree.Element("schedule")
    etree.SubElement(root, "generator", name="streaming-system")
    _append_text(root, "version", schedule_version(talks))
    conference = etree.SubElement(root, "conference")
    for name, value in _conference_fields(talks, site).items():
        _append_text(conference, name, str(value))
    # The schema requires at least one day.
    days = _talks_by_day(talks) or {date.today(): {}}  # noqa: DTZ011 - A placeholder.
    for index, (day, rooms) in enumerate(days.items(), 1):
        attributes = {"index": str(index), "date": day.isoformat()}
        if rooms:
            start, end = _time_range(rooms)
            attributes |= {"start": start.isoformat(), "end": end.isoformat()}
        day_element = etree.SubElement(root, "day", attributes)
        for room, room_talks in rooms.items():
            room_element = etree.SubElement(day_element, "room", name=room)
            for talk in room_talks:
                _append_talk(room_element, talk)
    return etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True)


def _time_range(rooms: Mapping[str, list[ExportTalk]]) -> tuple[datetime, datetime]:
    talks = [talk for room_talks in rooms.values() for talk in room_talks]
    return min(talk.start for talk in talks), max(talk.end for talk in talks)


def _append_talk(room: etree._Element, talk: ExportTalk) -> None:
    slot = talk.slot
    element = etree.SubElement(room, "event", guid=talk.guid, id=str(talk.number))
    for name, value in (
        ("date", talk.start.isoformat()),
        ("start", f"{talk.start:%H:%M}"),
        ("duration", _format_duration(slot)),
        ("room", talk.room),
        ("slug", talk.slug),
        ("url", slot.url or talk.page),
        ("title", slot.title),
        ("subtitle", slot.subtitle),
        ("track", slot.track),
        ("type", slot.talk_type),
        ("language", slot.language),
        ("abstract", slot.abstract),
        ("description", ""),
    ):
        _append_text(element, name, value)
    if slot.do_not_record is not None:
        recording = etree.SubElement(element, "recording")
        _append_text(recording, "license", "")
        _append_text(recording, "optout", "true" if slot.do_not_record else "false")
    persons = etree.SubElement(element, "persons")
    for speaker_id, name in talk.speakers:
        etree.SubElement(persons, "person", id=str(speaker_id)).text = name
    links = etree.SubElement(element, "links")
    for label, url in talk.links:
        etree.SubElement(links, "link", href=url).text = label


def _append_text(parent: etree._Element, name: str, value: str) -> None:
    etree.SubElement(parent, name).text = value


def to_json(talks: list[ExportTalk], site: ExportSite) -> bytes:
    """Return schedule.json, version 1."""
    conference = _conference_fields(talks, site)
    conference["daysCount"] = conference.pop("days")
    document = {
        "schedule": {
            "generator": {"name": "streaming-system"},
            "version": schedule_version(talks),
            "base_url": f"{site.url}/",
            "conference": {
                **conference,
                "rooms": [{"name": room} for room in dict.fromkeys(talk.room for talk in talks)],
                "days": [
                    _json_day(index, day, rooms)
                    for index, (day, rooms) in enumerate(_talks_by_day(talks).items(), 1)
                ],
            },
        }
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def _json_day(index: int, day: date, rooms: Mapping[str, list[ExportTalk]]) -> dict[str, Any]:
    start, end = _time_range(rooms)
    return {
        "index": index,
        "date": day.isoformat(),
        "day_start": start.isoformat(),
        "day_end": end.isoformat(),
        "rooms": {
            room: [_json_talk(talk) for talk in room_talks] for room, room_talks in rooms.items()
        },
    }


def _json_talk(talk: ExportTalk) -> dict[str, Any]:
    slot = talk.slot
    return {
        "guid": talk.guid,
        "id": talk.number,
        "date": talk.start.isoformat(),
        "start": f"{talk.start:%H:%M}",
        "end": talk.end.isoformat(),
        "duration": _format_duration(slot),
        "room": talk.room,
        "slug": talk.slug,
        "url": slot.url or talk.page,
        "title": slot.title,
        "subtitle": slot.subtitle,
        "track": slot.track,
        "type": slot.talk_type,
        "language": slot.language,
        "abstract": slot.abstract,
        "description": "",
        "do_not_record": slot.do_not_record,
        "persons": [{"id": speaker_id, "public_name": name} for speaker_id, name in talk.speakers],
        "links": [{"title": label, "url": url} for label, url in talk.links],
    }


def to_ics(talks: list[ExportTalk], site: ExportSite) -> bytes:
    """Return iCalendar with the time zones that it uses."""
    # A late import: icalendar would be the slowest part of a worker's start.
    import icalendar

    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//streaming-system//schedule//EN")
    calendar.add("version", "2.0")
    calendar.add("name", site.title)
    calendar.add("x-wr-calname", site.title)
    if talks:
        calendar.add("x-wr-timezone", talks[0].zone.key)
    for talk in talks:
        event = icalendar.Event()
        event.add("uid", talk.uid)
        # A constant, so that an unchanged schedule gives the same ETag.
        event.add("dtstamp", talk.slot.start)
        event.add("dtstart", talk.start)
        event.add("dtend", talk.end)
        event.add("summary", talk.slot.title)
        event.add("location", talk.room)
        event.add("url", talk.slot.url or talk.page)
        event.add("description", _description(talk))
        if talk.slot.track:
            event.add("categories", [talk.slot.track])
        calendar.add_component(event)
    calendar.add_missing_timezones()
    ics: bytes = calendar.to_ical()
    return ics


def _description(talk: ExportTalk) -> str:
    about = nh3.clean(re.sub(r"<br>|</p>|</li>", "\n", talk.slot.abstract), tags=set())
    parts = [", ".join(talk.slot.speakers), unescape(about).strip(), f"Live: {talk.page}"]
    return "\n\n".join(filter(None, parts))


def _format_duration(slot: Slot) -> str:
    minutes, seconds = divmod(int((slot.end - slot.start) / timedelta(seconds=1)), 60)
    clock = f"{minutes // 60:02}:{minutes % 60:02}"
    return f"{clock}:{seconds:02}" if seconds else clock


EXPORT_FORMATS: Mapping[str, Callable[[list[ExportTalk], ExportSite], bytes]] = {
    "frab-xml": to_xml,
    "json": to_json,
    "ics": to_ics,
}
