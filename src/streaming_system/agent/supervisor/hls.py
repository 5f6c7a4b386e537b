"""Checks that an HLS playlist advances and that its last segment can be loaded."""

import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import m3u8

from streaming_system.agent.config_section import ConfigSection
from streaming_system.agent.supervisor.check_result import CheckResult, happy, sad
from streaming_system.agent.supervisor.check_tools import CheckTools
from streaming_system.agent.supervisor.fetch import FetchError, HttpResult, fetch_url
from streaming_system.net.request_deadline import deadline_pool_manager

MAX_PLAYLIST_BYTES = 1024 * 1024
MAX_SEGMENT_BYTES = 32 * 1024 * 1024
MAX_RENDITIONS = 8
# Default for ``still``: without a new segment for three target durations, a playlist is stuck.
MIN_STALL_SECONDS = 10.0
MAX_TARGET_DURATION = 120.0


@dataclass
class PlaylistProgress:
    """The last position of a playlist, and when it changed.

    :param position: media sequence number and URI of the last segment.
    """

    position: tuple[int, str]
    changed_at: float
    has_advanced: bool = False


class HlsCheck:
    """Checks a playlist, and all renditions if it is a master playlist."""

    def __init__(self, section: ConfigSection, tools: CheckTools) -> None:
        self._url = section.full_url("url", "http", "https")
        self._stall_timeout = section.number("still", 0, minimum=0, maximum=600)
        self._pool = deadline_pool_manager()
        self._progress: dict[str, PlaylistProgress] = {}

    def __call__(self, timeout: float) -> CheckResult | None:
        """Return the state; ``None`` until all playlists have advanced."""
        deadline = time.monotonic() + timeout
        try:
            first = self._fetch(self._url, deadline, MAX_PLAYLIST_BYTES, "the playlist")
            urls = rendition_urls(parse_playlist(first.body), first.url)
            results = [
                self._fetch(url, deadline, MAX_PLAYLIST_BYTES, "a playlist") for url in urls
            ] or [first]
            known = self._progress
            self._progress = {r.url: known[r.url] for r in results if r.url in known}
            advanced = [self._has_advanced(result, deadline) for result in results]
        except FetchError as error:
            return sad(str(error))
        if not all(advanced):
            return None
        return happy(f"segment {max(p.position[0] for p in self._progress.values())}")

    def _has_advanced(self, result: HttpResult, deadline: float) -> bool:
        """Return whether a playlist has advanced since the first check.

        :raises FetchError: if it is invalid, over or stuck, or its last segment is not available.
        """
        playlist = parse_playlist(result.body)
        if playlist["is_endlist"]:
            raise FetchError("the stream has ended")
        segments = [segment["uri"] for segment in playlist["segments"] if "uri" in segment]
        if not segments:
            raise FetchError("the playlist is empty")
        now, position = time.monotonic(), (playlist["media_sequence"] or 0, segments[-1])
        progress = self._progress.get(result.url)
        if progress is None:
            progress = self._progress[result.url] = PlaylistProgress(position, now)
        elif progress.position != position:
            progress.position, progress.changed_at, progress.has_advanced = position, now, True
        unchanged = now - progress.changed_at
        target = min(playlist.get("targetduration", 0), MAX_TARGET_DURATION)
        if unchanged > (self._stall_timeout or max(3 * target, MIN_STALL_SECONDS)):
            raise FetchError(
                f"the playlist is stuck for {unchanged:.0f} s at segment {position[0]}"
            )
        url = urljoin(result.url, segments[-1])
        segment = self._fetch(url, deadline, MAX_SEGMENT_BYTES, "the last segment")
        if not segment.body:
            raise FetchError("the last segment is empty")
        return progress.has_advanced

    def _fetch(self, url: str, deadline: float, max_bytes: int, subject: str) -> HttpResult:
        timeout = deadline - time.monotonic()
        if timeout <= 0:
            raise FetchError("takes too long to load")
        try:
            result = fetch_url(self._pool, url, timeout=timeout, max_bytes=max_bytes)
        except FetchError as error:
            raise FetchError(f"{subject} {error}") from None
        if result.status != 200:
            raise FetchError(f"{subject}: {result.status}")
        return result


def parse_playlist(body: bytes) -> dict[str, Any]:
    """Return the dictionary of :func:`m3u8.parse`.

    :raises FetchError: if it is not a playlist.
    """
    text = body.decode("utf-8-sig", "replace")
    if text.split(maxsplit=1)[:1] != ["#EXTM3U"]:
        raise FetchError("the response is not a playlist")
    try:
        return m3u8.parse(text)
    except Exception as error:
        # For invalid input, the library raises ValueError, KeyError, IndexError and others.
        raise FetchError(f"the playlist is invalid: {type(error).__name__}") from None


def rendition_urls(playlist: dict[str, Any], base_url: str) -> list[str]:
    """Return the URLs of video and audio playlists in a master playlist."""
    uris = [variant["uri"] for variant in playlist["playlists"]]
    uris += [
        media["uri"]
        for media in playlist["media"]
        if media.get("type") == "AUDIO" and media.get("uri")
    ]
    return [urljoin(base_url, uri) for uri in dict.fromkeys(uris)][:MAX_RENDITIONS]
