"""Exports of the schedule for apps, calendars and mirrors."""

from typing import Any

from pyramid.httpexceptions import HTTPServiceUnavailable
from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.frontend.http_cache import SCHEDULE_MAX_AGE
from streaming_system.frontend.page_cache import page_response
from streaming_system.schedule.export import export_schedule
from streaming_system.schedule.export_talks import ExportSite
from streaming_system.schedule.model import Schedule
from streaming_system.schedule.storage import MEDIA_TYPE, repr_digest, serialize_schedule

MEDIA_TYPES = {
    "frab-xml": "application/xml",
    "json": "application/json",
    "hub-json": "application/json",
    "ics": "text/calendar",
}


@view_config(route_name="schedule.xml", http_cache=SCHEDULE_MAX_AGE)
def as_xml(request: Any) -> Response:
    """Return the whole schedule as schedule.xml."""
    return _export_response(request, "frab-xml", request.conference.rooms)


@view_config(route_name="schedule.json", http_cache=SCHEDULE_MAX_AGE)
def as_json(request: Any) -> Response:
    """Return the whole schedule as schedule.json, version 1."""
    return _export_response(request, "json", request.conference.rooms)


@view_config(route_name="schedule.hub", http_cache=SCHEDULE_MAX_AGE)
def as_hub_json(request: Any) -> Response:
    """Return the whole schedule as schedule.json, version 2."""
    return _export_response(request, "hub-json", request.conference.rooms)


@view_config(route_name="schedule.ics", http_cache=SCHEDULE_MAX_AGE)
def as_ics(request: Any) -> Response:
    """Return the whole schedule as iCalendar."""
    return _export_response(request, "ics", request.conference.rooms)


@view_config(route_name="room.ics", http_cache=SCHEDULE_MAX_AGE)
def room_as_ics(request: Any) -> Response:
    """Return a room's schedule as iCalendar."""
    return _export_response(request, "ics", {request.room.id: request.room})


@view_config(route_name="schedule.file", http_cache=SCHEDULE_MAX_AGE)
def schedule_file(request: Any) -> Response:
    """Return the schedule file for mirrors (``schedule follow``), limited to configured rooms."""
    schedule = request.schedule
    if schedule.imported_at is None and not schedule.rooms:
        raise HTTPServiceUnavailable("there is no schedule here yet")

    def serialize() -> str:
        rooms = {
            name: schedule.rooms[name]
            for name in request.conference.rooms
            if name in schedule.rooms
        }
        return serialize_schedule(Schedule(rooms=rooms, imported_at=schedule.imported_at))

    document, _ = request.registry["export_cache"].get(schedule, "file", serialize)
    response = Response(document, content_type=MEDIA_TYPE)
    response.headers["Repr-Digest"] = repr_digest(document)
    return response


def _export_response(request: Any, form: str, rooms: Any) -> Response:
    schedule, site = (
        request.schedule,
        ExportSite(title=request.site_title, url=request.application_url),
    )
    page = request.registry["export_cache"].get(
        schedule,
        (form, tuple(rooms), site),
        lambda: export_schedule(schedule, rooms, site, form).decode(),
    )
    response = page_response(request, page, MEDIA_TYPES[form])
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
