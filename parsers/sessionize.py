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
    list_items,
    parse_flag,
    share_with_keys,
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
        and _is_list_of(document["sessions"], "startsAt", "roomId", "isServiceSession")
    )


def recognise_grid(feed: Feed) -> float:
    if not isinstance(feed.json, list):
        return 0.0
    days = [day for day in feed.json if isinstance(day, dict)]
    rooms = [room for day in days for room in list_items(day.get("rooms"))]
    share = share_with_keys(feed.json, "date", "rooms", "timeSlots")
    return share if _is_list_of(rooms, "id", "name", "sessions") else 0.0


def recognise_sessions(feed: Feed) -> float:
    if not isinstance(feed.json, list):
        return 0.0
    groups = [group for group in feed.json if isinstance(group, dict)]
    sessions = [session for group in groups for session in list_items(group.get("sessions"))]
    share = share_with_keys(feed.json, "groupId", "groupName", "sessions")
    return share if _is_list_of(sessions, "startsAt", "room") else 0.0


def _is_list_of(items, *keys):
    """Return whether a list is empty, or most of its items have the keys."""
    return not items or share_with_keys(items, *keys) > 0


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
            speakers=[(speakers.get(str(key)), key) for key in list_items(session.get("speakers"))],
        ),
    )


def parse_grid(feed, context):
    for day in _objects(feed.json):
        rooms = _names_by_id(list_items(day.get("rooms")))
        for room in _objects(day.get("rooms")):
            yield from context.parse_items(
                list_items(room.get("sessions")),
                lambda session, rooms=rooms, room=room: _parse_talk(
                    session,
                    context,
                    room=clean_str(room.get("name")),
                    all_rooms=rooms.values(),
                    speakers=session.get("speakers"),
                ),
            )


def parse_sessions(feed, context):
    for group in _objects(feed.json):
        yield from context.parse_items(
            list_items(group.get("sessions")),
            lambda session: _parse_talk(
                session,
                context,
                room=clean_str(session.get("room")),
                all_rooms=(),
                speakers=session.get("speakers"),
            ),
        )


def _objects(value):
    return [item for item in list_items(value) if isinstance(item, dict)]


def _parse_talk(session, context, *, room, all_rooms, speakers):
    names, speaker_ids = clean_people(speakers)
    is_plenary = parse_flag(session.get("isPlenumSession")) and all_rooms
    start = context.parse_time(session.get("startsAt"))
    return Talk(
        # A plenary session is listed in only one of its rooms.
        rooms=tuple(all_rooms) if is_plenary else clean_str_list(room),
        start=start,
        end=context.parse_end(start, end=session.get("endsAt")),
        title=clean_str(session["title"]),
        abstract=html_from_plain_text(clean_str(session.get("description"))),
        guid=f"sessionize-{session['id']}",
        number=session["id"],
        speakers=names,
        speaker_ids=speaker_ids,
        talk_type="break" if parse_flag(session.get("isServiceSession")) else "",
    )


def _names_by_id(items, key="name"):
    """Return names by id as text, because sessions refer to ids as numbers or as texts."""
    return {
        str(item["id"]): name
        for item in items
        if isinstance(item, dict) and "id" in item
        for name in clean_str_list(item.get(key))
    }
