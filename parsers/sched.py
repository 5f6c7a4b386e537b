"""Sched.com's JSON API (``session/export``): a list of sessions; all values are texts.

``event_start`` is a local time. ``start_time_ts``, in some feeds, is a Unix time.
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
    matching = sum(isinstance(item, dict) and keys <= item.keys() for item in feed.json)
    return float(matching >= 0.8 * len(feed.json))


def parse(feed, context):
    def parse_item(item):
        if item.get("active", "Y") != "Y":
            raise SkipEntryError("cancelled", "not active")
        return Talk(
            rooms=clean_str_list(item.get("venue")),
            start=_parse_time(item, "start", context),
            end=_parse_time(item, "end", context),
            title=clean_str(item["name"]),
            abstract=html_from_unknown_markup(clean_str(item.get("description"))),
            guid=clean_str(item.get("id")) or clean_str(item["event_key"]),
            number=item["event_key"],
            speakers=clean_str_list(
                [_speaker_name(person) for person in item.get("speakers") or []]
            ),
            track=clean_str(item.get("event_type")),
            talk_type=clean_str(item.get("event_subtype")),
        )

    return context.parse_items(feed.json, parse_item, title_key="name")


def _parse_time(item, name, context):
    timestamp = item.get(f"{name}_time_ts")
    if isinstance(timestamp, str | int) and str(timestamp).isdigit():
        return datetime.fromtimestamp(int(timestamp), UTC)
    return context.parse_time(item[f"event_{name}"])


def _speaker_name(person):
    return person.get("name") if isinstance(person, dict) else person
