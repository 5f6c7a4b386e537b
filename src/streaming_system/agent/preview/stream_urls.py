"""Stream URLs of rooms: from agent.ini or from a tracker."""

import json
from collections.abc import Mapping
from typing import Any

from streaming_system.agent.config import ROOM_PATTERN, AgentConfig, ConfigSection
from streaming_system.agent.config_section import is_url
from streaming_system.agent.preview.stream_input import PROTOCOLS
from streaming_system.agent.stream_files import VIDEO_FILES, best_stream_url
from streaming_system.agent.tracker_http import (
    TOTAL_TIMEOUT,
    BoundedHttpClient,
    TrackerUnavailableError,
)

ROOM_URL_FORMAT = "ROOM = ADDRESS, an address that begins with http, https, rtmp or rtmps"
# Enough for a hundred rooms with ten endpoints each.
MAX_STREAM_LIST_BYTES = 1024 * 1024


def parse_room_urls(section: ConfigSection) -> dict[str, str]:
    """Return the URLs in ``rooms``, by room.

    :raises AgentConfigError: if a line is invalid.
    """
    rooms: list[tuple[str, str]] = []
    for line in section.lines("rooms"):
        room, _, url = (part.strip() for part in line.partition("="))
        if not ROOM_PATTERN.fullmatch(room) or not is_url(url, PROTOCOLS):
            raise section.error("rooms", line, ROOM_URL_FORMAT)
        rooms.append((room, url))
    section.require_unique("rooms", [room for room, _ in rooms], "room")
    return dict(rooms)


def local_stream_urls(agent: AgentConfig) -> dict[str, str]:
    """Return the URLs of the streams of this machine, by room."""
    streams = [stream for source in agent.sources for stream in source.streams]
    preference = list(VIDEO_FILES)
    videos = [stream for stream in streams if stream.file_key in VIDEO_FILES]
    urls: dict[str, str] = {}
    for stream in sorted(videos, key=lambda stream: preference.index(stream.file_key)):
        if stream.url:
            urls.setdefault(stream.room, stream.url)
    return urls


def fetch_live_stream_urls(
    tracker: BoundedHttpClient, *, timeout: float = TOTAL_TIMEOUT
) -> dict[str, str]:
    """Return the URLs of all rooms that are live at a tracker, by room.

    :param timeout: in seconds.
    :raises TrackerUnavailableError: if the request fails or the response is invalid.
    """
    url = f"{tracker.url}/streams.json"
    response, body = tracker.call(
        "GET", "/streams.json", timeout=timeout, max_bytes=MAX_STREAM_LIST_BYTES
    )
    if response.status != 200:
        raise TrackerUnavailableError(f"{url}: {response.status} {response.reason}")
    try:
        rooms = json.loads(body)["rooms"].items()
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise TrackerUnavailableError(f"{url}: is not the response of a tracker") from None
    urls = {str(room): _room_stream_url(entry) for room, entry in rooms}
    return {room: url for room, url in urls.items() if url and ROOM_PATTERN.fullmatch(room)}


def _room_stream_url(room: Any) -> str | None:
    """Return the best URL of the first endpoint with video."""
    endpoints = room.get("endpoints") if isinstance(room, Mapping) else None
    for endpoint in endpoints if isinstance(endpoints, list) else []:
        if not isinstance(endpoint, Mapping):
            continue
        formats = endpoint.get("formats")
        streams = [
            name for name in (formats if isinstance(formats, list) else []) if isinstance(name, str)
        ]
        url = best_stream_url(
            str(endpoint.get("url")), streams, _text_members(endpoint.get("files"))
        )
        # Endpoints register arbitrary URLs, so only web servers are allowed.
        if url and is_url(url, ("http", "https")):
            return url
    return None


def _text_members(document: Any) -> dict[str, str]:
    members = document.items() if isinstance(document, Mapping) else ()
    return {name: value for name, value in members if isinstance(value, str)}
