"""schedule.xml: the format of Pentabarf and its successors.

FOSDEM, frab, pretalx, wafer, OSEM, EMF and the C3VOC write it with small differences:
``schedule / day / room / event``, or events directly below the day. The start of an event is its
``date`` with offset, or the date of the day with ``start``; times before the ``day_change`` belong
to the next morning. https://github.com/voc/schedule has the XML Schema.
"""

import re
from datetime import timedelta

from streaming_system.plugin import (
    Feed,
    FeedOrigin,
    Parser,
    SkipEntryError,
    Talk,
    clean_people,
    clean_str_list,
    hookimpl,
    parse_do_not_record,
    parse_duration,
)

CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::\d\d)?", re.ASCII)
THREE_PART_DURATION = re.compile(r"(\d+):(\d+):(\d+)", re.ASCII)


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
    document = _ScheduleDocument(feed.xml, context)
    yield from context.parse_located_items(document.events(), document.parse_talk)
    if document.date_conflicts:
        context.warn(
            f"{document.date_conflicts} events have a date that disagrees with their start; "
            "the date is taken"
        )
    if document.ambiguous_durations:
        context.warn(
            f"{document.ambiguous_durations} durations of three parts may mean hours, minutes and "
            f"seconds or days, hours and minutes; taken as {document.duration_order}"
        )


class _ScheduleDocument:
    def __init__(self, root, context):
        self.root = root
        self.context = context
        self.date_conflicts = 0
        self.ambiguous_durations = 0
        conference = _fields(next(_children(root, "conference")))
        context.set_feed_timezone(conference.get("time_zone_name"))
        self.day_change = _parse_clock(conference.get("day_change", ""))
        generator = next(_children(root, "generator"), None)
        self.origin = FeedOrigin(
            generator="" if generator is None else generator.get("name", ""),
            base_url=conference.get("base_url", ""),
        )
        # Only pretalx writes days first, and only in durations over a day.
        self.days_first = generator is not None and generator.get("name") == "pretalx"
        self.duration_order = "days first" if self.days_first else "hours first"

    def events(self):
        """Yield the position and the fields of each event, below rooms or directly below days."""
        for day in _children(self.root, "day"):
            for child in day:
                if _name(child) == "event":
                    yield self._event_fields(day, "", child)
                elif _name(child) == "room":
                    self.context.set_room_guid(child.get("name", ""), child.get("guid"))
                    for event in _children(child, "event"):
                        yield self._event_fields(day, child.get("name", ""), event)

    def _event_fields(self, day, room, element):
        event = _fields(element)
        event["element"], event["day_element"] = element, day
        event["number"] = element.get("id")
        event["guid"] = element.get("guid") or element.get("id") or element.get("code") or ""
        if self.origin.is_own_export:
            event["guid"] = event.get("feed_guid") or event["guid"]
        event["room"] = event.get("room") or room
        return f"line {element.sourceline}", event

    def parse_talk(self, event):
        start = self._parse_start(event)
        element = event["element"]
        speakers, speaker_ids = clean_people(_speakers(element))
        # Some exports repeat the abstract as the description.
        abstracts = dict.fromkeys(filter(None, (event.get("abstract"), event.get("description"))))
        return Talk(
            rooms=clean_str_list(event["room"]),
            start=start,
            end=self._parse_end(event, start),
            title=event.get("title", ""),
            subtitle=event.get("subtitle", ""),
            abstract="".join(map(self.origin.html, abstracts)),
            url=self.origin.talk_url(event.get("url", "")),
            guid=event["guid"],
            number=event["number"],
            speakers=speakers,
            speaker_ids=speaker_ids,
            track=event.get("track", ""),
            language=event.get("language", ""),
            talk_type=event.get("type", ""),
            do_not_record=_parse_opt_out(element),
            recording_license=_recording_license(element),
            feedback_url=self.origin.absolute_url(event.get("feedback_url", "")),
            links=self.origin.links(_references(element, "links", "link")),
            attachments=self.origin.links(_references(element, "attachments", "attachment")),
        )

    def _parse_start(self, event):
        day, clock = event["day_element"], _parse_clock(event.get("start", ""))
        if event.get("date"):
            start = self.context.parse_time(event["date"])
            if clock is not None and self.context.effective_timezone is not None:
                local = start.astimezone(self.context.effective_timezone)
                self.date_conflicts += timedelta(hours=local.hour, minutes=local.minute) != clock
            return start
        if clock is None:
            raise SkipEntryError("no-time", "neither date nor start")
        hours, minutes = divmod(int(clock.total_seconds()) // 60, 60)
        start = self.context.parse_time(f"{day.get('date', '')}T{hours:02}:{minutes:02}")
        change = self.day_change
        if change is None and _spans_midnight(day):
            change = timedelta(hours=4)
        if change is None or clock >= change:
            return start
        # The same local time on the next day, which can be 23 or 25 hours later.
        local = start.astimezone(self.context.effective_timezone).replace(tzinfo=None) + timedelta(
            days=1
        )
        return self.context.parse_time(local.isoformat())

    def _parse_end(self, event, start):
        duration = event.get("duration", "")
        if self.origin.is_own_export and event.get("end"):
            # The exact end, where the duration cannot express it.
            return self.context.parse_time(event["end"])
        if not duration:
            if event.get("end"):
                return self.context.parse_time(event["end"])
            raise SkipEntryError("no-time", "neither duration nor end")
        if parts := THREE_PART_DURATION.fullmatch(duration):
            first, second, third = map(int, parts.groups())
            self.ambiguous_durations += third > 0
            if self.days_first:
                return start + timedelta(days=first, hours=second, minutes=third)
        return start + parse_duration(duration)


def _name(element):
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def _children(element, name):
    return (child for child in element if _name(child) == name)


def _fields(element):
    """Return the texts of an element's children by name; the first child of each name counts."""
    fields = {}
    for child in element:
        fields.setdefault(_name(child), (child.text or "").strip())
    return fields


def _parse_clock(value):
    """Return the time since midnight of a text such as "9:30"; ``None`` if it is invalid."""
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
            identifier = person.get("id") or person.get("guid") or person.get("code")
            yield person.get("public_name") or person.text, identifier


def _references(event, list_name, name):
    """Yield the URL and the title of links; older programs have the URL as text."""
    for references in _children(event, list_name):
        for reference in _children(references, name):
            text = (reference.text or "").strip()
            url = (reference.get("href") or text).strip()
            yield url, "" if text == url else text


def _recording_license(event):
    for recording in _children(event, "recording"):
        for license_element in _children(recording, "license"):
            return (license_element.text or "").strip()
    return ""


def _parse_opt_out(event):
    for recording in _children(event, "recording"):
        for name in ("optout", "opt_out"):
            for flag in _children(recording, name):
                return parse_do_not_record((flag.text or "").strip())
    return None
