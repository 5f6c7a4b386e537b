"""``streams/v2.json``, the document in which apps for media.ccc.de find live streams.

Its schema is that of C3VOC's streaming website (https://github.com/voc/streaming-website), which
never removes a key and allows additional ones. Ours are ``timezone`` of a conference, ``status``
and ``youtube`` of a room, and ``mimeType`` of a URL.
"""

import random
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urljoin

from streaming_system.config import RESERVED_ROOM_IDS, Room, SiteConfig
from streaming_system.frontend.room_view import RoomView
from streaming_system.frontend.streams import (
    StreamLink,
    pick_endpoint,
    stream_formats,
    stream_links,
)
from streaming_system.schedule.export_talks import event_of
from streaming_system.schedule.identity import as_uuid
from streaming_system.schedule.model import Slot

# MIME type -> protocol key and its label.
PROTOCOLS = {
    "application/vnd.apple.mpegurl": ("hls", "HLS"),
    "application/dash+xml": ("dash", "DASH"),
    "video/webm": ("webm", "WebM"),
    "video/mp4": ("mp4", "MP4"),
    "audio/mpeg": ("mp3", "MP3"),
    "audio/ogg": ("ogg", "Ogg"),
    "audio/webm": ("opus", "Opus"),
    "audio/aac": ("aac", "AAC"),
}
# Variant -> label, type, video size. Apps expect the best one last.
VARIANTS: Mapping[str, tuple[str, str, Sequence[int] | None]] = {
    "dash": ("DASH", "dash", None),
    "audio": ("Audio", "audio", None),
    "slides": ("Slides", "slides", (1920, 1080)),
    "sd": ("SD Video", "video", (1024, 576)),
    "hd": ("FullHD Video", "video", (1920, 1080)),
}
# The document lists one endpoint per room and picks another after this time.
ROTATION_SECONDS = 10


@dataclass(frozen=True, kw_only=True)
class UrlBuilder:
    """Builds the URLs of the document.

    :param site_url: the URL of this site without a trailing slash.
    :param default_image_url: the image of rooms without a preview.
    :param site: the site's configuration.
    :param poster_url: returns the URL of a room's preview, "" without one.
    """

    site_url: str
    default_image_url: str
    site: SiteConfig
    poster_url: Callable[[Room], str]

    def absolute(self, url: str) -> str:
        """Return a configured URL as an absolute one."""
        return urljoin(f"{self.site_url}/", url)


def mandator_slug(conference: str) -> str:
    """Return the name of an event in URLs: ``Test Conf 2026`` becomes ``testconf2026``.

    Apps expect letters and digits only.
    """
    ascii_name = (
        unicodedata.normalize("NFKD", conference).encode("ascii", "ignore").decode().lower()
    )
    name = re.sub(r"[^a-z0-9]+", "", ascii_name) or "live"
    # Paths of the site itself are no events.
    return f"{name}event" if name in RESERVED_ROOM_IDS else name


def build_document(
    states: Iterable[RoomView], urls: UrlBuilder, site_title: str, now: datetime
) -> list[dict[str, Any]]:
    """Return the current events, and other events that stream."""

    def event_name(state: RoomView) -> str:
        return state.room.conference or site_title

    by_event: dict[str, list[RoomView]] = {}
    for state in states:
        by_event.setdefault(event_name(state), []).append(state)
    entries = [_conference_entry(name, rooms, urls, now) for name, rooms in by_event.items()]
    listed = [entry for entry in entries if entry is not None]
    return sorted(listed, key=lambda entry: entry["startsAt"] or "", reverse=True)


def _conference_entry(
    name: str, states: Sequence[RoomView], urls: UrlBuilder, now: datetime
) -> dict[str, Any] | None:
    talks = [slot for state in states for slot in state.all_slots if not slot.is_filler]
    begin = min((talk.start for talk in talks), default=None)
    end = max((talk.end for talk in talks), default=None)
    streaming = any(
        room_stream_links(state, urls.site, now) or _is_presumably_streaming(state)
        for state in states
    )
    if begin and end and not streaming and not begin <= now < end:
        return None
    zone = states[0].zone
    mandator = mandator_slug(name)
    return {
        "mandator": mandator,
        "conference": name,
        "slug": mandator,
        "author": name,
        "description": "",
        "keywords": name,
        "schedule": f"{urls.site_url}/schedule.xml",
        "startsAt": _format_php_iso8601(begin.astimezone(zone)) if begin else None,
        "endsAt": _format_php_iso8601(end.astimezone(zone)) if end else None,
        "timezone": zone.key,
        "isCurrentlyStreaming": streaming,
        "groups": [{"group": "", "rooms": [_room_entry(s, mandator, urls, now) for s in states]}],
    }


def _room_entry(state: RoomView, mandator: str, urls: UrlBuilder, now: datetime) -> dict[str, Any]:
    room = state.room
    event = event_of(room, urls.site_url)
    poster = urls.poster_url(room)
    image = urls.absolute(poster) if poster else urls.default_image_url
    return {
        "guid": None,
        "slug": room.id,
        "schedulename": room.schedule_key or room.title,
        "thumb": image,
        "poster": image,
        "link": f"{urls.site_url}/{mandator}/{room.id}",
        "display": room.title,
        "stream": room.id,
        "status": {True: "live", False: "offline", None: "unknown"}[state.live],
        "youtube": f"https://www.youtube.com/watch?v={state.youtube}" if state.youtube else None,
        "talks": {
            "current": _current_entry(state, state.current, event) if state.current else None,
            "next": _talk_entry(state, state.next_talk, event) if state.next_talk else None,
        },
        "streams": _stream_entries(room.title, room_stream_links(state, urls.site, now)),
    }


def room_stream_links(state: RoomView, site: SiteConfig, now: datetime) -> list[StreamLink]:
    """Return the streams of a room on the endpoint of the current :data:`ROTATION_SECONDS`."""
    random_source = random.Random(f"{state.room.id} {now.timestamp() // ROTATION_SECONDS}")
    server = pick_endpoint(state.room, state.status, now, random_source)
    return stream_links(server, stream_formats(site, state.room))


def _is_presumably_streaming(state: RoomView) -> bool:
    """Return whether a room has a talk, and an unknown status or an external stream."""
    is_external = bool(state.youtube) or state.source is not None
    return state.talk is not None and (state.live is None or is_external)


def _stream_entries(title: str, links: Iterable[StreamLink]) -> list[dict[str, Any]]:
    urls: dict[str, dict[str, Any]] = {}
    for link in links:
        if link.mime_type not in PROTOCOLS:
            continue
        variant = "audio" if link.is_audio else "sd" if link.quality == "low" else "hd"
        variant = link.stream if link.is_optional else variant
        protocol, display = PROTOCOLS[link.mime_type]
        urls.setdefault(variant, {}).setdefault(
            protocol,
            {"display": display, "tech": link.label, "url": link.url, "mimeType": link.mime_type},
        )
    return [
        {
            "slug": f"{variant}-native",
            "display": f"{title} {label}",
            "type": media_type,
            "isTranslated": False,
            "videoSize": list(size) if size else None,
            "urls": urls[variant],
        }
        for variant, (label, media_type, size) in VARIANTS.items()
        if variant in urls
    ]


def _current_entry(state: RoomView, slot: Slot, event: str) -> dict[str, Any]:
    if not slot.is_filler:
        return _talk_entry(state, slot, event)
    filler = {"special": "pause" if slot.is_break else "gap", "room_known": True}
    return _time_fields(state, slot) | filler | ({"title": slot.title} if slot.is_break else {})


def _talk_entry(state: RoomView, slot: Slot, event: str) -> dict[str, Any]:
    return _time_fields(state, slot) | {
        "guid": as_uuid(slot.guid, event),
        "code": "",
        "track": slot.track,
        "title": slot.title,
        "speaker": ", ".join(slot.speakers),
        "room_known": True,
        "optout": slot.do_not_record is True,
        "url": slot.url,
    }


def _time_fields(state: RoomView, slot: Slot) -> dict[str, Any]:
    start, end = slot.start.astimezone(state.zone), slot.end.astimezone(state.zone)
    offset = start.utcoffset()
    return {
        "fstart": start.isoformat(timespec="seconds"),
        "fend": end.isoformat(timespec="seconds"),
        "tstart": f"{start:%H:%M}",
        "tend": f"{end:%H:%M}",
        "start": int(slot.start.timestamp()),
        "end": int(slot.end.timestamp()),
        "offset": int(offset.total_seconds()) if offset is not None else 0,
        "duration": int((slot.end - slot.start).total_seconds()),
    }


def _format_php_iso8601(moment: datetime) -> str:
    """Return a time as PHP's ``DateTime::ISO8601``: without a colon in the offset."""
    return f"{moment:%Y-%m-%dT%H:%M:%S%z}"
