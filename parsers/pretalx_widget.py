"""The widget's JSON of pretalx: ``/EVENT/schedule/widgets/schedule.json``.

``{"talks": [...], "rooms": [...], "speakers": [...], "tracks": [...], "timezone", "event_start"}``.
Talks refer to the others by id. Other than schedule.json it lists breaks, which have no code.
"""

from streaming_system.plugin import (
    Feed,
    Parser,
    Talk,
    from_markdown,
    hookimpl,
    recording_refused,
    text,
    texts,
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
    context.use_zone(document["timezone"])
    rooms = _by(document["rooms"], "id")
    tracks = _by(document["tracks"], "id")
    speakers = _by(document["speakers"], "code")

    def read(item):
        title = text(item["title"])
        start = context.time(item["start"])
        return Talk(
            rooms=texts(text(rooms.get(item.get("room")))),
            start=start,
            end=context.time(item["end"]),
            title=title,
            abstract=from_markdown(text(item.get("abstract"))),
            guid=text(item.get("code")) and f"pretalx-{item['code']}-{item.get('id', '')}",
            speakers=texts([speakers.get(code) for code in item.get("speakers") or []]),
            track=text(tracks.get(item.get("track"))),
            kind="" if item.get("code") else "break",
            do_not_record=recording_refused(item.get("do_not_record")),
        )

    return context.each(document["talks"], read)


def _by(items, key):
    """Return names by id or code."""
    return {
        item[key]: item.get("name")
        for item in items
        if isinstance(item, dict) and isinstance(item.get(key), int | str)
    }
