"""Sessionize's API: https://sessionize.com/api/v2/KEY/view/ All, GridSmart or Sessions.

``All`` is an object of lists that refer to each other by id; ``GridSmart`` is a list of days with
rooms with sessions; ``Sessions`` is a list of groups with sessions. Times are local. Some feeds
mark them with a wrong ``Z``, which no parser can distinguish from a right one.
"""

from streaming_system.plugin import (
    Feed,
    Parser,
    Talk,
    clean_people,
    clean_str,
    clean_str_list,
    hookimpl,
    html_from_plain_text,
)


@hookimpl
def register_parsers():
    return [
        Parser(
            name="sessionize-all",
            summary="Sessionize API, view All",
            recognise=recognise_all,
            parse=parse_all,
        ),
        Parser(
            name="sessionize-grid",
            summary="Sessionize API, view GridSmart",
            recognise=recognise_grid,
            parse=parse_grid,
        ),
        Parser(
            name="sessionize-sessions",
            summary="Sessionize API, view Sessions",
            recognise=recognise_sessions,
            parse=parse_sessions,
        ),
    ]


def recognise_all(feed: Feed) -> float:
    document = feed.json
    if not isinstance(document, dict):
        return 0.0
    lists = ("sessions", "speakers", "rooms", "categories")
    return float(
        all(isinstance(document.get(name), list) for name in lists)
        and _are_sessions(document["sessions"], {"startsAt", "roomId", "isServiceSession"})
    )


def recognise_grid(feed: Feed) -> float:
    return float(
        _are_objects(feed.json, {"date", "rooms", "timeSlots"})
        and all(_are_objects(day["rooms"], {"id", "name", "sessions"}) for day in feed.json)
    )


def recognise_sessions(feed: Feed) -> float:
    return float(
        _are_objects(feed.json, {"groupId", "groupName", "sessions"})
        and any(_are_sessions(group["sessions"], {"startsAt", "room"}) for group in feed.json)
    )


def _are_objects(items, keys):
    return (
        isinstance(items, list)
        and bool(items)
        and all(isinstance(item, dict) and keys <= item.keys() for item in items)
    )


def _are_sessions(items, keys):
    return isinstance(items, list) and _are_objects(items[:1], keys)


def parse_all(feed, context):
    rooms = _names_by_id(feed.json["rooms"])
    speakers = _names_by_id(feed.json["speakers"], "fullName")
    return context.parse_items(
        feed.json["sessions"],
        lambda session: _parse_talk(
            session,
            context,
            room=rooms.get(str(session.get("roomId")), ""),
            all_rooms=rooms.values(),
            speakers=[(speakers.get(str(key)), key) for key in session.get("speakers") or []],
        ),
    )


def parse_grid(feed, context):
    for day in feed.json:
        rooms = _names_by_id(day["rooms"])
        for room in day["rooms"]:
            yield from context.parse_items(
                room["sessions"],
                lambda session, rooms=rooms, room=room: _parse_talk(
                    session,
                    context,
                    room=clean_str(room["name"]),
                    all_rooms=rooms.values(),
                    speakers=_speakers(session),
                ),
            )


def parse_sessions(feed, context):
    for group in feed.json:
        yield from context.parse_items(
            group["sessions"],
            lambda session: _parse_talk(
                session,
                context,
                room=clean_str(session.get("room")),
                all_rooms=(),
                speakers=_speakers(session),
            ),
        )


def _parse_talk(session, context, *, room, all_rooms, speakers):
    names, speaker_ids = clean_people(speakers)
    is_plenary = session.get("isPlenumSession") is True and all_rooms
    return Talk(
        # A plenary session is listed in only one of its rooms.
        rooms=tuple(all_rooms) if is_plenary else clean_str_list(room),
        start=context.parse_time(session.get("startsAt")),
        end=context.parse_time(session.get("endsAt")),
        title=clean_str(session["title"]),
        abstract=html_from_plain_text(clean_str(session.get("description"))),
        guid=f"sessionize-{session['id']}",
        number=session["id"],
        speakers=names,
        speaker_ids=speaker_ids,
        talk_type="break" if session.get("isServiceSession") is True else "",
    )


def _names_by_id(items, key="name"):
    """Return names by id as text, because sessions refer to ids as numbers or as texts."""
    return {
        str(item["id"]): item[key]
        for item in items
        if isinstance(item, dict) and "id" in item and isinstance(item.get(key), str)
    }


def _speakers(session):
    """Return the names and the identifiers of the speakers."""
    people = session.get("speakers") or []
    return [(person.get("name"), person.get("id")) for person in people if isinstance(person, dict)]
