"""The current and the next slot of a room, as JSON, RSS and Atom."""

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
from streaming_system.schedule.export_talks import event_of
from streaming_system.schedule.identity import as_uuid
from streaming_system.schedule.model import Slot

ATOM_NAMESPACE = "http://www.w3.org/2005/Atom"
# XML 1.0 cannot contain these, not even as references.
_INVALID_XML_CHARS = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _room_view(request: Any) -> RoomView:
    return build_room_view(request.room, request.schedule, None, request.now)


@view_config(route_name="room.json", renderer="json", http_cache=SCHEDULE_MAX_AGE)
def now_and_next_json(request: Any) -> list[dict[str, Any]]:
    """Return the slots in the format of the original system."""
    state = _room_view(request)
    request.response.headers["Access-Control-Allow-Origin"] = "*"
    return [
        {
            "title": slot.title,
            "abstract": slot.abstract,
            "url": slot.url,
            "start": state.local(slot.start),
            "end": state.local(slot.end),
            "guid": slot.guid,
            "generated": slot.is_filler,
            "speakers": list(slot.speakers),
            "via": slot.relayed_from,
        }
        for slot in state.slots[:2]
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
    # During a gap without a filler, there is no current slot.
    for label, slot in (("Now", state.current), ("Next", state.next_slot)):
        if slot:
            guid = as_uuid(slot.guid, event_of(state.room, request.application_url))
            _add_item(channel, label, slot, slot.url or page, guid)
    body = ElementTree.tostring(rss, encoding="utf-8", xml_declaration=True)
    response = Response(body, content_type="application/rss+xml", charset="utf-8")
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


@view_config(route_name="room.atom", http_cache=SCHEDULE_MAX_AGE)
def now_and_next_atom(request: Any) -> Response:
    """Return the same as Atom (RFC 4287)."""
    state = _room_view(request)
    feed = ElementTree.Element("feed", xmlns=ATOM_NAMESPACE)
    page = request.route_url("room", room=state.room.id)
    here = request.route_url("room.atom", room=state.room.id)
    labelled = [
        (label, slot) for label, slot in (("Now", state.current), ("Next", state.next_slot)) if slot
    ]
    _add_element(feed, "id", page)
    _add_element(feed, "title", state.room.title)
    updated = request.schedule.imported_at or datetime.fromtimestamp(0, UTC)
    _add_element(feed, "updated", updated.isoformat(timespec="seconds"))
    author = ElementTree.SubElement(feed, "author")
    _add_element(author, "name", state.room.conference or request.site_title)
    _add_element(feed, "link", "", rel="alternate", type="text/html", href=page)
    _add_element(feed, "link", "", rel="self", type="application/atom+xml", href=here)
    for label, slot in labelled:
        entry = ElementTree.SubElement(feed, "entry")
        _add_element(entry, "id", f"{page}#{quote(slot.guid, safe='')}")
        _add_element(entry, "title", f"{label}: {slot.title}")
        _add_element(entry, "updated", min(slot.start, updated).isoformat(timespec="seconds"))
        _add_element(entry, "link", "", rel="alternate", href=slot.url or page)
        _add_element(entry, "summary", slot.abstract, type="html")
    body = ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)
    response = Response(body, content_type="application/atom+xml", charset="utf-8")
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def _add_item(channel: ElementTree.Element, label: str, slot: Slot, link: str, guid: str) -> None:
    item = ElementTree.SubElement(channel, "item")
    _add_element(item, "title", f"{label}: {slot.title}")
    _add_element(item, "link", link)
    _add_element(item, "description", slot.abstract)
    _add_element(item, "guid", guid, isPermaLink="false")
    _add_element(item, "pubDate", _format_rfc_822(slot.start))


def _add_element(parent: ElementTree.Element, name: str, text: str, **attributes: str) -> None:
    ElementTree.SubElement(parent, name, attributes).text = _INVALID_XML_CHARS.sub("", text)


def _format_rfc_822(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)
