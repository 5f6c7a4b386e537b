"""The sample event: a programme with lengths instead of times, laid around the present moment.

A JSON object ``{"sample-event": {ROOM: [{"title", "minutes", "abstract", "speakers"}, …]}}``. Each
room repeats its talks, five minutes apart, from a day before the import until a week after it.
"""

from datetime import UTC, datetime, timedelta
from itertools import cycle

from streaming_system.plugin import Feed, Parser, Talk, from_markdown, hookimpl, text, texts

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
    for number, (room, talks) in enumerate(feed.json["sample-event"].items()):
        # Rooms start a little apart, as in life; at the import the first talks have just begun.
        start = now - BEFORE - number * PAUSE
        for talk in cycle(talks):
            if start > now + AFTER:
                break
            end = start + timedelta(minutes=talk["minutes"])
            yield Talk(
                rooms=(room,),
                start=start,
                end=end,
                title=text(talk["title"]),
                abstract=from_markdown(text(talk.get("abstract"))),
                speakers=texts(talk.get("speakers")),
            )
            start = end + PAUSE
