"""schedule.xml: the format of Pentabarf and its successors.

FOSDEM, frab, pretalx, wafer, OSEM, EMF and the C3VOC write it with small differences:
``schedule / day / room / event``, or events directly below the day. The start of an event is its
``date`` with offset, or the date of the day with ``start``; times before the ``day_change`` belong
to the next morning. https://github.com/voc/schedule has the XML Schema.
"""

import html
from copy import deepcopy

from lxml import etree

from streaming_system.plugin import (
    Feed,
    FeedOrigin,
    Parser,
    ScheduleDay,
    Talk,
    clean_people,
    hookimpl,
    parse_do_not_record,
)

# Elements whose children are markup, not data.
ABSTRACTS = ("abstract", "description")


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
    return float(conference is not None and next(_children(conference, "title"), None) is not None)


def parse(feed, context):
    document = _ScheduleDocument(feed.xml, context)
    return context.parse_located_items(document.events(), document.parse_talk)


class _ScheduleDocument:
    def __init__(self, root, context):
        self.root = root
        self.context = context
        conference = _fields(next(_children(root, "conference")))
        context.set_feed_timezone(conference.get("time_zone_name"))
        self.day_change = conference.get("day_change", "")
        generator = next(_children(root, "generator"), None)
        self.origin = FeedOrigin(
            generator="" if generator is None else generator.get("name", ""),
            base_url=conference.get("base_url", ""),
        )
        context.has_plain_texts = self.origin.is_own_export
        if self.origin.generator == "pretalx":
            context.days_first = True

    def events(self):
        """Yield the position and the fields of each event, below rooms or directly below days."""
        for element in _children(self.root, "day"):
            day = ScheduleDay(
                date=element.get("date", ""),
                start=element.get("start", ""),
                end=element.get("end", ""),
                day_change=self.day_change,
            )
            day.set_event_end(self.context)
            for child in element:
                if _name(child) == "event":
                    yield self._event_fields(day, "", child)
                elif _name(child) == "room":
                    self.context.set_room_guid(child.get("name", ""), child.get("guid"))
                    for event in _children(child, "event"):
                        yield self._event_fields(day, child.get("name", ""), event)

    def _event_fields(self, day, room, element):
        event = _fields(element)
        event["element"], event["day"] = element, day
        event["number"] = element.get("id")
        event["guid"] = element.get("guid") or element.get("id") or element.get("code") or ""
        if self.origin.is_own_export:
            event["guid"] = event.get("feed_guid") or event["guid"]
        event["room_of_list"] = room
        return f"line {element.sourceline}", event

    def parse_talk(self, event):
        start = event["day"].parse_start(
            self.context, event.get("date", ""), event.get("start", "")
        )
        element = event["element"]
        speakers, speaker_ids = clean_people(list(_speakers(element)))
        return Talk(
            rooms=self.context.select_room(event["room_of_list"], event.get("room", "")),
            start=start,
            end=self._parse_end(event, start),
            title=event.get("title", ""),
            subtitle=event.get("subtitle", ""),
            abstract=self.origin.abstract(event.get(name, "") for name in ABSTRACTS),
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

    def _parse_end(self, event, start):
        end, duration = event.get("end"), event.get("duration")
        if end and self.origin.is_own_export:
            # The exact end, where the duration cannot express it.
            duration = None
        return self.context.parse_end(start, end=end, duration=duration)


def _name(element):
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def _children(element, name):
    return (child for child in element if _name(child) == name)


def _fields(element):
    """Return the texts of an element's children by name; the first child of each name counts."""
    fields = {}
    for child in element:
        name = _name(child)
        if name not in fields:
            fields[name] = _inner_markup(child) if name in ABSTRACTS else _text(child)
    return fields


def _text(element):
    """Return the text of an element and of the markup in it, without line ends."""
    return " ".join("".join(element.itertext()).split()) if len(element) else _own_text(element)


def _own_text(element):
    return (element.text or "").strip()


def _inner_markup(element):
    """Return the content of an element: its text, or its markup as HTML."""
    if not len(element):
        return _own_text(element)
    parts = [html.escape(element.text or "", quote=False)]
    for child in element:
        copy = deepcopy(child)
        for inner in copy.iter():
            inner.tag = _name(inner)
        etree.cleanup_namespaces(copy)
        parts.append(etree.tostring(copy, encoding="unicode", method="html"))
    return "".join(parts).strip()


def _speakers(event):
    for persons in _children(event, "persons"):
        for person in _children(persons, "person"):
            identifier = person.get("id") or person.get("guid") or person.get("code")
            yield person.get("public_name") or _text(person), identifier


def _references(event, list_name, name):
    """Yield the URL and the title of links; older programs have the URL as text."""
    for references in _children(event, list_name):
        for reference in _children(references, name):
            text = _text(reference)
            url = (reference.get("href") or text).strip()
            yield url, "" if text == url else text


def _recording_license(event):
    for recording in _children(event, "recording"):
        for license_element in _children(recording, "license"):
            return _own_text(license_element)
    return ""


def _parse_opt_out(event):
    for recording in _children(event, "recording"):
        for name in ("optout", "opt_out"):
            for flag in _children(recording, name):
                return parse_do_not_record(_own_text(flag))
    return None
