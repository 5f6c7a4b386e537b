"""The list of the conferences of a site, for people and for programs."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.frontend.event_list import (
    NOW,
    PAST,
    UPCOMING,
    EventEntry,
    site_entry,
    sort_entries,
)
from streaming_system.frontend.http_cache import SCHEDULE_MAX_AGE
from streaming_system.frontend.page_cache import page_response, with_etag
from streaming_system.schedule.event_dates import find_dates


@view_config(route_name="events", renderer="events.jinja2", http_cache=SCHEDULE_MAX_AGE)
def events(request: Any) -> dict[str, Any]:
    """Show the conferences: on now, to come, and over."""
    return events_page(request)


def events_page(request: Any) -> dict[str, Any]:
    """Return the values of the page with all conferences."""
    return _group(all_entries(request))


def other_events(request: Any) -> dict[str, Any]:
    """Return the conferences for the page of a site with rooms of its own."""
    return _group(event_entries(request))


def _group(entries: Sequence[EventEntry]) -> dict[str, Any]:
    groups: Mapping[str, list[EventEntry]] = {
        phase: [entry for entry in entries if entry.phase == phase]
        for phase in (NOW, UPCOMING, PAST)
    }
    changes = [entry.changes_at for entry in entries if entry.changes_at]
    return {"groups": groups, "changes_at": min(changes, default=None)}


def event_entries(request: Any) -> list[EventEntry]:
    """Return the conferences below the site; none if it has no folder of them."""
    event_list = request.registry["event_list"]
    if event_list is None:
        return []
    statuses = request.registry["room_statuses"].get()
    entries: list[EventEntry] = event_list.entries(request.language.tag, statuses, request.now)
    return entries


def all_entries(request: Any) -> list[EventEntry]:
    """Return all conferences, the site's own included if it has rooms."""
    entries = event_entries(request)
    if not request.conference.rooms:
        return entries
    statuses = request.registry["room_statuses"].get()
    own = site_entry(request.conference, find_dates(request.schedule), statuses, request.now)
    return sort_entries([own, *entries])


@view_config(route_name="events.json", http_cache=SCHEDULE_MAX_AGE)
def events_json(request: Any) -> Response:
    """Return the conferences as JSON. Times have the offset of the conference's time zone."""
    document = {"events": [_to_json(request, entry) for entry in all_entries(request)]}
    body = json.dumps(document, ensure_ascii=False, indent=1)
    response = page_response(request, with_etag(body), "application/json")
    # JSON is always UTF-8; strict clients reject a charset.
    response.headers["Content-Type"] = "application/json"
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def _to_json(request: Any, entry: EventEntry) -> dict[str, Any]:
    dates = entry.dates
    url = f"{request.application_url}/{entry.path}"

    def local(moment: datetime) -> str | None:
        return moment.astimezone(dates.zone).isoformat() if dates else None

    return {
        "name": entry.name or None,
        "title": entry.title,
        "phase": entry.phase,
        "url": url,
        "schedule_url": f"{url}schedule",
        "starts_at": local(dates.starts_at) if dates else None,
        "ends_at": local(dates.ends_at) if dates else None,
        "timezone": dates.zone.key if dates else None,
        "live_rooms": list(entry.live_rooms),
    }
