"""Reads schedule.xml by the rules of three apps, as of July 2026.

- EventFahrplan: ``ParserTask``, ``DateParser``, ``DurationParser``
- Giggity: ``Schedule.PentabarfParser``
- ConfClerk: ``ScheduleXmlParser``, ``SqlEngine``

A document that the app refuses raises a :class:`RefusedError`.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from lxml import etree

GIGGITY_DAY_CHANGE = time(6)


class RefusedError(Exception):
    """The app shows an error instead of the schedule."""


@dataclass(frozen=True, kw_only=True)
class AppTalk:
    """A talk as an app shows it.

    :param day: the day below which the app lists it.
    """

    id: str
    day: date
    room: str
    start: datetime
    length: timedelta
    title: str
    speakers: tuple[str, ...]
    text: str
    links: tuple[tuple[str, str], ...]
    url: str = ""
    guid: str = ""
    room_guid: str = ""
    feedback_url: str = ""
    recording_license: str = ""
    do_not_record: bool = False


def eventfahrplan(document):
    """Return the talks by the rules of EventFahrplan, and its rooms in order."""
    root = etree.fromstring(document)
    rooms, talks, days = [], [], set()
    for day in root.iter("day"):
        if day.get("end") is None:
            raise RefusedError("a day has no end")
        days.add((int(day.get("index")), day.get("date")))
        for room in day.iterchildren("room"):
            if room.get("name") not in rooms:
                rooms.append(room.get("name"))
            talks += [_eventfahrplan_talk(day, room, event) for event in room.iterchildren("event")]
    assert sorted(index for index, _ in days) == list(range(1, len(days) + 1))
    return talks, rooms


def _eventfahrplan_talk(day, room, event):
    instant = datetime.fromisoformat(event.findtext("date"))
    if instant.tzinfo is None:
        raise RefusedError("a date has no offset")
    _java_clock(event.findtext("start"))
    return AppTalk(
        id=event.get("id"),
        guid=event.get("guid"),
        day=date.fromisoformat(day.get("date")),
        room=room.get("name"),
        room_guid=room.get("guid") or "",
        start=instant,
        length=_eventfahrplan_length(event.findtext("duration")),
        title=_text(event, "title"),
        speakers=tuple(person.text or "" for person in event.iter("person")),
        text=_text(event, "abstract") + _text(event, "description"),
        links=tuple((link.text or "", link.get("href")) for link in event.iter("link")),
        url=_text(event, "url"),
        feedback_url=_text(event, "feedback_url"),
        recording_license=_text(event, "recording/license"),
        do_not_record=_text(event, "recording/optout").lower() == "true",
    )


def _eventfahrplan_length(text):
    """Minutes; hours and minutes; or days, hours and minutes."""
    parts = text.split(":")
    if not 1 <= len(parts) <= 3 or not all(part.isdigit() for part in parts):
        raise RefusedError(f"duration {text!r}")
    days, hours, minutes = [0] * (3 - len(parts)) + [int(part) for part in parts]
    return timedelta(days=days, hours=hours, minutes=minutes)


def giggity(document):
    """Return the talks by the rules of Giggity, and its rooms in order."""
    if b"<schedule" not in document[:1024] or b"<conference" not in document[:1024]:
        raise RefusedError("the first kilobyte is that of no schedule")
    root = etree.fromstring(document)
    conference = root.find("conference")
    zone = ZoneInfo(conference.findtext("time_zone_name"))
    day_change = _java_clock(conference.findtext("day_change") or f"{GIGGITY_DAY_CHANGE:%H:%M}")
    rooms, talks = [], []
    for day in root.iter("day"):
        day_date = date.fromisoformat(day.get("date"))
        for room in day.iterchildren("room"):
            for event in room.iterchildren("event"):
                if room.get("name") not in rooms:
                    rooms.append(room.get("name"))
                talks.append(_giggity_talk(room, event, day_date, zone, day_change))
    if not talks:
        raise RefusedError("the schedule is empty")
    return talks, rooms


def _giggity_talk(room, event, day, zone, day_change):
    if event.get("id") is None and event.get("guid") is None:
        raise RefusedError("an event has neither id nor guid")
    start = datetime.fromisoformat(event.findtext("date")).astimezone(zone)
    length = _java_clock(event.findtext("duration"))
    abstract, description = event.findtext("abstract"), event.findtext("description")
    texts = [description or ""]
    if description is None or not _fuzzy(description).startswith(_fuzzy(abstract or "")):
        texts.insert(0, abstract or "")
    change = timedelta(hours=day_change.hour, minutes=day_change.minute)
    return AppTalk(
        id=event.get("id"),
        guid=event.get("guid"),
        day=(start - change).date(),
        room=room.get("name"),
        start=start,
        length=timedelta(hours=length.hour, minutes=length.minute),
        title=_text(event, "title"),
        speakers=tuple(person.text or "" for person in event.iter("person")),
        text="".join(texts),
        links=tuple((link.text or "", link.get("href")) for link in event.iter("link")),
        url=_text(event, "url"),
    )


def _fuzzy(text):
    return re.sub(r"[^A-Za-z0-9]", "", re.sub(r"<[^>]*>", "", text)).lower()


def confclerk(document):
    """Return the talks by the rules of ConfClerk: the first person with an id has its name."""
    root = etree.fromstring(document)
    people, ids, talks = {}, {}, {}
    for day in root.iter("day"):
        for room in day.iter("room"):
            if room.get("name") is None:
                continue
            for event in room.iterchildren("event"):
                for person in event.iterfind("persons/person"):
                    _confclerk_person(person, people, ids)
                talk = _confclerk_talk(day, room, event, people)
                if talk.id in talks:
                    raise RefusedError(f"two events have the id {talk.id}")
                talks[talk.id] = talk
    return list(talks.values())


def _confclerk_person(person, people, ids):
    """Add a row; ids and names are unique, and a row that breaks this is lost."""
    key, name = person.get("id") or "", person.text or ""
    if key not in people and name not in ids:
        people[key], ids[name] = name, key


def _confclerk_talk(day, room, event, people):
    start = _qt_clock(event.findtext("start"))
    length = _qt_clock(event.findtext("duration"))
    keys = dict.fromkeys(person.get("id") or "" for person in event.iterfind("persons/person"))
    return AppTalk(
        id=str(int(event.get("id"))),
        day=date.fromisoformat(day.get("date")),
        room=room.get("name"),
        start=datetime.combine(date.fromisoformat(day.get("date")), start or time(), UTC),
        length=timedelta(hours=length.hour, minutes=length.minute) if length else timedelta(),
        title=_text(event, "title"),
        speakers=tuple(people[key] for key in keys if key in people),
        text=_text(event, "abstract") + _text(event, "description"),
        links=tuple((link.text or "", link.get("href")) for link in event.iterfind("links/link")),
    )


def _java_clock(text):
    """The pattern ``H:mm[:ss]``."""
    match = re.fullmatch(r"(\d{1,2}):(\d\d)(?::(\d\d))?", text)
    try:
        return time(*(int(part or 0) for part in match.groups()))
    except (AttributeError, ValueError):
        raise RefusedError(f"time {text!r}") from None


def _qt_clock(text):
    """The pattern ``hh:mm``; an invalid time counts as none."""
    match = re.fullmatch(r"(\d\d):(\d\d)", text)
    is_valid = match and int(match[1]) < 24 and int(match[2]) < 60
    return time(int(match[1]), int(match[2])) if is_valid else None


def _text(event, path):
    return event.findtext(path) or ""
