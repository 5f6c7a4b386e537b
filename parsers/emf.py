"""EMF Camp's JSON: a list of events with local times, which differs from year to year.

Until 2024, an event has one time and venue; since 2026, it has a list of ``occurrences``. Times are
British unless a zone is configured; in some years, they end with a wrong ``Z``. ``may_record`` is
the opposite of "do not record"; ``video_privacy`` is "public" if the recording can be published.
schedule.frab, which EMF also publishes, has more data.
"""

from streaming_system.plugin import (
    Feed,
    Parser,
    SkipEntryError,
    Talk,
    clean_str,
    clean_str_list,
    hookimpl,
    html_from_plain_text,
    list_items,
    parse_do_not_record,
    share_with_keys,
)

CAMP_TIMEZONE = "Europe/London"


@hookimpl
def register_parsers():
    return [
        Parser(name="emf", summary="EMF Camp's JSON", recognise=recognise, parse=parse),
    ]


def recognise(feed: Feed) -> float:
    if not isinstance(feed.json, list):
        return 0.0
    return max(
        share_with_keys(feed.json, "start_date", "end_date", "venue", "title", "source"),
        share_with_keys(feed.json, "id", "title", "occurrences"),
    )


def parse(feed, context):
    if context.timezone is None:
        context.set_feed_timezone(CAMP_TIMEZONE)

    def parse_item(entry):
        item, occurrence = entry["item"], entry["occurrence"]
        times = item if occurrence is None else occurrence
        return Talk(
            rooms=clean_str_list(times.get("venue")),
            start=_parse_time(times.get("start_date"), context),
            end=_parse_time(times.get("end_date"), context),
            title=clean_str(item["title"]),
            abstract=html_from_plain_text(
                clean_str(item.get("description")) or clean_str(item.get("short_description"))
            ),
            url=clean_str(item.get("link")),
            guid=_guid(item, occurrence),
            number=item.get("id") if occurrence is None else None,
            speakers=clean_str_list(item.get("names") or item.get("speaker")),
            talk_type=clean_str(item.get("type")),
            do_not_record=_parse_recording(item, times),
        )

    return context.parse_located_items(_occurrences(feed.json), parse_item)


def _occurrences(items):
    for number, item in enumerate(items, 1):
        if not isinstance(item, dict):
            yield f"item {number}", item
            continue
        entry = {"item": item, "title": item.get("title"), "occurrence": None}
        if "occurrences" not in item:
            yield f"item {number}", entry
            continue
        # Before the schedule is published, events have no occurrences.
        for index, occurrence in enumerate(list_items(item["occurrences"]) or [{}], 1):
            yield f"item {number}, occurrence {index}", entry | {"occurrence": occurrence}


def _guid(item, occurrence):
    if not item.get("id"):
        return ""
    if occurrence is None:
        return f"emf-{item.get('source')}-{item['id']}"
    return f"emf-{item['id']}-{occurrence.get('occurrence_num', '')}"


def _parse_recording(item, times):
    privacy = clean_str(times.get("video_privacy")) or clean_str(item.get("video_privacy"))
    if privacy:
        return privacy != "public"
    may_record = parse_do_not_record(item.get("may_record"))
    return None if may_record is None else not may_record


def _parse_time(value, context):
    if value is None:
        raise SkipEntryError("no-time", "not scheduled")
    # All times are in the camp's zone, with or without the Z.
    return context.parse_time(value.removesuffix("Z") if isinstance(value, str) else value)
