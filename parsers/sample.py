"""The sample event: a programme with lengths instead of times, laid around the present moment.

A JSON object ``{"sample-event": {ROOM: [{"title", "minutes", "abstract", "speakers"}, …]}}``. Each
room repeats its talks without a pause, from a day before the import until a week after it.
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

SHIFT = timedelta(minutes=5)
BEFORE, AFTER = timedelta(days=1), timedelta(days=7)


@hookimpl
def register_parsers():
    return [
        Parser(
            name="sample-event",
            summary="the sample event, whose talks are always on",
            recognise=recognise,
            parse=parse,
        )
    ]


def recognise(feed: Feed) -> float:
    return float(isinstance(feed.json, dict) and isinstance(feed.json.get("sample-event"), dict))


def parse(feed, context):
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    now -= timedelta(minutes=now.minute % 5)

    def read(item):
        talk, start = item["talk"], item["start"]
        return Talk(
            rooms=(item["room"],),
            start=start,
            end=start + parse_duration(talk["minutes"]),
            title=clean_str(talk["title"]),
            abstract=html_from_markdown(clean_str(talk.get("abstract"))),
            speakers=clean_str_list(talk.get("speakers")),
        )

    for number, (room, talks) in enumerate(feed.json["sample-event"].items()):
        # Rooms start a little apart, as in life.
        start = now - BEFORE - number * SHIFT
        yield from context.read_all(_repeated(room, talks, start, now + AFTER), read)


def _repeated(room, talks, start, end):
    """Yield the talks of a room again and again, with the times at which they start."""
    endless = []
    for number, talk in enumerate(talks if isinstance(talks, list) else [], 1):
        length = _length(talk)
        if length:
            endless.append((talk, length))
        else:
            # What has no length could be repeated for ever; the check reports it once.
            item = None if length is None else _item(talk, room, start)
            yield f"{room!r:.60}, talk {number}", item
    for number, (talk, length) in enumerate(cycle(endless), 1):
        if start > end:
            return
        yield f"{room!r:.60}, talk {number}", _item(talk, room, start)
        start += length


def _item(talk, room, start):
    return {"talk": talk, "room": room, "start": start, "title": talk.get("title")}


def _length(talk):
    try:
        return parse_duration(talk["minutes"])
    except (KeyError, TypeError, ValueError):
        return None
