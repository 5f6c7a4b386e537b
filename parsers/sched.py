"""Sched.com's JSON API (``session/export``): a list of sessions, every value a text.

``event_start`` is local; ``start_time_ts``, where it is given, is the true instant and needs no
zone.
"""

from datetime import UTC, datetime

from streaming_system.plugin import Feed, Parser, Skip, Talk, from_unmarked, hookimpl, text, texts


@hookimpl
def register_parsers():
    return [
        Parser(name="sched", summary="Sched.com's JSON", recognise=recognise, parse=parse),
    ]


def recognise(feed: Feed) -> float:
    keys = {"event_key", "name", "event_start", "event_end"}
    if not isinstance(feed.json, list) or not feed.json:
        return 0.0
    good = sum(isinstance(item, dict) and keys <= item.keys() for item in feed.json)
    return float(good >= 0.8 * len(feed.json))


def parse(feed, context):
    def read(item):
        if item.get("active", "Y") != "Y":
            raise Skip("cancelled", "not active")
        return Talk(
            rooms=texts(item.get("venue")),
            start=_time(item, "start", context),
            end=_time(item, "end", context),
            title=text(item["name"]),
            abstract=from_unmarked(text(item.get("description"))),
            guid=text(item.get("id")) or text(item["event_key"]),
            speakers=texts([_speaker(person) for person in item.get("speakers") or []]),
            track=text(item.get("event_type")),
            kind=text(item.get("event_subtype")),
        )

    return context.each(feed.json, read, title="name")


def _time(item, which, context):
    stamp = item.get(f"{which}_time_ts")
    if isinstance(stamp, str | int) and not isinstance(stamp, bool) and str(stamp).isdigit():
        return datetime.fromtimestamp(int(stamp), UTC)
    return context.time(item[f"event_{which}"])


def _speaker(person):
    return person.get("name") if isinstance(person, dict) else person
