"""schedule.json, version 2, of the C3's hub: a list of events, and a list of rooms.

``{"schedule": {"conference": {"rooms": [...]}, "events": [{"start", "end", "room", …}]}}``
"""

from streaming_system.plugin import (
    Feed,
    FeedOrigin,
    Parser,
    Talk,
    clean_people,
    clean_str,
    clean_str_list,
    hookimpl,
    list_items,
    parse_do_not_record,
    parse_references,
)


@hookimpl
def register_parsers():
    return [
        Parser(
            name="schedule2.json",
            summary="schedule.json v2 (the C3's hub)",
            recognise=recognise,
            parse=parse,
        )
    ]


def recognise(feed: Feed) -> float:
    schedule = feed.json.get("schedule") if isinstance(feed.json, dict) else None
    if not isinstance(schedule, dict) or not isinstance(schedule.get("conference"), dict):
        return 0.0
    return float("events" in schedule and "rooms" in schedule["conference"])


def parse(feed, context):
    schedule = feed.json["schedule"]
    conference = schedule["conference"]
    context.set_feed_timezone(conference.get("time_zone_name"))
    listed = [room for room in list_items(conference.get("rooms")) if isinstance(room, dict)]
    # Without slugs, events name their rooms.
    rooms = {_slug(room): room for room in listed if _slug(room)}
    tracks = [track for track in list_items(conference.get("tracks")) if isinstance(track, dict)]
    names = {_slug(track): track.get("name") for track in tracks}
    origin = FeedOrigin.of_json(feed.json, schedule.get("base_url"))
    context.has_plain_texts = origin.is_own_export
    extensions = origin.extensions(schedule)
    for room in listed:
        context.set_room_guid(room.get("name"), room.get("guid"))

    def parse_event(event):
        event |= extensions.get(str(event.get("guid")), {})
        room = event.get("room") or {}
        room_details = rooms.get(_slug(room), {})
        features = room_details.get("features")
        recording = features.get("recording") if isinstance(features, dict) else None
        language = clean_str(event.get("language"))
        start = context.parse_time(event["start"])
        speakers, speaker_ids = clean_people(
            [
                person
                for person in list_items(event.get("participants") or event.get("persons"))
                if not isinstance(person, dict) or person.get("role") in (None, "SPEAKER")
            ]
        )
        return Talk(
            rooms=_room_names(room, room_details, context),
            start=start,
            end=context.parse_end(start, end=event.get("end"), duration=event.get("duration")),
            title=clean_str(event["title"], language),
            subtitle=clean_str(event.get("subtitle"), language),
            abstract=origin.abstract(
                clean_str(event.get(key), language) for key in ("abstract", "description")
            ),
            url=origin.talk_url(clean_str(event.get("url"))),
            guid=clean_str(event.get("guid")) or clean_str(event.get("code")),
            number=event.get("id"),
            speakers=speakers,
            speaker_ids=speaker_ids,
            track=clean_str(names.get(_slug(event.get("track")))),
            language=language,
            talk_type=clean_str(event.get("type")),
            # Only this value forbids recording; others describe the room's equipment.
            do_not_record=(
                True
                if recording == "not_allowed"
                else parse_do_not_record(event.get("do_not_record"))
            ),
            recording_license=clean_str(event.get("recording_license")),
            feedback_url=next(iter(_links(event, is_feedback=True)), ("", ""))[0],
            links=origin.links(_links(event, is_feedback=False)),
            attachments=origin.links(parse_references(event.get("attachments"))),
        )

    return context.parse_items(list_items(schedule["events"]), parse_event)


def _room_names(room, details, context):
    """Return the name of a talk's room: its own, or that of the list for a reference."""
    listed = clean_str_list(details.get("name"))
    own = clean_str_list(room.get("name") if isinstance(room, dict) else room)
    if isinstance(room, dict) and own and listed:
        return context.select_room(listed, room["name"])
    return listed or own


def _links(event, *, is_feedback):
    """Return the URLs and titles of the links, to feedback forms or to anything else."""
    links = event.get("links")
    return parse_references(
        [
            link
            for link in (links if isinstance(links, list) else [])
            if isinstance(link, dict) and (link.get("type") == "FEEDBACK") is is_feedback
        ]
    )


def _slug(item):
    """Return the slug of a room or track, or of a reference to one; "" if there is none."""
    slug = item.get("slug") if isinstance(item, dict) else item
    return slug if isinstance(slug, str) else ""
