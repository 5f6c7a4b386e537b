"""The document by which apps for media.ccc.de find live streams: ``streams/v2.json``.

Its shape is that of the C3VOC's streaming site (https://github.com/voc/streaming-website), whose
promise is that no key ever goes away. Keys that we add are legal there: ``timezone`` of a
conference, ``status`` and ``youtube`` of a room, ``mimeType`` of an address.
"""

import random
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from urllib.parse import urljoin

from streaming_system.config import RESERVED_ROOM_IDS, Room, SiteConfig
from streaming_system.frontend.filler_titles import is_break
from streaming_system.frontend.room_view import RoomView
from streaming_system.frontend.streams import StreamLink, pick_server, stream_formats, stream_links
from streaming_system.schedule.model import Slot

# How the document calls what a media type is carried by.
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
# By kind: what it is called, its type, and its size; the best comes last, as apps expect.
VARIANTS: Mapping[str, tuple[str, str, Sequence[int] | None]] = {
    "dash": ("DASH", "dash", None),
    "audio": ("Audio", "audio", None),
    "slides": ("Slides", "slides", (1920, 1080)),
    "sd": ("SD Video", "video", (1024, 576)),
    "hd": ("FullHD Video", "video", (1920, 1080)),
}
# A viewer's share of a server is drawn anew after that many seconds: the document's own age.
ROTATION_SECONDS = 10


@dataclass(frozen=True, kw_only=True)
class UrlBuilder:
    """Where things of this site are.

    :param site: the site's own address, without a slash at its end.
    :param picture: the address of a picture for rooms that have none.
    :param poster: tells the address of a room's own picture, "" if it has none.
    :param streams: what the configuration says of the places that streams have on endpoints.
    """

    site: str
    picture: str
    streams: SiteConfig
    poster: Callable[[Room], str]

    def absolute(self, address: str) -> str:
        """Return an address of the configuration as a program far away can use it."""
        return urljoin(f"{self.site}/", address)


def mandator_slug(conference: str) -> str:
    """Return what an event is called in addresses: ``Test Conf 2026`` becomes ``testconf2026``.

    Apps look for letters and digits around a slash, and for nothing else.
    """
    plain = unicodedata.normalize("NFKD", conference).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "", plain) or "live"
    # What the site itself answers leads to no event.
    return f"{name}event" if name in RESERVED_ROOM_IDS else name


def build_document(
    states: Iterable[RoomView], where: UrlBuilder, site_title: str, now: datetime
) -> list[dict[str, Any]]:
    """Return the events that have begun and are not over, and those that stream all the same."""

    def event(state: RoomView) -> str:
        return state.room.conference or site_title

    ordered = sorted(states, key=lambda state: (event(state), state.room.id))
    found = [
        _conference_entry(name, list(rooms), where, now)
        for name, rooms in groupby(ordered, key=event)
    ]
    shown = [conference for conference in found if conference is not None]
    return sorted(shown, key=lambda conference: conference["startsAt"] or "", reverse=True)


def _conference_entry(
    name: str, states: Sequence[RoomView], where: UrlBuilder, now: datetime
) -> dict[str, Any] | None:
    # What fills the gaps reaches from the beginning of time to its end.
    talks = [event for state in states for event in state.planned if not event.generated]
    begin = min((talk.start for talk in talks), default=None)
    end = max((talk.end for talk in talks), default=None)
    streaming = any(
        room_stream_links(state, where.streams, now) or _is_presumably_streaming(state)
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
        "schedule": f"{where.site}/schedule.xml",
        "startsAt": _format_php_iso8601(begin.astimezone(zone)) if begin else None,
        "endsAt": _format_php_iso8601(end.astimezone(zone)) if end else None,
        "timezone": zone.key,
        "isCurrentlyStreaming": streaming,
        "groups": [{"group": "", "rooms": [_room_entry(s, mandator, where, now) for s in states]}],
    }


def _room_entry(state: RoomView, mandator: str, where: UrlBuilder, now: datetime) -> dict[str, Any]:
    room = state.room
    poster = where.poster(room)
    picture = where.absolute(poster) if poster else where.picture
    return {
        "guid": None,
        "slug": room.id,
        "schedulename": room.schedule_key or room.title,
        "thumb": picture,
        "poster": picture,
        "link": f"{where.site}/{mandator}/{room.id}",
        "display": room.title,
        "stream": room.id,
        "status": {True: "live", False: "offline", None: "unknown"}[state.live],
        "youtube": f"https://www.youtube.com/watch?v={state.youtube}" if state.youtube else None,
        "talks": {
            "current": _current_entry(state) if state.current else None,
            "next": _talk_entry(state, state.next_talk) if state.next_talk else None,
        },
        "streams": _stream_entries(room.title, room_stream_links(state, where.streams, now)),
    }


def room_stream_links(state: RoomView, site: SiteConfig, now: datetime) -> list[StreamLink]:
    """Return a room's streams: of the server that is named for some seconds, by its share."""
    chance = random.Random(f"{state.room.id} {now.timestamp() // ROTATION_SECONDS}")
    server = pick_server(state.room, state.told, now, chance)
    return stream_links(server, stream_formats(site, state.room))


def _is_presumably_streaming(state: RoomView) -> bool:
    """Tell whether a talk is on in a room of which nobody knows whether it streams."""
    elsewhere = bool(state.youtube) or state.source is not None
    return state.talk is not None and (state.live is None or elsewhere)


def _stream_entries(title: str, links: Iterable[StreamLink]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for link in links:
        if link.type not in PROTOCOLS:
            continue
        kind = "audio" if link.audio else "sd" if link.quality == "low" else "hd"
        kind = link.stream if link.extra else kind
        protocol, display = PROTOCOLS[link.type]
        found.setdefault(kind, {}).setdefault(
            protocol,
            {"display": display, "tech": link.label, "url": link.url, "mimeType": link.type},
        )
    return [
        {
            "slug": f"{kind}-native",
            "display": f"{title} {words}",
            "type": what,
            "isTranslated": False,
            "videoSize": list(size) if size else None,
            "urls": found[kind],
        }
        for kind, (words, what, size) in VARIANTS.items()
        if kind in found
    ]


def _current_entry(state: RoomView) -> dict[str, Any]:
    event = state.current
    assert event is not None  # noqa: S101 - For mypy.
    if not event.generated:
        return _talk_entry(state, event)
    # What fills a gap has the times, and says of which kind it is.
    pause = is_break(event)
    filler = {"special": "pause" if pause else "gap", "room_known": True}
    return _time_fields(state, event) | filler | ({"title": event.title} if pause else {})


def _talk_entry(state: RoomView, event: Slot) -> dict[str, Any]:
    return _time_fields(state, event) | {
        "guid": event.guid,
        "code": "",
        "track": event.track,
        "title": event.title,
        "speaker": ", ".join(event.speakers),
        "room_known": True,
        "optout": event.do_not_record is True,
        "url": event.url,
    }


def _time_fields(state: RoomView, event: Slot) -> dict[str, Any]:
    start, end = event.start.astimezone(state.zone), event.end.astimezone(state.zone)
    offset = start.utcoffset()
    return {
        "fstart": start.isoformat(timespec="seconds"),
        "fend": end.isoformat(timespec="seconds"),
        "tstart": f"{start:%H:%M}",
        "tend": f"{end:%H:%M}",
        "start": int(event.start.timestamp()),
        "end": int(event.end.timestamp()),
        "offset": int(offset.total_seconds()) if offset is not None else 0,
        "duration": int((event.end - event.start).total_seconds()),
    }


def _format_php_iso8601(moment: datetime) -> str:
    """Return a time as PHP's ``DateTime::ISO8601`` spells it; a talk's own times have the colon."""
    return f"{moment:%Y-%m-%dT%H:%M:%S%z}"
