"""Open Event, the format of FOSSASIA's eventyay until 2020: a list of sessions, or a zip of lists.

There are three dialects: keys have hyphens or underscores, and times are called ``starts-at`` or
``start_time``. Sessions that were not accepted are skipped.
"""

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
    share_with_keys,
)

START_KEYS, END_KEYS = ("starts_at", "start_time"), ("ends_at", "end_time")
ACCEPTED_STATES = ("accepted", "confirmed")


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
    sessions = _open_sessions(feed).json
    if feed.kind == "zip" and sessions == []:
        return 1.0
    if not isinstance(sessions, list):
        return 0.0
    items = [_normalise_keys(item) if isinstance(item, dict) else item for item in sessions]
    return share_with_keys(items, "microlocation", START_KEYS)


def _open_sessions(feed):
    """Return the list of sessions of a zip file, or the feed itself."""
    members = {name.rpartition("/")[2].removesuffix(".json"): name for name in feed.members}
    return feed.open_member(members["sessions"]) if "sessions" in members else feed


def _normalise_keys(item):
    return {key.replace("-", "_"): value for key, value in item.items()}


def parse(feed, context):
    sessions = _open_sessions(feed)
    if sessions is not feed:
        for warning in sessions.warnings:
            context.warn(f"sessions.json, {warning}")

    def parse_item(item):
        item = _normalise_keys(item)
        if item.get("state") not in (None, "", *ACCEPTED_STATES):
            raise SkipEntryError("not-accepted", f"state is {item['state']!r:.40}")
        room = item["microlocation"]
        start = context.parse_time(next((item[key] for key in START_KEYS if item.get(key)), None))
        track = item.get("track")
        speakers, speaker_ids = clean_people(item.get("speakers"))
        return Talk(
            rooms=clean_str_list(room.get("name") if isinstance(room, dict) else room),
            start=start,
            end=context.parse_end(
                start, end=next((item[key] for key in END_KEYS if item.get(key)), None)
            ),
            title=clean_str(item["title"]),
            subtitle=clean_str(item.get("subtitle")),
            abstract=html_from_unknown_markup(
                clean_str(item.get("long_abstract")) or clean_str(item.get("short_abstract"))
            ),
            guid=f"openevent-{item['id']}",
            number=item["id"],
            speakers=speakers,
            speaker_ids=speaker_ids,
            track=clean_str(track.get("name") if isinstance(track, dict) else track),
            language=clean_str(item.get("language")),
        )

    return context.parse_items(sessions.json, parse_item)
