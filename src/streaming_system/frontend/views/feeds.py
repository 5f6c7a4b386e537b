"""Now and next, for programs and feed readers."""

import re
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.frontend.http_cache import FROM_SCHEDULE
from streaming_system.frontend.room_view import RoomState, room_state
from streaming_system.schedule.model import Slot

ATOM = "http://www.w3.org/2005/Atom"
# What XML cannot hold, not even as a reference.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _state(request: Any) -> RoomState:
    return room_state(request.room, request.schedule, None, request.now)


@view_config(route_name="room.json", renderer="json", http_cache=FROM_SCHEDULE)
def as_json(request: Any) -> list[dict[str, Any]]:
    """Return what is on and what comes next, as the original's clients read it."""
    state = _state(request)
    request.response.headers["Access-Control-Allow-Origin"] = "*"
    return [
        {
            "title": event.title,
            "abstract": event.abstract,
            "url": event.url,
            "start": state.local(event.start),
            "end": state.local(event.end),
            "guid": event.guid,
            "generated": event.generated,
            "speakers": list(event.speakers),
            "via": event.via,
        }
        for event in state.events[:2]
    ]


@view_config(route_name="room.rss", http_cache=FROM_SCHEDULE)
def as_rss(request: Any) -> Response:
    """Return the same as RSS 2.0 (https://www.rssboard.org/rss-specification)."""
    state = _state(request)
    ElementTree.register_namespace("atom", ATOM)
    rss = ElementTree.Element("rss", version="2.0")
    channel = ElementTree.SubElement(rss, "channel")
    page = request.route_url("room", room=state.room.id)
    _add(channel, "title", state.room.title)
    _add(channel, "link", page)
    _add(channel, "description", f"What is on in {state.room.title}, and what comes next")
    here = request.route_url("room.rss", room=state.room.id)
    ElementTree.SubElement(
        channel, f"{{{ATOM}}}link", href=here, rel="self", type="application/rss+xml"
    )
    # In a gap too short to be filled nothing is on.
    for label, event in (("Now", state.current), ("Next", state.following)):
        if event:
            _add_item(channel, label, event, event.url or page)
    body = ElementTree.tostring(rss, encoding="utf-8", xml_declaration=True)
    answer = Response(body, content_type="application/rss+xml", charset="utf-8")
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


@view_config(route_name="room.atom", http_cache=FROM_SCHEDULE)
def as_atom(request: Any) -> Response:
    """Return the same as Atom (RFC 4287)."""
    state = _state(request)
    feed = ElementTree.Element("feed", xmlns=ATOM)
    page = request.route_url("room", room=state.room.id)
    here = request.route_url("room.atom", room=state.room.id)
    shown = [(label, e) for label, e in (("Now", state.current), ("Next", state.following)) if e]
    _add(feed, "id", page)
    _add(feed, "title", state.room.title)
    # Nothing has changed that long where nothing was ever imported.
    changed = request.schedule.imported or datetime.fromtimestamp(0, UTC)
    _add(feed, "updated", changed.isoformat(timespec="seconds"))
    author = ElementTree.SubElement(feed, "author")
    _add(author, "name", state.room.conference or request.site_title)
    _add(feed, "link", "", rel="alternate", type="text/html", href=page)
    _add(feed, "link", "", rel="self", type="application/atom+xml", href=here)
    for label, event in shown:
        entry = ElementTree.SubElement(feed, "entry")
        _add(entry, "id", f"{page}#{quote(event.guid, safe='')}")
        _add(entry, "title", f"{label}: {event.title}")
        _add(entry, "updated", min(event.start, changed).isoformat(timespec="seconds"))
        _add(entry, "link", "", rel="alternate", href=event.url or page)
        _add(entry, "summary", event.abstract, type="html")
    body = ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)
    answer = Response(body, content_type="application/atom+xml", charset="utf-8")
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


def _add_item(channel: ElementTree.Element, label: str, event: Slot, link: str) -> None:
    item = ElementTree.SubElement(channel, "item")
    _add(item, "title", f"{label}: {event.title}")
    _add(item, "link", link)
    _add(item, "description", event.abstract)
    _add(item, "guid", event.guid, isPermaLink="false")
    _add(item, "pubDate", _rfc_822(event.start))


def _add(parent: ElementTree.Element, name: str, text: str, **attributes: str) -> None:
    ElementTree.SubElement(parent, name, attributes).text = _NO_XML.sub("", text)


def _rfc_822(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)
