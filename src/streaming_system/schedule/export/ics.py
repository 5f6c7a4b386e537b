"""Exports iCalendar (RFC 5545, 7986, 9073 and 9253).

Properties that start with ``X-TALK-`` carry what no standard property does, so that an import of
the calendar restores each talk.
"""

import re
from datetime import datetime
from html import unescape
from typing import TYPE_CHECKING, Any

import nh3

from streaming_system.schedule.export_talks import ExportTalk, ScheduleExport
from streaming_system.schedule.site_links import PRODID

if TYPE_CHECKING:
    import icalendar

TEXT = {"VALUE": "TEXT"}

# BCP 47.
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)


def to_ics(export: ScheduleExport) -> bytes:
    """Return iCalendar with the time zones that it uses."""
    # A late import: icalendar would be the slowest part of a worker's start.
    import icalendar

    calendar = icalendar.Calendar()
    calendar.add("prodid", PRODID)
    calendar.add("version", "2.0")
    calendar.add("name", export.site.title)
    calendar.add("x-wr-calname", export.site.title)
    if export.talks:
        calendar.add("x-wr-timezone", export.zone.key)
    for talk in export.talks:
        event = icalendar.Event()
        _add_standard_properties(event, talk)
        _add_talk_properties(event, talk)
        calendar.add_component(event)
    calendar.add_missing_timezones()
    ics: bytes = calendar.to_ical()
    return ics


def _add_standard_properties(event: "icalendar.Event", talk: ExportTalk) -> None:
    slot = talk.slot
    event.add("uid", talk.uid)
    # Without a known change a constant, so that an unchanged schedule gives the same ETag.
    event.add("dtstamp", slot.changed_at or slot.start)
    if slot.changed_at:
        event.add("last-modified", slot.changed_at)
    event.add("sequence", slot.revision)
    start, end = talk.start, talk.end
    if _is_ambiguous(start) or _is_ambiguous(end):
        # A local time cannot say which of the two hours it means.
        start, end = slot.start, slot.end
    event.add("dtstart", start)
    event.add("dtend", end)
    language = slot.language if _LANGUAGE_TAG.fullmatch(slot.language) else ""
    event.add("summary", slot.title, parameters=_parameters(language=language))
    event.add("location", talk.room.name)
    event.add("url", talk.url)
    event.add("description", _description(talk))
    if slot.abstract:
        event.add("styled-description", slot.abstract, parameters=TEXT | {"FMTTYPE": "text/html"})
    if slot.track:
        event.add("categories", [slot.track])
    for title, url in talk.room.site_links[:1]:
        event.add(
            "conference", url, parameters={"VALUE": "URI", "FEATURE": "VIDEO", "LABEL": title}
        )
    for link in slot.links:
        event.add(
            "link",
            link.url,
            parameters={"VALUE": "URI", "LINKREL": "related"} | _parameters(label=link.title),
        )
    for link in slot.attachments:
        event.add("attach", link.url)


def _add_talk_properties(event: "icalendar.Event", talk: ExportTalk) -> None:
    slot = talk.slot
    texts: list[tuple[str, str]] = [
        ("guid", "" if slot.guid == talk.uid else slot.guid),
        ("number", str(talk.number)),
        ("subtitle", slot.subtitle),
        ("type", slot.talk_type),
        ("language", slot.language),
        ("do-not-record", "" if slot.do_not_record is None else str(slot.do_not_record).upper()),
        ("recording-license", slot.recording_license),
        ("feedback-url", slot.feedback_url),
        *(("link", f"{link.url} {link.title}".strip()) for link in slot.links),
        *(("attachment", f"{link.url} {link.title}".strip()) for link in slot.attachments),
    ]
    for name, value in texts:
        if value:
            event.add(f"x-talk-{name}", value, parameters=TEXT)
    for person in talk.persons:
        event.add("x-talk-speaker", person.name, parameters=TEXT | {"X-ID": str(person.id)})


def _parameters(**values: str) -> dict[str, Any]:
    # In parameters, programs disagree on backslashes.
    return {name.upper(): value for name, value in values.items() if value and "\\" not in value}


def _is_ambiguous(local: datetime) -> bool:
    return local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset()


def _description(talk: ExportTalk) -> str:
    slot = talk.slot
    about = nh3.clean(re.sub(r"<br>|</p>|</li>", "\n", slot.abstract), tags=set())
    parts = [
        slot.subtitle,
        ", ".join(slot.speakers),
        unescape(about).strip(),
        f"Live: {talk.room.page}",
    ]
    return "\n\n".join(filter(None, parts))
