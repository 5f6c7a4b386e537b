"""Exports schedule.xml for EventFahrplan, Giggity, ConfClerk and tools of the C3VOC.

It follows the C3VOC's XML Schema (https://github.com/voc/schedule), with three more elements:
``day_change``, which Giggity reads, and, where an event needs them, ``end`` and ``feed_guid``.
"""

from datetime import timedelta

from lxml import etree

from streaming_system.schedule.days import DAY_START
from streaming_system.schedule.export_talks import ExportRoom, ExportTalk, ScheduleExport
from streaming_system.schedule.model import Link
from streaming_system.schedule.site_links import GENERATOR

MINUTES_PER_DAY = timedelta(days=1) // timedelta(minutes=1)


def to_xml(export: ScheduleExport) -> bytes:
    """Return schedule.xml."""
    root = etree.Element("schedule")
    etree.SubElement(root, "generator", name=GENERATOR)
    _append_text(root, "version", export.version)
    _append_conference(root, export)
    for day in export.days:
        day_element = etree.SubElement(
            root,
            "day",
            index=str(day.index),
            date=day.date.isoformat(),
            start=day.start.isoformat(),
            end=day.end.isoformat(),
        )
        for room, talks in day.talks_by_room.items():
            _append_room(day_element, room, talks, export)
    return etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True)


def _append_conference(root: etree._Element, export: ScheduleExport) -> None:
    conference = etree.SubElement(root, "conference")
    for name, value in (
        ("acronym", export.acronym),
        ("title", export.site.title),
        ("start", export.days[0].date.isoformat()),
        ("end", export.days[-1].date.isoformat()),
        ("days", str(len(export.days))),
        ("day_change", f"{DAY_START // timedelta(hours=1):02}:00"),
        ("timeslot_duration", "00:05"),
        ("base_url", f"{export.site.url}/"),
        ("time_zone_name", export.zone.key),
    ):
        _append_text(conference, name, value)


def _append_room(
    day: etree._Element, room: ExportRoom, talks: list[ExportTalk], export: ScheduleExport
) -> None:
    element = etree.SubElement(day, "room", name=room.name, guid=room.guid)
    for talk in talks:
        _append_talk(element, talk, export)


def _append_talk(room: etree._Element, talk: ExportTalk, export: ScheduleExport) -> None:
    slot = talk.slot
    element = etree.SubElement(room, "event", guid=talk.guid, id=str(talk.number))
    for name, value in (
        ("date", talk.start.isoformat()),
        ("start", f"{talk.start:%H:%M}"),
        ("duration", _format_duration(talk.minutes)),
        ("room", talk.room.name),
        ("slug", export.slug(talk)),
        ("url", talk.url),
        ("title", slot.title),
        ("subtitle", slot.subtitle),
        ("track", slot.track),
        ("type", slot.talk_type),
        ("language", slot.language),
        ("abstract", slot.abstract),
    ):
        _append_text(element, name, value)
    _append_optional_fields(element, talk)
    persons = etree.SubElement(element, "persons")
    for person in talk.persons:
        _append_text(persons, "person", person.name, id=str(person.id))
    site_links = [Link(url=url, title=title) for title, url in talk.room.site_links]
    _append_links(element, "links", "link", [*site_links, *slot.links])
    if slot.attachments:
        _append_links(element, "attachments", "attachment", slot.attachments)


def _append_optional_fields(element: etree._Element, talk: ExportTalk) -> None:
    slot = talk.slot
    if slot.feedback_url:
        _append_text(element, "feedback_url", slot.feedback_url)
    if slot.recording_license or slot.do_not_record is not None:
        recording = etree.SubElement(element, "recording")
        _append_text(recording, "license", slot.recording_license)
        if slot.do_not_record is not None:
            _append_text(recording, "optout", "true" if slot.do_not_record else "false")
    if not talk.has_exact_minutes or talk.minutes >= MINUTES_PER_DAY:
        # Programs disagree on durations of three parts.
        _append_text(element, "end", talk.end.isoformat())
    if slot.guid != talk.guid:
        _append_text(element, "feed_guid", slot.guid)


def _append_links(
    event: etree._Element, list_name: str, name: str, links: list[Link] | tuple[Link, ...]
) -> None:
    parent = etree.SubElement(event, list_name)
    for link in links:
        _append_text(parent, name, link.title, href=link.url)


def _append_text(parent: etree._Element, name: str, value: str, **attributes: str) -> None:
    etree.SubElement(parent, name, attributes).text = value


def _format_duration(minutes: int) -> str:
    """Return ``HH:MM``; from 24 hours on ``D:HH:MM``.

    EventFahrplan reads both. Giggity refuses a document with an hour over 23.
    """
    days, rest = divmod(minutes, MINUTES_PER_DAY)
    clock = f"{rest // 60:02}:{rest % 60:02}"
    return f"{days}:{clock}" if days else clock
