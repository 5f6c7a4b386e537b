"""Zookeepr, the system of linux.conf.au until 2016: a list of events, or a list for each room.

The list is ``[{"Title", "Room Name", "Start", "Duration" or "End", …}, …]``, case-sensitive. The
format of PyCon AU is ``{ROOM: [{"title", "start", "end", …}, …], …}``. Times are local, without
offset. ``Event`` is no guid, because it repeats: lunch on five days is one event.
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
    list_items,
    parse_do_not_record,
    share_with_keys,
)

PLACEHOLDER_TITLE = "miniconf schedules to be determined"


@hookimpl
def register_parsers():
    return [
        Parser(
            name="zookeepr",
            summary="zookeepr's list of events (linux.conf.au to 2016)",
            recognise=recognise_list,
            parse=parse_list,
        ),
        Parser(
            name="zookeepr-rooms",
            summary="zookeepr's events by room (PyCon AU 2014 and 2015)",
            recognise=recognise_rooms,
            parse=parse_rooms,
        ),
    ]


def recognise_list(feed: Feed) -> float:
    if not isinstance(feed.json, list):
        return 0.0
    return share_with_keys(feed.json, "Title", "Room Name", "Start", ("Duration", "End"))


def parse_list(feed, context):
    # Durations are Python's notation of a timedelta.
    context.days_first = False

    def parse_item(item):
        title = clean_str(item["Title"])
        if title == PLACEHOLDER_TITLE:
            raise SkipEntryError("placeholder")
        start = context.parse_time(item["Start"])
        return Talk(
            rooms=clean_str_list(clean_str(item["Room Name"])),
            start=start,
            end=context.parse_end(start, end=item.get("End"), duration=item.get("Duration")),
            title=title,
            abstract=html_from_unknown_markup(clean_str(item.get("Description"))),
            url=clean_str(item.get("URL")),
            guid=_guid(item.get("Id")),
            number=item.get("Id"),
            speakers=clean_str_list(item.get("Presenters")),
        )

    return context.parse_items(feed.json, parse_item, title_key="Title")


def recognise_rooms(feed: Feed) -> float:
    if not isinstance(feed.json, dict):
        return 0.0
    items = [item for items in feed.json.values() for item in list_items(items)]
    return share_with_keys(items, "title", "start", "end", "event_id", "schedule_id")


def parse_rooms(feed, context):
    def parse_item(pair):
        room, item = pair["room"], pair["item"]
        return Talk(
            rooms=clean_str_list(room),
            start=(start := context.parse_time(item["start"])),
            end=context.parse_end(start, end=item["end"]),
            title=clean_str(item["title"]),
            abstract=html_from_unknown_markup(clean_str(item.get("abstract"))),
            url=clean_str(item.get("url")),
            guid=_guid(item.get("schedule_id")),
            number=item.get("schedule_id"),
            speakers=clean_str_list(item.get("presenters")),
            do_not_record=parse_do_not_record(item.get("do_not_record")),
        )

    located_items = (
        (
            f"{room!r:.60} item {number}",
            {"room": room, "item": item, "title": item.get("title")}
            if isinstance(item, dict)
            else item,
        )
        for room, items in feed.json.items()
        for number, item in enumerate(list_items(items), 1)
    )
    return context.parse_located_items(located_items, parse_item)


def _guid(value):
    """Return a guid from the number of a slot, which is unique."""
    return f"zookeepr-{value}" if isinstance(value, int | str) and value != "" else ""
