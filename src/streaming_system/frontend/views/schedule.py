"""The programme: all of it, of one room, and one talk."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from pyramid.httpexceptions import HTTPBadRequest, HTTPNotFound
from pyramid.renderers import render
from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.config import Room
from streaming_system.frontend.feedback import feedback_url
from streaming_system.frontend.http_cache import SCHEDULE_MAX_AGE
from streaming_system.frontend.page_cache import page_response, with_etag
from streaming_system.frontend.room_view import build_room_view
from streaming_system.frontend.schedule_page.grid import ScheduleGrid, build_grid
from streaming_system.frontend.schedule_page.schedule_view import (
    ScheduleEntry,
    ScheduleView,
    language_tag,
    search,
)
from streaming_system.schedule.export import ExportSite, export_schedule
from streaming_system.schedule.model import RoomSchedule, Schedule

ALL_DAYS = "all"
VIEWS = ("", "grid", "list")
MAX_SEARCH_CHARS = 200


@dataclass(frozen=True, kw_only=True)
class ScheduleQuery:
    """What an address asks for.

    :param day: "" for the day that suits, or :data:`ALL_DAYS`.
    :param view: "" for what suits the screen.
    """

    day: str = ""
    room: str = ""
    view: str = ""
    q: str = ""

    def query(self, **changes: str) -> dict[str, str]:
        """Return the query of an address that asks for the same but for some changes."""
        values = {"day": self.day, "room": self.room, "view": self.view, "q": self.q} | changes
        return {name: value for name, value in values.items() if value}


@view_config(route_name="schedule", http_cache=SCHEDULE_MAX_AGE)
def schedule(request: Any) -> Response:
    """Show the programme of all rooms, or of the one that the query names."""
    asked = _parse_query(request, room=request.GET.get("room", ""))
    room = request.conference.rooms.get(asked.room)
    if asked.room and room is None:
        raise HTTPNotFound(
            request.translate("there is no room called %(room)s", room=asked.room[:80])
        )
    return _schedule_page(request, asked, room)


@view_config(route_name="room.schedule", http_cache=SCHEDULE_MAX_AGE)
def room_schedule(request: Any) -> Response:
    """Show the programme of one room."""
    return _schedule_page(request, _parse_query(request, room=""), request.room)


@view_config(route_name="talk", http_cache=SCHEDULE_MAX_AGE)
def talk(request: Any) -> Response:
    """Show one talk: what it is about, when and where, and how to watch it."""
    entry = _find_entry(request)
    told = request.registry["live"].current()
    state = build_room_view(entry.room, request.schedule, told, request.now, request.words)
    values = {
        "entry": entry,
        "state": state,
        "event": entry.event,
        "status": request.words.status(entry.event, request.now),
        "feedback": feedback_url(entry.room, entry.event, request.now),
        "zone_names": state.words.zone(entry.event.start.astimezone(state.zone)),
        "language_tag": language_tag,
    }
    return page_response(request, with_etag(render("talk.jinja2", values, request)))


@view_config(route_name="talk.ics", http_cache=SCHEDULE_MAX_AGE)
def talk_as_ics(request: Any) -> Response:
    """Return one talk as iCalendar."""
    entry = _find_entry(request)
    planned = request.schedule.rooms[entry.room.id]
    alone = Schedule(
        rooms={entry.room.id: RoomSchedule(timezone=planned.timezone, events=(entry.event,))}
    )
    site = ExportSite(title=request.site_title, url=request.application_url)
    body = export_schedule(alone, request.conference.rooms, site, "ics").decode()
    response = page_response(request, with_etag(body), "text/calendar")
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.content_disposition = f'attachment; filename="{entry.id}.ics"'
    return response


def _find_entry(request: Any) -> ScheduleEntry:
    name = request.matchdict["talk"]
    entry: ScheduleEntry | None = request.registry["programmes"].talk(request.schedule, name)
    if entry is None:
        raise HTTPNotFound(
            request.translate("there is no such talk; perhaps it has been cancelled")
        )
    return entry


def _parse_query(request: Any, room: str) -> ScheduleQuery:
    view = request.GET.get("view", "")
    if view not in VIEWS:
        raise HTTPBadRequest(request.not_allowed("view", view, "grid, list"))
    day = request.GET.get("day", "")
    if day not in ("", ALL_DAYS):
        try:
            day = date.fromisoformat(day).isoformat()
        except ValueError:
            raise HTTPBadRequest(request.not_allowed("day", day, "YYYY-MM-DD, all")) from None
    words = " ".join(request.GET.get("q", "")[:MAX_SEARCH_CHARS].split())
    return ScheduleQuery(day=day, room=room, view=view, q=words)


def _schedule_page(request: Any, asked: ScheduleQuery, room: Room | None) -> Response:
    whole = request.registry["programmes"].of(request.schedule)
    programme = whole if room is None else ScheduleView(request.schedule, [room])
    day = _select_day(request, asked, programme, room)
    request.page_query = _page_query(request, asked)

    def draw() -> str:
        values = _template_values(request, asked, programme, room, day)
        page: str = render("schedule.jinja2", values, request)
        return page

    # Whatever else a page depends on belongs into the key.
    # Links to the same page in other languages name the host.
    said = (request.locale_name, request.asked_language is not None)
    key = (said, request.canonical_url, asked, day)
    # Neither words nor days that anybody can make up may push the others out.
    if asked.q or "delta" in request.GET or not (day is None or programme.knows(day)):
        page = with_etag(draw())
    else:
        page = request.registry["kept"].get(request.schedule, key, draw)
    return page_response(request, page)


def _page_query(request: Any, asked: ScheduleQuery) -> dict[str, str]:
    """Return what the page's address in another language asks for: no word that nobody reads."""
    moved = {"delta": request.GET["delta"]} if "delta" in request.GET else {}
    return asked.query() | moved


def _select_day(
    request: Any, asked: ScheduleQuery, programme: ScheduleView, room: Room | None
) -> date | None:
    """Return the day that is shown; ``None`` for all days."""
    if asked.day == ALL_DAYS:
        return None
    if asked.day:
        return date.fromisoformat(asked.day)
    # A search looks everywhere, and the days of a room make a list that one can read.
    if asked.q or (room is not None and not asked.view):
        return None
    return programme.day_at(request.now)


def _template_values(
    request: Any, asked: ScheduleQuery, programme: ScheduleView, room: Room | None, day: date | None
) -> dict[str, Any]:
    entries = programme.entries if room else programme.without_doubles()
    found = search(entries, asked.q) if asked.q else entries
    shown = found if day is None else programme.on(day, found)
    as_list = day is None or asked.view == "list"
    return {
        "asked": asked,
        "room": room,
        "rooms": request.registry["programmes"].of(request.schedule).rooms,
        "day": day,
        "days": programme.days,
        "zone": programme.zone,
        "zone_names": request.words.zones(entry.start for entry in shown or entries),
        "count": len(shown),
        "as_list": as_list,
        "table": None if as_list else _day_grid(programme, shown, day),
        "language_tag": language_tag,
        "agenda": list(_group_by_day(programme, shown, day)) if as_list else [],
    }


def _day_grid(
    programme: ScheduleView, entries: list[ScheduleEntry], day: date | None
) -> ScheduleGrid:
    if day is None or not entries:
        return ScheduleGrid(rooms=[], rows=[])
    tomorrow = programme.begins(day + timedelta(days=1))
    return build_grid(entries, programme.begins(day), tomorrow, programme.zone)


def _group_by_day(
    programme: ScheduleView, entries: list[ScheduleEntry], day: date | None
) -> Iterator[tuple[date, list[tuple[datetime | None, list[ScheduleEntry]]]]]:
    """Yield the days, and of each the times at which something starts, with what starts then.

    What began on an earlier day comes first, without a time.
    """

    def day_of(entry: ScheduleEntry) -> date:
        return day or entry.day

    def start_of(entry: ScheduleEntry) -> datetime | None:
        return None if day and entry.day < day else entry.start

    for some_day, of_day in groupby(entries, key=day_of):
        times = groupby(of_day, key=start_of)
        yield some_day, [(start, list(at_once)) for start, at_once in times]
