"""pretalx's widget JSON: ``/EVENT/schedule/widgets/schedule.json``.

``{"talks": [...], "rooms": [...], "speakers": [...], "tracks": [...], "timezone", "event_start"}``.
Talks refer to rooms, speakers and tracks by id. Unlike schedule.json, it lists breaks, which have
no code.
"""

from streaming_system.plugin import (
    Feed,
    Parser,
    Talk,
    clean_people,
    clean_str,
    clean_str_list,
    hookimpl,
    html_from_markdown,
    list_items,
    parse_do_not_record,
)


@hookimpl
def register_parsers():
    return [
        Parser(
            name="pretalx-widget",
            summary="pretalx's widget JSON, with breaks",
            recognise=recognise,
            parse=parse,
        )
    ]


def recognise(feed: Feed) -> float:
    document = feed.json
    if not isinstance(document, dict):
        return 0.0
    return float(
        all(isinstance(document.get(key), list) for key in ("talks", "rooms", "tracks", "speakers"))
        and isinstance(document.get("timezone"), str)
        and "event_start" in document
    )


def parse(feed, context):
    document = feed.json
    context.set_feed_timezone(document["timezone"])
    rooms = _names_by_key(document["rooms"], "id")
    tracks = _names_by_key(document["tracks"], "id")
    speakers = _names_by_key(document["speakers"], "code")

    def parse_item(item):
        title = clean_str(item["title"])
        start = context.parse_time(item["start"])
        speaker_names, speaker_ids = clean_people(
            [(speakers.get(str(code)), code) for code in list_items(item.get("speakers"))]
        )
        return Talk(
            rooms=clean_str_list(clean_str(rooms.get(str(item.get("room"))))),
            start=start,
            end=context.parse_end(start, end=item.get("end"), duration=item.get("duration")),
            title=title,
            abstract=html_from_markdown(clean_str(item.get("abstract"))),
            guid=clean_str(item.get("code")) and f"pretalx-{item['code']}-{item.get('id', '')}",
            number=item.get("id"),
            speakers=speaker_names,
            speaker_ids=speaker_ids,
            track=clean_str(tracks.get(str(item.get("track")))),
            talk_type="" if item.get("code") else "break",
            do_not_record=parse_do_not_record(item.get("do_not_record")),
        )

    return context.parse_items(document["talks"], parse_item)


def _names_by_key(items, key):
    """Return the names of items by id or code, as text: talks refer to them as either type."""
    return {
        str(item[key]): item.get("name")
        for item in items
        if isinstance(item, dict) and isinstance(item.get(key), int | str)
    }
