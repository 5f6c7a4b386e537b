"""Where the streams are that a preview is made of."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from streaming_system.agent.config import ROOM_PATTERN, AgentConfig, ConfigSection
from streaming_system.agent.config_section import is_url
from streaming_system.agent.preview.thumbnails import PROTOCOLS
from streaming_system.agent.tracker_http import (
    TOTAL_TIMEOUT,
    BoundedHttpClient,
    TrackerUnavailableError,
)

# What shows most at the least cost comes first; the names are those of docs/player.md.
STREAM_FILES = {
    "hls": "stream.m3u8",
    "webm_high": "webcast-high.webm",
    "webm": "webcast-high.webm",
    "mp4_high": "webcast-high.mp4",
    "mp4": "webcast-high.mp4",
    "webm_low": "webcast-low.webm",
    "mp4_low": "webcast-low.mp4",
    "slides": "slides.m3u8",
}
ROOM_URL_FORMAT = "ROOM = ADDRESS, an address that begins with http, https, rtmp or rtmps"
# Of a hundred rooms with ten servers each.
MAX_STREAM_LIST_BYTES = 1024 * 1024


def best_stream_url(url: str, streams: Iterable[str]) -> str | None:
    """Return the address of a stream with a picture, if there is one.

    :param url: where the streams lie.
    :param streams: as the tracker calls them, such as ``hls`` or ``webm_high``.
    """
    # All qualities of HLS are in one playlist.
    there = {"hls" if stream.startswith("hls_") else stream for stream in streams}
    for name, file in STREAM_FILES.items():
        if name in there:
            return f"{url.rstrip('/')}/{file}"
    return None


def parse_room_urls(section: ConfigSection) -> dict[str, str]:
    """Return the addresses that a section names.

    :raises ConfigError: if one is none.
    """
    found: list[tuple[str, str]] = []
    for line in section.lines("rooms"):
        room, _, address = (part.strip() for part in line.partition("="))
        if not ROOM_PATTERN.fullmatch(room) or not is_url(address, PROTOCOLS):
            raise section.error("rooms", line, ROOM_URL_FORMAT)
        found.append((room, address))
    section.require_unique("rooms", [room for room, _ in found], "room")
    return dict(found)


def local_stream_urls(agent: AgentConfig) -> dict[str, str]:
    """Return the addresses of what is streamed from here."""
    rooms: dict[str, set[str]] = {}
    for source in agent.sources:
        for stream in source.streams:
            rooms.setdefault(stream.room, set()).add(stream.name)
    found = {
        room: best_stream_url(agent.url.replace("{room}", room), streams)
        for room, streams in rooms.items()
    }
    return {room: address for room, address in found.items() if address}


def fetch_live_stream_urls(
    tracker: BoundedHttpClient, *, within: float = TOTAL_TIMEOUT
) -> dict[str, str]:
    """Return the addresses of all rooms that a tracker knows to be live.

    :param within: how many seconds it may take to answer.

    :raises Unreachable: if it does not say.
    """
    where = f"{tracker.url}/streams.json"
    answer, data = tracker.call(
        "GET", "/streams.json", timeout=within, max_bytes=MAX_STREAM_LIST_BYTES
    )
    if answer.status != 200:
        raise TrackerUnavailableError(f"{where}: {answer.status} {answer.reason}")
    try:
        rooms = json.loads(data)["rooms"].items()
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise TrackerUnavailableError(f"{where}: does not answer as a tracker does") from None
    found = {
        str(room): _endpoint_stream_url(listed)
        for room, listed in rooms
        if ROOM_PATTERN.fullmatch(str(room))
    }
    return {room: address for room, address in found.items() if address}


def _endpoint_stream_url(listed: Any) -> str | None:
    """Return the address of the first server of a room that can be asked."""
    endpoints = listed.get("endpoints") if isinstance(listed, Mapping) else None
    for endpoint in endpoints if isinstance(endpoints, list) else []:
        if not isinstance(endpoint, Mapping):
            continue
        formats = endpoint.get("formats")
        offered = formats if isinstance(formats, list) else []
        streams = [name for name in offered if isinstance(name, str)]
        address = best_stream_url(str(endpoint.get("url")), streams)
        # Who registers says where; that may be nothing but a server of the web.
        if address and is_url(address, ("http", "https")):
            return address
    return None
