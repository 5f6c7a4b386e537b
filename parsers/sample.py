"""The sample event: a programme with lengths instead of times, laid around the present moment.

A JSON object ``{"sample-event": {ROOM: [{"title", "minutes", "abstract", "speakers"}, …]}}``. Each
room repeats its talks, five minutes apart, from a day before the import until a week after it.
"""

from datetime import UTC, datetime, timedelta
from itertools import cycle

from streaming_system.plugin import (
    Feed,
    Parser,
    Talk,
    from_markdown,
    hookimpl,
    parse_duration,
    text,
    texts,
)

PAUSE = timedelta(minutes=5)
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
            title=text(talk["title"]),
            abstract=from_markdown(text(talk.get("abstract"))),
            speakers=texts(talk.get("speakers")),
        )

    for number, (room, talks) in enumerate(feed.json["sample-event"].items()):
        # Rooms start a little apart, as in life; at the import the first talks have just begun.
        start = now - BEFORE - number * PAUSE
        yield from context.read_all(_repeated(room, talks, start, now + AFTER), read)


def _repeated(room, talks, start, end):
    """Yield the talks of a room again and again, with the times at which they start."""
    talks = talks if isinstance(talks, list) else []
    lengths = [_length(talk) for talk in talks]
    for number, length in enumerate(lengths, 1):
        if length is None:
            yield f"{room!r:.60}, talk {number}", None
    good = [
        (talk, length) for talk, length in zip(talks, lengths, strict=True) if length is not None
    ]
    for number, (talk, length) in enumerate(cycle(good), 1):
        if start > end:
            return
        item = {"talk": talk, "room": room, "start": start, "title": talk.get("title")}
        yield f"{room!r:.60}, talk {number}", item
        start += length + PAUSE


def _length(talk):
    try:
        return parse_duration(talk["minutes"])
    except (KeyError, TypeError, ValueError):
        return None
