"""The pages for people."""

import random
from typing import Any
from urllib.parse import quote

from pyramid.httpexceptions import HTTPNotFound
from pyramid.view import view_config

from streaming_system.frontend.overview import overviews
from streaming_system.frontend.player import (
    direct_links,
    frame_at,
    frame_origins,
    kinds,
    server_at,
    source_key,
)
from streaming_system.frontend.security import allow_streams
from streaming_system.frontend.state import name_order, room_states
from streaming_system.rooms import Room

CACHE = 1  # seconds
CHANCE = random.Random()

# What ?template= may ask for. "group" is the original's word for a room.
TEMPLATES = {"group": "room.jinja2", "inroom": "inroom.jinja2"}


@view_config(route_name="index", renderer="index.jinja2", http_cache=CACHE)
def index(request: Any) -> dict[str, Any]:
    """Show all rooms by their events: live ones, those that begin soon, the rest."""
    events = overviews(room_states(request), request.now)
    changes = [event.changes_at for event in events if event.changes_at]
    return {"events": events, "changes_at": min(changes, default=None)}


@view_config(route_name="monitor", renderer="monitor.jinja2", http_cache=CACHE)
def monitor(request: Any) -> dict[str, Any]:
    """Show the crew all rooms at once, what is wrong first."""
    wrong = request.registry["wrong"].current()
    states = room_states(request)
    without = [state for state in states if state.needs_attention]
    troubled = {incident.room for incident in wrong or ()} | {state.room.id for state in without}
    return {
        "states": sorted(
            states,
            key=lambda state: (state.room.id not in troubled, name_order(state.room.title)),
        ),
        "troubled": troubled,
        "wrong": wrong,
        # What the tracker has not called wrong: a talk has only just begun, or it is away.
        "without": [s for s in without if s.room.id not in {one.room for one in wrong or ()}],
        "watched": request.registry["watched"].current() or {},
    }


# Viewers at the venue get another page, which no cache may hand to anybody else.
@view_config(route_name="room", renderer="room.jinja2", http_cache=(CACHE, {"private": True}))
def room(request: Any) -> dict[str, Any]:
    """Show one room: the picture, what is on, what comes next, where people talk."""
    request.override_renderer = template = _template(request)
    if template == TEMPLATES["group"]:
        allow_streams(request, frames=frame_origins(request.room))
    states = room_states(request)
    state = next(state for state in states if state.room.id == request.room.id)
    changes = [other.changes_at for other in states if other.changes_at]
    streams = kinds(request.conference.site, request.room)
    server = server_at(request.room, state.told, request.now, CHANCE)
    links = direct_links(server, streams)
    return {
        "state": state,
        "states": states,
        "switcher_changes": min(changes, default=None),
        "sources": [link for link in links if not link.audio],
        "links": links,
        "kinds": [(kind.stream, kind.file, kind.type, kind.label) for kind in streams],
        "frame": frame_at(request.room, request.now),
        "source": source_key(request.room, request.now),
        "chat": _chat(request.room),
    }


def _template(request: Any) -> str:
    name = request.GET.get("template", "default")
    if name == "default":
        # The venue's network is for its visitors; they can walk into the room.
        local = request.conference.site.is_local(request.remote_addr or "")
        name = "inroom" if local else "group"
    if name not in TEMPLATES:
        raise HTTPNotFound(
            f"there is no template {name[:40]!r}; allowed: default, {', '.join(TEMPLATES)}"
        )
    return TEMPLATES[name]


def _chat(room: Room) -> dict[str, str]:
    """Return the addresses of a room's chat, by what they are."""
    channel = (room.ircchannel or room.channel).strip()
    links = {}
    if channel and room.ircnetwork:
        name = channel.lstrip("#")
        if room.ircnetwork.endswith("libera.chat"):
            links["Chat in the browser"] = f"https://web.libera.chat/#{quote(name)}"
        links[f"{channel} on {room.ircnetwork}"] = f"irc://{room.ircnetwork}/{quote(name)}"
    if room.irclog:
        links["What was said"] = room.irclog
    return links
