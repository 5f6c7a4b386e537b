"""Open Event, the format of FOSSASIA's eventyay until 2020: a list of sessions, or a zip of lists.

Three dialects name the keys with hyphens or underscores and the times ``starts-at`` or
``start_time``. Only sessions that were accepted happen.
"""

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

STARTS, ENDS = ("starts_at", "start_time"), ("ends_at", "end_time")
ACCEPTED = ("accepted", "confirmed")


@hookimpl
def register_parsers():
    return [
        Parser(
            name="openevent",
            summary="Open Event sessions, as a file or in a zip (eventyay)",
            recognise=recognise,
            parse=parse,
        )
    ]


def recognise(feed: Feed) -> float:
    sessions = _sessions(feed)
    if not isinstance(sessions, list) or not sessions:
        return 0.0
    return float(sum(map(_is_session, sessions)) >= 0.8 * len(sessions))


def _sessions(feed):
    if feed.kind == "zip":
        members = {name.rpartition("/")[2].removesuffix(".json"): name for name in feed.members}
        return feed.member(members["sessions"]).json if "sessions" in members else None
    return feed.json


def _is_session(item):
    if not isinstance(item, dict) or "microlocation" not in item:
        return False
    return any(key in _keys(item) for key in STARTS)


def _keys(item):
    return {key.replace("-", "_"): value for key, value in item.items()}


def parse(feed, context):
    def read(item):
        item = _keys(item)
        if item.get("state") not in (None, "", *ACCEPTED):
            raise SkipEntryError("not-accepted", f"state is {item['state']!r:.40}")
        place = item["microlocation"]
        track = item.get("track")
        return Talk(
            rooms=clean_str_list(place.get("name") if isinstance(place, dict) else None),
            start=context.time(next((item[key] for key in STARTS if item.get(key)), None)),
            end=context.time(next((item[key] for key in ENDS if item.get(key)), None)),
            title=clean_str(item["title"]),
            subtitle=clean_str(item.get("subtitle")),
            abstract=html_from_unknown_markup(
                clean_str(item.get("long_abstract")) or clean_str(item.get("short_abstract"))
            ),
            guid=f"openevent-{item['id']}",
            speakers=clean_str_list(
                [
                    speaker.get("name")
                    for speaker in item.get("speakers") or []
                    if isinstance(speaker, dict)
                ]
            ),
            track=clean_str(track.get("name")) if isinstance(track, dict) else "",
            language=clean_str(item.get("language")),
        )

    return context.each(_sessions(feed), read)
