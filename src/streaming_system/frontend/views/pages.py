"""The pages for viewers, and the monitor for the crew."""

import random
from typing import Any

from markupsafe import escape
from pyramid.httpexceptions import HTTPNotFound
from pyramid.view import view_config

from streaming_system.frontend.http_cache import SCHEDULE_MAX_AGE
from streaming_system.frontend.overview import event_overviews
from streaming_system.frontend.room_page import RoomPage, build_room_page
from streaming_system.frontend.room_view import build_room_views
from streaming_system.frontend.security_headers import allow_streams
from streaming_system.frontend.views.events import events_page, other_events
from streaming_system.web.response_cache import VARIES_BY_GROUP_KEY

RANDOM = random.Random()

# Values of ?template=. "group" is the original system's word for a room; the default depends on the
# viewer's IP address.
DEFAULT_TEMPLATE = "default"
TEMPLATES = {"group": "room.jinja2", "inroom": "inroom.jinja2"}


@view_config(route_name="index", renderer="index.jinja2", http_cache=SCHEDULE_MAX_AGE)
def index(request: Any) -> dict[str, Any]:
    """Show all rooms by event; all conferences if the site has no room of its own."""
    if request.registry["events"] and not request.conference.rooms:
        request.override_renderer = "events.jinja2"
        return events_page(request)
    events = event_overviews(build_room_views(request), request.now)
    changes = [event.changes_at for event in events if event.changes_at]
    watchable = request.registry["talk_recordings"].watchable_guids(
        request.schedule, request.conference.rooms, request.now
    )
    return {
        "events": events,
        "changes_at": min(changes, default=None),
        "other_events": other_events(request)["groups"],
        "watch_again": {event.title: event.latest_talks(watchable) for event in events},
    }


@view_config(route_name="monitor", renderer="monitor.jinja2", http_cache=SCHEDULE_MAX_AGE)
def monitor(request: Any) -> dict[str, Any]:
    """Show the crew all rooms; those with problems come first."""
    incidents = request.registry["open_incidents"].get()
    states = build_room_views(request)
    without_stream = [state for state in states if state.needs_attention]
    incident_rooms = {incident.room for incident in incidents or ()}
    troubled = incident_rooms | {state.room.id for state in without_stream}
    # The tracker opens an incident later, or it is unreachable.
    without_incident = [state for state in without_stream if state.room.id not in incident_rooms]
    return {
        "states": sorted(
            states,
            key=lambda state: state.room.id not in troubled,
        ),
        "problem_rooms": troubled,
        "problem_count": len(incidents or ()) + len(without_incident),
        "incidents": incidents,
        "rooms_without_stream": without_incident,
        "live_count": sum(bool(state.live) and not state.is_on_slate for state in states),
        "viewers": sum(state.status.clients for state in states if state.status),
        "audiences": request.registry["room_audiences"].get() or {},
    }


@view_config(route_name="room", renderer="room.jinja2")
def room(request: Any) -> dict[str, Any]:
    """Show one room: its player, talks, chat and links."""
    request.override_renderer = _select_template(request)
    _set_cache_headers(request)
    # An unknown room is a 404 even if the query is invalid.
    room_id = request.room.id
    states = build_room_views(request)
    page = build_room_page(room_id, states, request.conference.site, RANDOM)
    if request.override_renderer == TEMPLATES["group"]:
        allow_streams(request, frames=page.frame_urls)
    request.etag_replacements.update(etag_replacements(page))
    return {
        "state": page.state,
        "states": page.states,
        "switcher_changes": page.switcher_changes_at,
        "sources": page.sources,
        "server": page.endpoint if page.has_player else None,
        "links": page.links,
        "formats": player_formats(request, page),
        "embed": page.embed,
        "source": page.source_key,
        "chat": page.chat,
        "feedback_talk": page.rated_talk,
        "feedback": page.feedback_url,
        "rated_talk_id": page.rated_talk_id,
        "next_talk_id": page.next_talk_id,
    }


def player_formats(request: Any, page: RoomPage) -> list[tuple[str, str, str, str, bool]]:
    """Return the formats that an endpoint may serve, for the player."""
    return [
        (each.stream, each.path, each.mime_type, request.translate(each.label), each.is_optional)
        for each in page.formats
    ]


def etag_replacements(page: RoomPage) -> dict[str, str]:
    """Return replacements that give pages with different endpoints the same entity tag."""
    if page.state.status is None or page.endpoint is None:
        return {}
    return {
        str(escape(page.endpoint.url)): page.equivalent_endpoint_urls,
        f'data-endpoint="{escape(page.endpoint.name)}"': "",
    }


def _set_cache_headers(request: Any) -> None:
    """Make the page private if it depends on whether the viewer is at the venue."""
    varies = _requested_template(request) == DEFAULT_TEMPLATE and request.conference.site.localips
    if varies:
        # The cache of this process knows who is at the venue.
        request.environ[VARIES_BY_GROUP_KEY] = True
    request.response.cache_expires(SCHEDULE_MAX_AGE, **({"private": True} if varies else {}))


def _requested_template(request: Any) -> str:
    name: str = request.GET.get("template", DEFAULT_TEMPLATE)
    return name


def _select_template(request: Any) -> str:
    name = _requested_template(request)
    if name == DEFAULT_TEMPLATE:
        # The venue's network has no capacity for streams; its visitors can walk into the room.
        is_local = request.conference.site.is_local(request.remote_addr or "")
        name = "inroom" if is_local else "group"
    if name not in TEMPLATES:
        allowed = ", ".join((DEFAULT_TEMPLATE, *TEMPLATES))
        raise HTTPNotFound(request.invalid_value_message("template", name, allowed))
    return TEMPLATES[name]
