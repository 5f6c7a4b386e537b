"""Stream URLs of rooms: from agent.ini or from a tracker."""

from streaming_system.agent.config import ROOM_PATTERN, AgentConfig, ConfigSection
from streaming_system.agent.config_section import is_url
from streaming_system.agent.preview.stream_input import PROTOCOLS
from streaming_system.agent.stream_files import VIDEO_FILES, best_stream_url
from streaming_system.agent.tracker_http import (
    TOTAL_TIMEOUT,
    BoundedHttpClient,
    TrackerUnavailableError,
)
from streaming_system.util.foreign_json import DocumentError, parse_foreign_json
from streaming_system.util.json_object import JsonObject

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
        document = parse_foreign_json(body)
    except DocumentError as error:
        raise TrackerUnavailableError(f"{url}: the response {error}") from None
    if not isinstance(document, dict) or not isinstance(document.get("rooms"), dict):
        raise TrackerUnavailableError(f"{url}: is not the response of a tracker")
    rooms = JsonObject(document).object("rooms")
    urls = {room: _room_stream_url(rooms.object(room)) for room in rooms}
    return {room: url for room, url in urls.items() if url and ROOM_PATTERN.fullmatch(room)}


def _room_stream_url(room: JsonObject) -> str | None:
    """Return the best URL of the first endpoint with video."""
    for endpoint in room.objects("endpoints"):
        files = endpoint.object("files")
        url = best_stream_url(
            endpoint.text("url"),
            endpoint.texts("formats"),
            {stream: path for stream in files if (path := files.text(stream))},
        )
        # Endpoints register arbitrary URLs, so only web servers are allowed.
        if url and is_url(url, ("http", "https")):
            return url
    return None
