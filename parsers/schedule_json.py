"""schedule.json, version 1, of frab, pretalx, EMF and the tools of the C3VOC.

``{"schedule": {"conference": {"days": [{"rooms": {ROOM: [EVENT, …]}}]}}}``, where an EVENT has
``date`` (ISO 8601 with offset), ``duration`` or ``end``, ``title``, ``persons`` and so on.
https://github.com/voc/schedule holds the schema.
"""

from streaming_system.plugin import (
    Feed,
    FeedError,
    FeedOrigin,
    Parser,
    ScheduleDay,
    Talk,
    clean_people,
    clean_str,
    hookimpl,
    list_items,
    parse_do_not_record,
    parse_references,
)


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
    conference = _conference(feed)
    if "days" not in conference or "events" in feed.json["schedule"]:
        return 0.0
    days = [day for day in _days(conference) if day]
    with_rooms = sum(isinstance(day, dict) and isinstance(day.get("rooms"), dict) for day in days)
    without_rooms = sum(isinstance(day, dict) and not day.get("rooms") for day in days)
    return float(with_rooms > 0 or without_rooms == len(days))


def _conference(feed):
    schedule = feed.json.get("schedule") if isinstance(feed.json, dict) else None
    conference = schedule.get("conference") if isinstance(schedule, dict) else None
    return conference if isinstance(conference, dict) else {}


def _days(conference):
    """Return the days; some programs write an object with their dates as keys."""
    days = conference.get("days")
    return list(days.values()) if isinstance(days, dict) else list_items(days)


def parse(feed, context):
    conference = _conference(feed)
    if not conference:
        raise FeedError("the feed has no object schedule/conference: it is no schedule.json")
    context.set_feed_timezone(conference.get("time_zone_name"))
    schedule = feed.json["schedule"]
    base = conference.get("base_url") or schedule.get("base_url")
    origin = FeedOrigin.of_json(feed.json, base)
    context.days_first = True if origin.generator == "pretalx" else None
    context.has_plain_texts = origin.is_own_export
    extensions = origin.extensions(schedule)
    for room in list_items(conference.get("rooms")):
        if isinstance(room, dict):
            context.set_room_guid(room.get("name"), room.get("guid"))

    def parse_item(item):
        event = item["event"]
        event |= extensions.get(str(event.get("guid")), {})
        start = item["day"].parse_start(
            context, clean_str(event.get("date")), clean_str(event.get("start"))
        )
        speakers, speaker_ids = clean_people(event.get("persons"))
        return Talk(
            rooms=context.select_room(item["room"], event.get("room")),
            start=start,
            end=context.parse_end(start, end=event.get("end"), duration=event.get("duration")),
            title=clean_str(event["title"]),
            subtitle=clean_str(event.get("subtitle")),
            abstract=origin.abstract(
                clean_str(event.get(key)) for key in ("abstract", "description")
            ),
            url=origin.talk_url(clean_str(event.get("url")) or clean_str(event.get("link"))),
            guid=str(event.get("guid") or event.get("id") or event.get("code") or ""),
            number=event.get("id"),
            speakers=speakers,
            speaker_ids=speaker_ids,
            track=clean_str(event.get("track")),
            language=clean_str(event.get("language")),
            talk_type=clean_str(event.get("type")),
            do_not_record=parse_do_not_record(event.get("do_not_record")),
            recording_license=clean_str(event.get("recording_license")),
            feedback_url=origin.absolute_url(clean_str(event.get("feedback_url"))),
            links=origin.links(parse_references(event.get("links"))),
            attachments=origin.links(parse_references(event.get("attachments"))),
        )

    return context.parse_located_items(_events(_days(conference), context), parse_item)


def _events(days, context):
    for number, day in enumerate(days, 1):
        # PHP writes an empty object as an empty list.
        if not day or (isinstance(day, dict) and not day.get("rooms")):
            continue
        rooms = day.get("rooms") if isinstance(day, dict) else None
        if not isinstance(rooms, dict):
            yield f"day {number}", rooms or day
            continue
        schedule_day = ScheduleDay(
            date=_text(day, "date"), start=_text(day, "day_start"), end=_text(day, "day_end")
        )
        schedule_day.set_event_end(context)
        for room, events in rooms.items():
            for index, event in enumerate(list_items(events), 1):
                yield (
                    f"day {number}, {room!r:.60}, event {index}",
                    {
                        "event": event,
                        "day": schedule_day,
                        "room": room,
                        "title": event.get("title"),
                    }
                    if isinstance(event, dict)
                    else event,
                )


def _text(item, key):
    return item[key] if isinstance(item.get(key), str) else ""
