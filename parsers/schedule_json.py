"""schedule.json, version 1, of frab, pretalx and the tools of the C3VOC.

``{"schedule": {"conference": {"days": [{"rooms": {ROOM: [EVENT, …]}}]}}}``, where an EVENT has
``date`` (ISO 8601 with offset), ``duration`` or ``end``, ``title``, ``persons`` and so on.
https://github.com/voc/schedule holds the schema.
"""

from streaming_system.plugin import (
    Feed,
    FeedOrigin,
    Parser,
    SkipEntryError,
    Talk,
    clean_people,
    clean_str,
    clean_str_list,
    hookimpl,
    parse_do_not_record,
    parse_duration,
    parse_references,
)

NAME_KEYS = ("public_name", "name", "full_public_name")
IDENTIFIER_KEYS = ("id", "guid", "code")


@hookimpl
def register_parsers():
    return [
        Parser(
            name="schedule.json",
            summary="schedule.json v1 (frab, pretalx, C3VOC)",
            recognise=recognise,
            parse=parse,
        )
    ]


def recognise(feed: Feed) -> float:
    days = _conference(feed).get("days")
    return float(
        isinstance(days, list)
        and bool(days)
        and all(isinstance(day, dict) and isinstance(day.get("rooms"), dict) for day in days)
    )


def _conference(feed):
    schedule = feed.json.get("schedule") if isinstance(feed.json, dict) else None
    conference = schedule.get("conference") if isinstance(schedule, dict) else None
    return conference if isinstance(conference, dict) else {}


def parse(feed, context):
    conference = _conference(feed)
    context.set_feed_timezone(conference.get("time_zone_name"))
    schedule = feed.json["schedule"]
    base = conference.get("base_url") or schedule.get("base_url")
    origin = FeedOrigin.of_json(feed.json, base if isinstance(base, str) else "")
    extensions = origin.extensions(schedule)
    rooms = conference.get("rooms")
    for room in rooms if isinstance(rooms, list) else []:
        if isinstance(room, dict):
            context.set_room_guid(clean_str(room.get("name")), room.get("guid"))

    def parse_item(item):
        event = item["event"]
        event |= extensions.get(str(event.get("guid")), {})
        start = context.parse_time(event["date"])
        speakers, speaker_ids = clean_people(_speakers(event.get("persons")))
        return Talk(
            rooms=clean_str_list(clean_str(event.get("room")) or item["room"]),
            start=start,
            end=_parse_end(event, start, context),
            title=clean_str(event["title"]),
            subtitle=clean_str(event.get("subtitle")),
            abstract=origin.html(
                "\n\n".join(
                    filter(None, (clean_str(event.get(key)) for key in ("abstract", "description")))
                )
            ),
            url=origin.talk_url(clean_str(event.get("url")) or clean_str(event.get("link"))),
            guid=str(event.get("guid") or event.get("id") or event.get("code") or ""),
            number=event.get("id"),
            speakers=speakers,
            speaker_ids=speaker_ids,
            track=_parse_name(event.get("track")),
            language=clean_str(event.get("language")),
            talk_type=_parse_name(event.get("type")),
            do_not_record=parse_do_not_record(event.get("do_not_record")),
            recording_license=clean_str(event.get("recording_license")),
            feedback_url=origin.absolute_url(clean_str(event.get("feedback_url"))),
            links=origin.links(parse_references(event.get("links"))),
            attachments=origin.links(parse_references(event.get("attachments"))),
        )

    return context.parse_located_items(_events(conference["days"]), parse_item)


def _events(days):
    for day_number, day in enumerate(days, 1):
        for room, events in day["rooms"].items():
            for number, event in enumerate(events if isinstance(events, list) else [events], 1):
                is_object = isinstance(event, dict)
                yield (
                    f"day {day_number}, {room!r:.60}, event {number}",
                    {"event": event, "room": room, "title": event.get("title")}
                    if is_object
                    else event,
                )


def _parse_end(event, start, context):
    # Prefer the end: programs disagree on the format of durations over 24 hours.
    if event.get("end"):
        return context.parse_time(event["end"])
    if not event.get("duration"):
        raise SkipEntryError("no-time", "neither end nor duration")
    return start + parse_duration(event["duration"])


def _parse_name(value):
    """Return the name of a track or type: a text, a localised text, or an object with a name."""
    if isinstance(value, dict) and "name" in value:
        value = value["name"]
    return clean_str(value)


def _speakers(persons):
    """Yield the names and the identifiers of speakers."""
    for person in persons if isinstance(persons, list) else []:
        if isinstance(person, dict):
            name, identifier = (
                next((person[key] for key in keys if person.get(key)), None)
                for keys in (NAME_KEYS, IDENTIFIER_KEYS)
            )
            yield name, identifier
        else:
            yield person, None
