"""schedule.xml: Pentabarf and all that came after it.

FOSDEM, frab, pretalx, wafer, OSEM, EMF and the C3VOC write it, each a little differently:
``schedule / day / room / event``, or events directly below the day. Where an event has a ``date``
with offset, that is its start; else the day's date and ``start`` are, and times before the
``day_change`` belong to the next morning. https://github.com/voc/schedule holds the XML Schema.
"""

import re
from datetime import timedelta
from urllib.parse import urljoin

from streaming_system.plugin import (
    Feed,
    Parser,
    SkipEntryError,
    Talk,
    clean_str_list,
    hookimpl,
    html_from_unknown_markup,
    parse_do_not_record,
    parse_duration,
)

CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::\d\d)?", re.ASCII)
THREE_PARTS = re.compile(r"(\d+):(\d+):(\d+)", re.ASCII)


@hookimpl
def register_parsers():
    return [
        Parser(
            name="schedule.xml",
            summary="schedule.xml (Pentabarf, frab, pretalx, FOSDEM, wafer, C3VOC)",
            recognise=recognise,
            parse=parse,
        )
    ]


def recognise(feed: Feed) -> float:
    root = feed.xml
    if root is None or _name(root) != "schedule":
        return 0.0
    conference = next(_children(root, "conference"), None)
    return float(
        conference is not None
        and next(_children(conference, "title"), None) is not None
        and next(_children(root, "day"), None) is not None
    )


def parse(feed, context):
    reader = _Reader(feed.xml, context)
    yield from context.read_all(reader.events(), reader.talk)
    if reader.disagreements:
        context.warn(
            f"{reader.disagreements} events have a date that disagrees with their start; "
            "the date is taken"
        )
    if reader.ambiguous:
        context.warn(
            f"{reader.ambiguous} durations of three parts may mean hours, minutes and seconds or "
            f"days, hours and minutes; taken as {reader.three_parts}"
        )


class _Reader:
    def __init__(self, root, context):
        self.root = root
        self.context = context
        self.disagreements = 0
        self.ambiguous = 0
        conference = _fields(next(_children(root, "conference")))
        context.use_zone(conference.get("time_zone_name"))
        self.base = conference.get("base_url", "")
        self.day_change = _clock(conference.get("day_change", ""))
        generator = next(_children(root, "generator"), None)
        # Only pretalx writes days first, and only for what lasts longer than a day.
        self.days_first = generator is not None and generator.get("name") == "pretalx"
        self.three_parts = "days first" if self.days_first else "hours first"

    def events(self):
        """Yield the place and the fields of every event, whichever way they are nested."""
        for day in _children(self.root, "day"):
            for child in day:
                if _name(child) == "event":
                    yield self._event(day, "", child)
                elif _name(child) == "room":
                    for event in _children(child, "event"):
                        yield self._event(day, child.get("name", ""), event)

    def _event(self, day, room, element):
        event = _fields(element)
        event["element"], event["day_element"] = element, day
        event["guid"] = element.get("guid") or element.get("id") or element.get("code") or ""
        event["room"] = event.get("room") or room
        return f"line {element.sourceline}", event

    def talk(self, event):
        start = self._start(event)
        element = event["element"]
        # Some exports say the same twice.
        about = dict.fromkeys(filter(None, (event.get("abstract"), event.get("description"))))
        return Talk(
            rooms=clean_str_list(event["room"]),
            start=start,
            end=self._end(event, start),
            title=event.get("title", ""),
            subtitle=event.get("subtitle", ""),
            abstract="".join(map(html_from_unknown_markup, about)),
            url=self._link(event.get("url", "")),
            guid=event["guid"],
            speakers=tuple(_speakers(element)),
            track=event.get("track", ""),
            language=event.get("language", ""),
            kind=event.get("type", ""),
            do_not_record=_opt_out(element),
        )

    def _start(self, event):
        day, clock = event["day_element"], _clock(event.get("start", ""))
        if event.get("date"):
            start = self.context.time(event["date"])
            if clock is not None and self.context.zone is not None:
                local = start.astimezone(self.context.zone)
                self.disagreements += timedelta(hours=local.hour, minutes=local.minute) != clock
            return start
        if clock is None:
            raise SkipEntryError("no-time", "neither date nor start")
        hours, minutes = divmod(int(clock.total_seconds()) // 60, 60)
        start = self.context.time(f"{day.get('date', '')}T{hours:02}:{minutes:02}")
        change = self.day_change
        if change is None and _spans_midnight(day):
            change = timedelta(hours=4)
        if change is None or clock >= change:
            return start
        # The next day at that time, which is not always 24 hours later.
        local = start.astimezone(self.context.zone).replace(tzinfo=None) + timedelta(days=1)
        return self.context.time(local.isoformat())

    def _end(self, event, start):
        duration = event.get("duration", "")
        if not duration:
            if event.get("end"):
                return self.context.time(event["end"])
            raise SkipEntryError("no-time", "neither duration nor end")
        if parts := THREE_PARTS.fullmatch(duration):
            first, second, third = map(int, parts.groups())
            self.ambiguous += third > 0
            if self.days_first:
                return start + timedelta(days=first, hours=second, minutes=third)
        return start + parse_duration(duration)

    def _link(self, link):
        try:
            return urljoin(self.base, link) if link else ""
        except ValueError:
            return ""


def _name(element):
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def _children(element, name):
    return (child for child in element if _name(child) == name)


def _fields(element):
    """Return the texts of an element's children, by name; the first of each name."""
    fields = {}
    for child in element:
        fields.setdefault(_name(child), (child.text or "").strip())
    return fields


def _clock(value):
    """Return the time since midnight that "9:30" names; ``None`` for anything else."""
    match = CLOCK.fullmatch(value)
    if not match or int(match[1]) > 23 or int(match[2]) > 59:
        return None
    return timedelta(hours=int(match[1]), minutes=int(match[2]))


def _spans_midnight(day):
    start, end = day.get("start", "")[:10], day.get("end", "")[:10]
    return bool(start and end and start != end)


def _speakers(event):
    for persons in _children(event, "persons"):
        for person in _children(persons, "person"):
            name = person.get("public_name") or (person.text or "").strip()
            if name:
                yield name


def _opt_out(event):
    for recording in _children(event, "recording"):
        for name in ("optout", "opt_out"):
            for flag in _children(recording, name):
                return parse_do_not_record((flag.text or "").strip())
    return None
