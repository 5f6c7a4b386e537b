"""The sample event: talks with durations only, so that a talk is always on.

A JSON object ``{"sample-event": {ROOM: [{"title", "minutes", "abstract", "speakers"}, …]}}``. Each
room repeats its talks without breaks, from a day before the import until a week after it.
"""

from datetime import UTC, datetime, timedelta
from itertools import cycle

from streaming_system.plugin import (
    Feed,
    Parser,
    Talk,
    clean_str,
    clean_str_list,
    hookimpl,
    html_from_markdown,
    parse_duration,
)

ROOM_OFFSET = timedelta(minutes=5)
PAST, FUTURE = timedelta(days=1), timedelta(days=7)


@hookimpl
def register_parsers():
    return [
        Parser(
            name="sample-event",
            summary="the sample event, whose talks are always on",
            recognise=recognise,
            parse=parse,
            is_sample=True,
        )
    ]


def recognise(feed: Feed) -> float:
    return float(isinstance(feed.json, dict) and isinstance(feed.json.get("sample-event"), dict))


def parse(feed, context):
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    now -= timedelta(minutes=now.minute % 5)

    def parse_item(item):
        talk, start = item["talk"], item["start"]
        return Talk(
            rooms=(item["room"],),
            start=start,
            end=start + parse_duration(talk["minutes"]),
            title=clean_str(talk["title"]),
            guid=f"sample-{item['room']}-{start:%Y%m%dT%H%M}",
            abstract=html_from_markdown(clean_str(talk.get("abstract"))),
            speakers=clean_str_list(talk.get("speakers")),
        )

    for number, (room, talks) in enumerate(feed.json["sample-event"].items()):
        start = now - PAST - number * ROOM_OFFSET
        yield from context.parse_located_items(
            _repeated_talks(room, talks, start, now + FUTURE), parse_item
        )


def _repeated_talks(room, talks, start, end):
    """Yield the talks of a room repeatedly, with their start times."""
    repeated = []
    for number, talk in enumerate(talks if isinstance(talks, list) else [], 1):
        duration = _duration(talk)
        if duration:
            repeated.append((talk, duration))
        else:
            # A talk without a duration would repeat endlessly; it is reported once.
            item = None if duration is None else _make_item(talk, room, start)
            yield f"{room!r:.60}, talk {number}", item
    for number, (talk, duration) in enumerate(cycle(repeated), 1):
        if start > end:
            return
        yield f"{room!r:.60}, talk {number}", _make_item(talk, room, start)
        start += duration


def _make_item(talk, room, start):
    return {"talk": talk, "room": room, "start": start, "title": talk.get("title")}


def _duration(talk):
    try:
        return parse_duration(talk["minutes"])
    except (KeyError, TypeError, ValueError):
        return None
