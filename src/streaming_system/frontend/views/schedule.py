"""The schedule of all rooms or of one, and the page of a talk."""

import re
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
from streaming_system.frontend.feedback import (
    FEEDBACK_RESULTS,
    feedback_url,
    has_feedback_form,
)
from streaming_system.frontend.http_cache import SCHEDULE_MAX_AGE
from streaming_system.frontend.page_cache import page_response, with_etag
from streaming_system.frontend.query_params import normalise_search
from streaming_system.frontend.relive.watch_again import FIRST_RESPONSE_TIMEOUT, TalkRecordings
from streaming_system.frontend.room_view import build_room_view
from streaming_system.frontend.schedule_page.grid import ScheduleGrid, build_grid
from streaming_system.frontend.schedule_page.neighbours import find_neighbours
from streaming_system.frontend.schedule_page.schedule_view import (
    ScheduleEntry,
    ScheduleView,
    language_tag,
    search,
)
from streaming_system.frontend.security_headers import allow_streams
from streaming_system.frontend.transcripts import transcript_address
from streaming_system.schedule.export import export_schedule
from streaming_system.schedule.export_talks import ExportSite
from streaming_system.schedule.model import RoomSchedule, Schedule

ALL_DAYS = "all"
VIEWS = ("", "grid", "list")
# Results of a search on a page; others are a link away.
MAX_RESULTS = 50
MAX_PAGE = 9999


@dataclass(frozen=True, kw_only=True)
class ScheduleQuery:
    """The query of a schedule page.

    :param day: an ISO date, :data:`ALL_DAYS`, or "" for the default.
    :param view: "" for the view that fits the screen.
    :param page: of the results of a search, from 1.
    """

    day: str = ""
    room: str = ""
    view: str = ""
    q: str = ""
    page: int = 1

    def to_params(self, **changes: str) -> dict[str, str]:
        """Return the query parameters of the first page, with some changes."""
        values = {"day": self.day, "room": self.room, "view": self.view, "q": self.q} | changes
        return {name: value for name, value in values.items() if value}


@view_config(route_name="schedule", http_cache=SCHEDULE_MAX_AGE)
def schedule(request: Any) -> Response:
    """Show the schedule of all rooms, or of the one in the query."""
    query = _parse_query(request, room=request.GET.get("room", ""))
    room = request.conference.rooms.get(query.room)
    if query.room and room is None:
        raise HTTPNotFound(
            request.translate("there is no room called %(room)s", room=query.room[:80])
        )
    return _schedule_page(request, query, room)


@view_config(route_name="room.schedule", http_cache=SCHEDULE_MAX_AGE)
def room_schedule(request: Any) -> Response:
    """Show the schedule of one room."""
    return _schedule_page(request, _parse_query(request, room=""), request.room)


@view_config(route_name="talk", http_cache=SCHEDULE_MAX_AGE)
def talk(request: Any) -> Response:
    """Show one talk."""
    entry = _find_entry(request)
    result = request.GET.get("feedback", "")
    if result and result not in FEEDBACK_RESULTS:
        allowed = ", ".join(FEEDBACK_RESULTS)
        raise HTTPBadRequest(request.invalid_value_message("feedback", result, allowed))
    statuses = request.registry["room_statuses"].get()
    state = build_room_view(entry.room, request.schedule, statuses, request.now, request.formatter)
    watch_again = request.registry["talk_recordings"].find(
        entry.room.id,
        entry.talk,
        request.now,
        request.route_path("talk.recording", talk=entry.id),
        FIRST_RESPONSE_TIMEOUT,
    )
    values = {
        "watch_again": watch_again,
        "neighbours": find_neighbours(request.schedule_views.get(request.schedule), entry),
        "is_shown": entry.talk.is_on(request.now) and state.live and not state.is_on_slate,
        "entry": entry,
        "state": state,
        "event": entry.talk,
        "status": request.formatter.status(entry.talk, request.now),
        "feedback": feedback_url(entry.room, entry.talk, request.now),
        # The tracker does not know the talks of archives.
        "has_feedback_form": not request.is_archive
        and has_feedback_form(entry.room, entry.talk, request.now),
        "feedback_result": result,
        "zone_names": state.formatter.zone(entry.talk.start.astimezone(state.zone)),
        "language_tag": language_tag,
        "transcript_address": transcript_address(request, entry),
    }
    response = page_response(request, with_etag(render("talk.jinja2", values, request)))
    if watch_again.parts:
        allow_streams(request, frames=(), response=response)
    return response


@view_config(route_name="talk.ics", http_cache=SCHEDULE_MAX_AGE)
def talk_as_ics(request: Any) -> Response:
    """Return one talk as iCalendar."""
    entry = _find_entry(request)
    room_schedule = request.schedule.rooms[entry.room.id]
    single_talk = Schedule(
        rooms={entry.room.id: RoomSchedule(timezone=room_schedule.timezone, slots=(entry.talk,))}
    )
    site = ExportSite(title=request.site_title, url=request.application_url)
    body = export_schedule(single_talk, request.conference.rooms, site, "ics").decode()
    response = page_response(request, with_etag(body), "text/calendar")
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.content_disposition = f'attachment; filename="{entry.id}.ics"'
    return response


def _find_entry(request: Any) -> ScheduleEntry:
    name = request.matchdict["talk"]
    entry: ScheduleEntry | None = request.schedule_views.find_talk(request.schedule, name)
    if entry is None:
        raise HTTPNotFound(
            request.translate("there is no such talk; perhaps it has been cancelled")
        )
    return entry


def _parse_query(request: Any, room: str) -> ScheduleQuery:
    view = request.GET.get("view", "")
    if view not in VIEWS:
        raise HTTPBadRequest(request.invalid_value_message("view", view, "grid, list"))
    day = request.GET.get("day", "")
    if day not in ("", ALL_DAYS):
        try:
            day = date.fromisoformat(day).isoformat()
        except ValueError:
            raise HTTPBadRequest(
                request.invalid_value_message("day", day, "YYYY-MM-DD, all")
            ) from None
    search_words = normalise_search(request.GET.get("q", ""))
    page = request.GET.get("page", "1")
    if not re.fullmatch(r"[0-9]{1,4}", page, re.ASCII) or int(page) < 1:
        raise HTTPBadRequest(request.invalid_value_message("page", page, f"1–{MAX_PAGE}"))
    return ScheduleQuery(
        day=day, room=room, view=view, q=search_words, page=int(page) if search_words else 1
    )


def _schedule_page(request: Any, query: ScheduleQuery, room: Room | None) -> Response:
    views = request.schedule_views
    view = views.of_room(request.schedule, room) if room else views.get(request.schedule)
    day = _select_day(request, query, view, room)
    request.page_query = _page_query(request, query)

    def render_page() -> str:
        page: str = render(
            "schedule.jinja2", _template_values(request, query, view, room, day), request
        )
        return page

    watchable = _watchable_guids(request)
    # Links to the same page in other languages contain the host.
    language = (request.locale_name, request.requested_language is not None)
    key = (language, request.canonical_url, query, day, hash(watchable))
    # Pages with arbitrary search words or days must not evict the others.
    if query.q or "delta" in request.GET or not (day is None or view.has_day(day)):
        page = with_etag(render_page())
    else:
        page = request.registry["page_cache"].get(request.schedule, key, render_page)
    return page_response(request, page)


def _page_query(request: Any, query: ScheduleQuery) -> dict[str, str]:
    """Return the query of this page in another language, without unknown parameters."""
    delta = {"delta": request.GET["delta"]} if "delta" in request.GET else {}
    page = {"page": str(query.page)} if query.page > 1 else {}
    return query.to_params() | page | delta


def _select_day(
    request: Any, query: ScheduleQuery, view: ScheduleView, room: Room | None
) -> date | None:
    """Return the day to show; ``None`` for all days."""
    if query.day == ALL_DAYS:
        return None
    if query.day:
        return date.fromisoformat(query.day)
    # A search covers all days, and the days of one room fit into a list.
    if query.q or (room is not None and not query.view):
        return None
    return view.default_day(request.now)


def _template_values(
    request: Any, query: ScheduleQuery, view: ScheduleView, room: Room | None, day: date | None
) -> dict[str, Any]:
    entries = view.entries if room else view.deduplicated
    matching = search(entries, query.q) if query.q else entries
    found = matching if day is None else view.talks_on(day, matching)
    pages = -(-len(found) // MAX_RESULTS) if query.q else 1
    if query.page > max(pages, 1):
        allowed = f"1–{pages}" if pages > 1 else "1"
        raise HTTPNotFound(request.invalid_value_message("page", str(query.page), allowed))
    first = (query.page - 1) * MAX_RESULTS
    listed = found[first : first + MAX_RESULTS] if query.q else found
    as_list = day is None or query.view == "list"
    return {
        "filters": query,
        "room": room,
        "rooms": request.schedule_views.get(request.schedule).rooms,
        "day": day,
        "days": view.days,
        "zone": view.zone,
        "zone_names": request.formatter.zones(entry.start for entry in listed or entries),
        "count": len(found),
        "pages": pages,
        "first": first + 1,
        "last": first + len(listed),
        "render_talk": _talk_renderer(request),
        "watchable": _watchable_guids(request),
        "as_list": as_list,
        "table": None if as_list else _day_grid(view, listed, day),
        "language_tag": language_tag,
        "agenda": list(_group_by_day(listed, day)) if as_list else [],
    }


def _watchable_guids(request: Any) -> frozenset[str]:
    recordings: TalkRecordings = request.registry["talk_recordings"]
    return recordings.watchable_guids(request.schedule, request.conference.rooms, request.now)


def _talk_renderer(request: Any) -> Any:
    # Links repeat ?lang=.
    variant = (
        request.locale_name,
        request.requested_language is not None,
        request.script_name,
    )
    return request.registry["talk_html"].renderer(request.schedule, variant)


def _day_grid(view: ScheduleView, entries: list[ScheduleEntry], day: date | None) -> ScheduleGrid:
    if day is None or not entries:
        return ScheduleGrid(rooms=[], rows=[])
    next_day = view.day_start(day + timedelta(days=1))
    return build_grid(entries, view.day_start(day), next_day, view.zone)


def _group_by_day(
    entries: list[ScheduleEntry], day: date | None
) -> Iterator[tuple[date, list[tuple[datetime | None, list[ScheduleEntry]]]]]:
    """Yield the days, each with its start times and the talks that start then.

    :param day: a single day; talks from an earlier day come first, with the time ``None``.
    """

    def day_of(entry: ScheduleEntry) -> date:
        return day or entry.day

    def start_of(entry: ScheduleEntry) -> datetime | None:
        return None if day and entry.day < day else entry.start

    for some_day, day_entries in groupby(entries, key=day_of):
        by_start = groupby(day_entries, key=start_of)
        yield some_day, [(start, list(concurrent)) for start, concurrent in by_start]
