"""Sched.com's JSON API (``session/export``): a list of sessions; all values are texts.

``event_start`` is a local time. ``start_time_ts``, in some feeds, is a Unix time.
"""

from datetime import UTC, datetime

from streaming_system.plugin import (
    Feed,
    Parser,
    SkipEntryError,
    Talk,
    clean_people,
    clean_str,
    clean_str_list,
    hookimpl,
    html_from_unknown_markup,
    parse_flag,
    share_with_keys,
)


@hookimpl
def register_parsers():
    return [
        Parser(name="sched", summary="Sched.com's JSON", recognise=recognise, parse=parse),
    ]


def recognise(feed: Feed) -> float:
    if not isinstance(feed.json, list):
        return 0.0
    return share_with_keys(feed.json, "event_key", "name", "event_start", "event_end")


def parse(feed, context):
    def parse_item(item):
        if not parse_flag(item.get("active", "Y")):
            raise SkipEntryError("cancelled", "not active")
        start = _parse_time(item, "start", context)
        speakers, speaker_ids = clean_people(item.get("speakers"))
        return Talk(
            rooms=clean_str_list(item.get("venue")),
            start=start,
            end=context.parse_end(start, end=_parse_time(item, "end", context)),
            title=clean_str(item["name"]),
            abstract=html_from_unknown_markup(clean_str(item.get("description"))),
            guid=clean_str(item.get("id")) or clean_str(item["event_key"]),
            number=item["event_key"],
            speakers=speakers,
            speaker_ids=speaker_ids,
            track=clean_str(item.get("event_type")),
            talk_type=clean_str(item.get("event_subtype")),
        )

    return context.parse_items(feed.json, parse_item, title_key="name")


def _parse_time(item, name, context):
    timestamp = clean_str(item.get(f"{name}_time_ts"))
    if timestamp.isascii() and timestamp.isdigit():
        return datetime.fromtimestamp(int(timestamp), UTC)
    return context.parse_time(item[f"event_{name}"])
