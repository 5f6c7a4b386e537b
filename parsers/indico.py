"""Indico: ``/export/event/ID.json?detail=sessions`` (or contributions), and ``/export/timetable``.

Times are objects of date, time and zone. An event lists talks in its sessions and beside them; a
timetable does the same for each day. A poster session has dozens of talks in one room at the same
time.
"""

from datetime import timedelta
from zoneinfo import ZoneInfo

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
        Parser(
            name="indico",
            summary="Indico's export of an event",
            recognise=recognise_event,
            parse=parse_event,
        ),
        Parser(
            name="indico-timetable",
            summary="Indico's export of a timetable",
            recognise=recognise_timetable,
            parse=parse_timetable,
        ),
    ]


def recognise_event(feed: Feed) -> float:
    results = feed.json.get("results") if isinstance(feed.json, dict) else None
    if not isinstance(results, list) or not results or not isinstance(results[0], dict):
        return 0.0
    fossil = str(results[0].get("_fossil", ""))
    return float(
        feed.json.get("_type") == "HTTPAPIResult" or fossil.startswith("conferenceMetadata")
    )


def recognise_timetable(feed: Feed) -> float:
    results = feed.json.get("results") if isinstance(feed.json, dict) else None
    return float(
        isinstance(results, dict)
        and bool(results)
        and feed.json.get("_type") == "HTTPAPIResult"
        and all(isinstance(days, dict) for days in results.values())
    )


def parse_event(feed, context):
    for conference in feed.json["results"]:
        seen = set()

        def parse_item(item, conference=conference, seen=seen):
            key = item.get("db_id") or item.get("id")
            if key in seen:
                return None
            seen.add(key)
            return _parse_talk(item, context, conference)

        for number, session in enumerate(_list(conference, "sessions"), 1):
            yield from context.parse_located_items(
                (
                    (f"session {number}, item {index}", item)
                    for index, item in enumerate(_list(session, "contributions"), 1)
                ),
                parse_item,
            )
        yield from context.parse_items(_list(conference, "contributions"), parse_item)


def _list(item, key):
    value = item.get(key) if isinstance(item, dict) else None
    return value if isinstance(value, list) else []


def parse_timetable(feed, context):
    return context.parse_located_items(
        _entries(feed.json["results"]), lambda item: _parse_talk(item, context, {})
    )


def _entries(results):
    """Yield the entries of a timetable, with the entries of sessions instead of the sessions."""
    for days in results.values():
        for day, entries in days.items():
            for key, entry in entries.items() if isinstance(entries, dict) else ():
                if not isinstance(entry, dict) or entry.get("entryType") != "Session":
                    yield f"{day} {key}", entry
                    continue
                inner = entry.get("entries")
                for inner_key, item in inner.items() if isinstance(inner, dict) else ():
                    yield f"{day} {key} {inner_key}", item


def _parse_talk(item, context, conference):
    start = _parse_time(item.get("startDate"), context)
    return Talk(
        rooms=clean_str_list(_room(item) or _room(conference)),
        start=start,
        end=_parse_end(item, start, context),
        title=clean_str(item["title"]),
        abstract=html_from_unknown_markup(clean_str(item.get("description"))),
        url=clean_str(item.get("url")),
        guid=f"indico-{item.get('_type') or item.get('entryType') or ''}-{item['id']}",
        number=item["id"],
        speakers=_speakers(item),
        track=clean_str(item.get("track")) if isinstance(item.get("track"), str) else "",
        talk_type=clean_str(item.get("type")) if isinstance(item.get("type"), str) else "",
    )


def _parse_end(item, start, context):
    if item.get("endDate"):
        return _parse_time(item["endDate"], context)
    minutes = item.get("duration")
    if isinstance(minutes, bool) or not isinstance(minutes, int):
        raise SkipEntryError("no-time", "neither end nor duration")
    return start + timedelta(minutes=minutes)


def _parse_time(value, context):
    if not value:
        raise SkipEntryError("no-time", "not scheduled")
    try:
        zone = ZoneInfo(value["tz"])
    except (KeyError, ValueError, OSError):
        zone = None
    return context.parse_time(f"{value['date']}T{value['time']}", zone=zone)


def _room(item):
    for key in ("room", "roomFullname"):
        if isinstance(item.get(key), str) and item[key].strip():
            return item[key]
    return ""


def _speakers(item):
    names = []
    for person in _list(item, "speakers") or _list(item, "presenters"):
        if isinstance(person, dict):
            first = person.get("first_name") or person.get("firstName") or ""
            last = person.get("last_name") or person.get("familyName") or ""
            names.append(f"{first} {last}".strip() or person.get("name"))
    return clean_str_list(names)
