"""Now and next, for programs and feed readers."""

import re
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.frontend.http_cache import SCHEDULE_MAX_AGE
from streaming_system.frontend.room_view import RoomView, build_room_view
from streaming_system.schedule.model import Slot

ATOM_NAMESPACE = "http://www.w3.org/2005/Atom"
# What XML cannot hold, not even as a reference.
_INVALID_XML_CHARS = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _room_view(request: Any) -> RoomView:
    return build_room_view(request.room, request.schedule, None, request.now)


@view_config(route_name="room.json", renderer="json", http_cache=SCHEDULE_MAX_AGE)
def now_and_next_json(request: Any) -> list[dict[str, Any]]:
    """Return what is on and what comes next, as the original's clients read it."""
    state = _room_view(request)
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


@view_config(route_name="room.rss", http_cache=SCHEDULE_MAX_AGE)
def now_and_next_rss(request: Any) -> Response:
    """Return the same as RSS 2.0 (https://www.rssboard.org/rss-specification)."""
    state = _room_view(request)
    ElementTree.register_namespace("atom", ATOM_NAMESPACE)
    rss = ElementTree.Element("rss", version="2.0")
    channel = ElementTree.SubElement(rss, "channel")
    page = request.route_url("room", room=state.room.id)
    _add_element(channel, "title", state.room.title)
    _add_element(channel, "link", page)
    _add_element(channel, "description", f"What is on in {state.room.title}, and what comes next")
    here = request.route_url("room.rss", room=state.room.id)
    ElementTree.SubElement(
        channel, f"{{{ATOM_NAMESPACE}}}link", href=here, rel="self", type="application/rss+xml"
    )
    # In a gap too short to be filled nothing is on.
    for label, event in (("Now", state.current), ("Next", state.following)):
        if event:
            _add_item(channel, label, event, event.url or page)
    body = ElementTree.tostring(rss, encoding="utf-8", xml_declaration=True)
    answer = Response(body, content_type="application/rss+xml", charset="utf-8")
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


@view_config(route_name="room.atom", http_cache=SCHEDULE_MAX_AGE)
def now_and_next_atom(request: Any) -> Response:
    """Return the same as Atom (RFC 4287)."""
    state = _room_view(request)
    feed = ElementTree.Element("feed", xmlns=ATOM_NAMESPACE)
    page = request.route_url("room", room=state.room.id)
    here = request.route_url("room.atom", room=state.room.id)
    shown = [(label, e) for label, e in (("Now", state.current), ("Next", state.following)) if e]
    _add_element(feed, "id", page)
    _add_element(feed, "title", state.room.title)
    # Nothing has changed that long where nothing was ever imported.
    changed = request.schedule.imported or datetime.fromtimestamp(0, UTC)
    _add_element(feed, "updated", changed.isoformat(timespec="seconds"))
    author = ElementTree.SubElement(feed, "author")
    _add_element(author, "name", state.room.conference or request.site_title)
    _add_element(feed, "link", "", rel="alternate", type="text/html", href=page)
    _add_element(feed, "link", "", rel="self", type="application/atom+xml", href=here)
    for label, event in shown:
        entry = ElementTree.SubElement(feed, "entry")
        _add_element(entry, "id", f"{page}#{quote(event.guid, safe='')}")
        _add_element(entry, "title", f"{label}: {event.title}")
        _add_element(entry, "updated", min(event.start, changed).isoformat(timespec="seconds"))
        _add_element(entry, "link", "", rel="alternate", href=event.url or page)
        _add_element(entry, "summary", event.abstract, type="html")
    body = ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)
    answer = Response(body, content_type="application/atom+xml", charset="utf-8")
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


def _add_item(channel: ElementTree.Element, label: str, event: Slot, link: str) -> None:
    item = ElementTree.SubElement(channel, "item")
    _add_element(item, "title", f"{label}: {event.title}")
    _add_element(item, "link", link)
    _add_element(item, "description", event.abstract)
    _add_element(item, "guid", event.guid, isPermaLink="false")
    _add_element(item, "pubDate", _format_rfc_822(event.start))


def _add_element(parent: ElementTree.Element, name: str, text: str, **attributes: str) -> None:
    ElementTree.SubElement(parent, name, attributes).text = _INVALID_XML_CHARS.sub("", text)


def _format_rfc_822(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)
