"""schedule.json, version 1, of frab, pretalx, EMF and the tools of the C3VOC.

``{"schedule": {"conference": {"days": [{"rooms": {ROOM: [EVENT, …]}}]}}}``, where an EVENT has
``date`` (ISO 8601 with offset), ``duration`` or ``end``, ``title``, ``persons`` and so on.
https://github.com/voc/schedule holds the schema.
"""

from urllib.parse import urljoin

from streaming_system.plugin import (
    Feed,
    FeedError,
    Parser,
    ScheduleDay,
    Talk,
    clean_names,
    clean_str,
    hookimpl,
    join_abstracts,
    list_items,
    parse_do_not_record,
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
    base = conference.get("base_url") or feed.json["schedule"].get("base_url")
    base = base if isinstance(base, str) else ""
    generator = feed.json.get("generator")
    if isinstance(generator, dict) and generator.get("name") == "pretalx":
        context.days_first = True

    def parse_item(item):
        event = item["event"]
        start = item["day"].parse_start(
            context, clean_str(event.get("date")), clean_str(event.get("start"))
        )
        return Talk(
            rooms=context.select_room(item["room"], event.get("room")),
            start=start,
            end=context.parse_end(start, end=event.get("end"), duration=event.get("duration")),
            title=clean_str(event["title"]),
            subtitle=clean_str(event.get("subtitle")),
            abstract=join_abstracts(
                clean_str(event.get(key)) for key in ("abstract", "description")
            ),
            url=_absolute_url(base, event),
            guid=str(event.get("guid") or event.get("id") or event.get("code") or ""),
            speakers=clean_names(event.get("persons")),
            track=clean_str(event.get("track")),
            language=clean_str(event.get("language")),
            talk_type=clean_str(event.get("type")),
            do_not_record=parse_do_not_record(event.get("do_not_record")),
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


def _absolute_url(base, event):
    url = clean_str(event.get("url")) or clean_str(event.get("link"))
    try:
        return urljoin(base, url) if url else ""
    except ValueError:
        return ""
