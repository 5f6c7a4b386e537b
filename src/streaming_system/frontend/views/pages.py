"""The pages for people."""

import random
from typing import Any

from markupsafe import escape
from pyramid.httpexceptions import HTTPNotFound
from pyramid.view import view_config

from streaming_system.frontend.chat import chat_links
from streaming_system.frontend.feedback import feedback_url, talk_for_feedback
from streaming_system.frontend.http_cache import SCHEDULE_MAX_AGE
from streaming_system.frontend.overview import event_overviews
from streaming_system.frontend.room_view import build_room_views, natural_sort_key
from streaming_system.frontend.security_headers import allow_streams
from streaming_system.frontend.streams import (
    active_embed,
    active_source_key,
    embed_origins,
    has_whep,
    pick_server,
    stream_formats,
    stream_links,
)
from streaming_system.frontend.tracker_client import EndpointInfo, RoomStatus
from streaming_system.web.response_cache import VARIES_BY_GROUP_KEY

RANDOM = random.Random()

# What ?template= may ask for. "group" is the original's word for a room.
# That of the viewer's address is "default".
DEFAULT_TEMPLATE = "default"
TEMPLATES = {"group": "room.jinja2", "inroom": "inroom.jinja2"}


@view_config(route_name="index", renderer="index.jinja2", http_cache=SCHEDULE_MAX_AGE)
def index(request: Any) -> dict[str, Any]:
    """Show all rooms by their events: live ones, those that begin soon, the rest."""
    events = event_overviews(build_room_views(request), request.now)
    changes = [event.changes_at for event in events if event.changes_at]
    return {"events": events, "changes_at": min(changes, default=None)}


@view_config(route_name="monitor", renderer="monitor.jinja2", http_cache=SCHEDULE_MAX_AGE)
def monitor(request: Any) -> dict[str, Any]:
    """Show the crew all rooms at once, what is wrong first."""
    wrong = request.registry["wrong"].current()
    states = build_room_views(request)
    without = [state for state in states if state.needs_attention]
    troubled = {incident.room for incident in wrong or ()} | {state.room.id for state in without}
    return {
        "states": sorted(
            states,
            key=lambda state: (state.room.id not in troubled, natural_sort_key(state.room.title)),
        ),
        "troubled": troubled,
        "wrong": wrong,
        # What the tracker has not called wrong: a talk has only just begun, or it is away.
        "without": [s for s in without if s.room.id not in {one.room for one in wrong or ()}],
        "watched": request.registry["watched"].current() or {},
    }


@view_config(route_name="room", renderer="room.jinja2")
def room(request: Any) -> dict[str, Any]:
    """Show one room: the picture, what is on, what comes next, where people talk."""
    request.override_renderer = template = _select_template(request)
    _set_cache_headers(request)
    chat = chat_links(request.room)
    if template == TEMPLATES["group"]:
        frames = [*embed_origins(request.room), *([chat.web] if chat.web else [])]
        allow_streams(request, frames=frames)
    states = build_room_views(request)
    state = next(state for state in states if state.room.id == request.room.id)
    changes = [other.changes_at for other in states if other.changes_at]
    streams = stream_formats(request.conference.site, request.room)
    server = pick_server(request.room, state.told, request.now, RANDOM)
    request.interchangeable.update(_equivalent_servers(state.told, server))
    links = stream_links(server, streams)
    judged = talk_for_feedback(state)
    usual = [link for link in links if not link.extra]
    sources = [link for link in usual if not link.audio] or usual
    sources = sources or [link for link in links if link.is_for_pages]
    return {
        "state": state,
        "states": states,
        "switcher_changes": min(changes, default=None),
        "sources": sources,
        "server": server if sources or has_whep(server) else None,
        "links": links,
        "formats": [
            (kind.stream, kind.file, kind.type, request.translate(kind.label), kind.extra)
            for kind in streams
        ],
        "frame": active_embed(request.room, request.now),
        "source": active_source_key(request.room, request.now),
        "chat": chat,
        "judged": judged,
        "feedback": feedback_url(request.room, judged, request.now) if judged else "",
    }


def _equivalent_servers(told: RoomStatus | None, server: EndpointInfo | None) -> dict[str, str]:
    """Return what a page may say otherwise of the server that was drawn for it.

    Whoever has a page with one of the servers need not have it again with another.
    """
    if told is None or server is None:
        return {}
    anyone = " ".join(sorted(one.url for one in told.endpoints))
    return {str(escape(server.url)): anyone, f'data-endpoint="{escape(server.name)}"': ""}


def _set_cache_headers(request: Any) -> None:
    """Viewers at the venue get another page, which no cache may hand to anybody else."""
    by_address = (
        _requested_template(request) == DEFAULT_TEMPLATE and request.conference.site.localips
    )
    if by_address:
        # Our own knows the venue.
        request.environ[VARIES_BY_GROUP_KEY] = True
    request.response.cache_expires(SCHEDULE_MAX_AGE, **({"private": True} if by_address else {}))


def _requested_template(request: Any) -> str:
    name: str = request.GET.get("template", DEFAULT_TEMPLATE)
    return name


def _select_template(request: Any) -> str:
    name = _requested_template(request)
    if name == DEFAULT_TEMPLATE:
        # The venue's network is for its visitors; they can walk into the room.
        local = request.conference.site.is_local(request.remote_addr or "")
        name = "inroom" if local else "group"
    if name not in TEMPLATES:
        raise HTTPNotFound(
            request.not_allowed("template", name, ", ".join((DEFAULT_TEMPLATE, *TEMPLATES)))
        )
    return TEMPLATES[name]
