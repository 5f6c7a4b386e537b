"""Sched.com's JSON API (``session/export``): a list of sessions, every value a text.

``event_start`` is local; ``start_time_ts``, where it is given, is the true instant and needs no
zone.
"""

from datetime import UTC, datetime

from streaming_system.plugin import (
    Feed,
    Parser,
    SkipEntryError,
    Talk,
    clean_str,
    clean_str_list,
    hookimpl,
    html_from_unknown_markup,
)


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
            raise SkipEntryError("cancelled", "not active")
        return Talk(
            rooms=clean_str_list(item.get("venue")),
            start=_time(item, "start", context),
            end=_time(item, "end", context),
            title=clean_str(item["name"]),
            abstract=html_from_unknown_markup(clean_str(item.get("description"))),
            guid=clean_str(item.get("id")) or clean_str(item["event_key"]),
            speakers=clean_str_list([_speaker(person) for person in item.get("speakers") or []]),
            track=clean_str(item.get("event_type")),
            kind=clean_str(item.get("event_subtype")),
        )

    return context.each(feed.json, read, title="name")


def _time(item, which, context):
    stamp = item.get(f"{which}_time_ts")
    if isinstance(stamp, str | int) and not isinstance(stamp, bool) and str(stamp).isdigit():
        return datetime.fromtimestamp(int(stamp), UTC)
    return context.time(item[f"event_{which}"])


def _speaker(person):
    return person.get("name") if isinstance(person, dict) else person
