"""Indico: ``/export/event/ID.json?detail=sessions`` (or contributions), and ``/export/timetable``.

Times are objects of date, time and zone. An event lists talks in its sessions and beside them; a
timetable does the same for each day. A poster session has dozens of talks in one room at the same
time.
"""

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
    list_items,
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
    if not isinstance(results, list):
        return 0.0
    events = [event for event in results if isinstance(event, dict)]
    fossils = [str(event.get("_fossil", "")) for event in events]
    return float(
        (feed.json.get("_type") == "HTTPAPIResult" and bool(events) >= bool(results))
        or any(fossil.startswith("conferenceMetadata") for fossil in fossils)
    )


def recognise_timetable(feed: Feed) -> float:
    results = feed.json.get("results") if isinstance(feed.json, dict) else None
    return float(
        isinstance(results, dict)
        and feed.json.get("_type") == "HTTPAPIResult"
        and any(isinstance(days, dict) or not days for days in [*results.values(), None])
    )


def parse_event(feed, context):
    for conference in list_items(feed.json["results"]):
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
    return list_items(item.get(key)) if isinstance(item, dict) else []


def parse_timetable(feed, context):
    return context.parse_located_items(
        _entries(feed.json["results"]), lambda item: _parse_talk(item, context, {})
    )


def _entries(results):
    """Yield the entries of a timetable, with the entries of sessions instead of the sessions."""
    for days in results.values():
        for day, entries in _items(days):
            for key, entry in _items(entries):
                if not isinstance(entry, dict) or entry.get("entryType") != "Session":
                    yield f"{day} {key}", entry
                    continue
                for inner_key, item in _items(entry.get("entries")):
                    yield f"{day} {key} {inner_key}", item


def _items(value):
    """Return the keys and values of an object; those of a list, which PHP writes if it is empty."""
    return value.items() if isinstance(value, dict) else enumerate(list_items(value), 1)


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
        track=_text(item, "track"),
        talk_type=_text(item, "type"),
    )


def _parse_end(item, start, context):
    end = _parse_time(item["endDate"], context) if item.get("endDate") else None
    return context.parse_end(start, end=end, duration=item.get("duration"))


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
        if name := _text(item, key):
            return name
    return ""


def _text(item, key):
    value = item.get(key)
    return clean_str(value) if isinstance(value, str | int | float) else ""


def _speakers(item):
    names = []
    for person in _list(item, "speakers") or _list(item, "presenters"):
        if isinstance(person, dict):
            first = person.get("first_name") or person.get("firstName") or ""
            last = person.get("last_name") or person.get("familyName") or ""
            names.append(f"{first} {last}".strip() or person.get("name"))
    return clean_str_list(names)
