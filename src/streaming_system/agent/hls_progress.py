"""Checks that an HLS playlist advances and that its last segment can be loaded."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import m3u8

from streaming_system.agent.fetch import FetchError, HttpResult, fetch_url
from streaming_system.agent.segment import describe_cut
from streaming_system.net.request_deadline import deadline_pool_manager
from streaming_system.util.foreign_json import describe_foreign_content, parse_number

MAX_PLAYLIST_BYTES = 1024 * 1024
MAX_RENDITIONS = 8
MAX_TARGET_DURATION = 120.0
_USED_TAG = re.compile(
    r"#EXT(?:M3U|INF|-X-(?:ENDLIST|STREAM-INF:|MEDIA:|(?:TARGETDURATION|MEDIA-SEQUENCE):\d{1,15}$))"
)


@dataclass
class PlaylistProgress:
    """The last position of a playlist, and when it changed.

    :param position: media sequence number, and URI of the last segment without its query.
    """

    position: tuple[int, str]
    changed_at: float
    has_advanced: bool = False


class HlsProgress:
    """Follows a playlist, and all renditions if it is a master playlist.

    :param stall_timeout: returns the seconds without a new segment after which a playlist is stuck,
        from its target duration in seconds.
    :param max_segment_bytes: maximum number of bytes to load of each new segment.
    """

    def __init__(
        self, url: str, *, stall_timeout: Callable[[float], float], max_segment_bytes: int
    ) -> None:
        self._url = url
        self._stall_timeout = stall_timeout
        self._max_segment_bytes = max_segment_bytes
        self._pool = deadline_pool_manager()
        # By the number and the URL of the rendition.
        self._progress: dict[tuple[int, str], PlaylistProgress] = {}
        # How the newest segment of a playlist is cut off; "" if none is.
        self.cut = ""

    @property
    def media_sequence(self) -> int:
        """The number of the newest playlist's first segment; 0 before the first request."""
        return max((progress.position[0] for progress in self._progress.values()), default=0)

    def advance(self, timeout: float) -> bool:
        """Load the playlists once; return whether all of them have advanced since the first call.

        :raises FetchError: if a playlist is invalid, over or stuck, or a segment is not available.
        """
        deadline = time.monotonic() + timeout
        first = self._fetch(self._url, deadline, MAX_PLAYLIST_BYTES, "the playlist")
        urls = rendition_urls(parse_playlist(first.body), first.url)
        results = [
            self._fetch(url, deadline, MAX_PLAYLIST_BYTES, "a playlist") for url in urls
        ] or [first]
        self.cut = ""
        renditions = {
            (number, _without_query(result.url)): result for number, result in enumerate(results)
        }
        self._progress = {
            key: progress for key, progress in self._progress.items() if key in renditions
        }
        # Each playlist is loaded, even if one has not advanced.
        advanced = [self._has_advanced(key, renditions[key], deadline) for key in renditions]
        return all(advanced)

    def _has_advanced(self, key: tuple[int, str], result: HttpResult, deadline: float) -> bool:
        playlist = parse_playlist(result.body)
        if playlist["is_endlist"]:
            raise FetchError("the stream has ended")
        segments = [segment for segment in playlist["segments"] if "uri" in segment]
        if not segments:
            raise FetchError("the playlist is empty")
        last = segments[-1]
        now = time.monotonic()
        position = (playlist["media_sequence"] or 0, _without_query(last["uri"]))
        progress = self._progress.get(key)
        if progress is None:
            progress = self._progress[key] = PlaylistProgress(position, now)
        elif progress.position != position:
            progress.position, progress.changed_at, progress.has_advanced = position, now, True
        unchanged = now - progress.changed_at
        target = min(playlist.get("targetduration", 0), MAX_TARGET_DURATION)
        if unchanged > self._stall_timeout(target):
            progress.has_advanced = False
            raise FetchError(
                f"the playlist is stuck for {unchanged:.0f} s at segment {position[0]}"
            )
        url = _absolute_url(result.url, last["uri"])
        segment = self._fetch(url, deadline, self._max_segment_bytes, "the last segment")
        if not segment.body:
            raise FetchError("the last segment is empty")
        # Of a larger one, the end is unknown.
        if len(segment.body) < self._max_segment_bytes:
            self.cut = (
                describe_cut(segment.body, parse_number(last.get("duration")) or 0.0) or self.cut
            )
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
            raise FetchError(f"{subject} responds with status {result.status}")
        return result


def _without_query(url: str) -> str:
    # MediaMTX and SRS add the id of a new session to the URLs in each response.
    return url.partition("?")[0]


def parse_playlist(body: bytes) -> dict[str, Any]:
    """Return the dictionary of :func:`m3u8.parse`.

    :raises FetchError: if it is not a playlist.
    """
    text = body.decode("utf-8-sig", "replace")
    if text.split(maxsplit=1)[:1] != ["#EXTM3U"]:
        raise FetchError(f"the response is no playlist{describe_foreign_content(body)}")
    # For invalid input, the library raises ValueError, KeyError, IndexError and others.
    try:
        playlist = m3u8.parse(text)
    except Exception:
        try:
            playlist = m3u8.parse(_without_unused_tags(text))
        except Exception:
            raise FetchError("the playlist is invalid") from None
    # A truncated or foreign document may have texts for numbers.
    return {
        **playlist,
        "targetduration": parse_number(playlist.get("targetduration")) or 0.0,
        "media_sequence": int(parse_number(playlist.get("media_sequence")) or 0),
    }


def _without_unused_tags(text: str) -> str:
    """Return a playlist without invalid values in tags that only players need."""
    lines = (
        "#EXTINF:1," if line.startswith("#EXTINF") else line
        for line in text.splitlines()
        if not line.startswith("#") or _USED_TAG.match(line)
    )
    return "\n".join(lines)


def rendition_urls(playlist: dict[str, Any], base_url: str) -> list[str]:
    """Return the URLs of video and audio playlists in a master playlist."""
    uris = [variant["uri"] for variant in playlist["playlists"] if variant.get("uri")]
    uris += [
        media["uri"]
        for media in playlist["media"]
        if media.get("type") == "AUDIO" and media.get("uri")
    ]
    return [_absolute_url(base_url, uri) for uri in dict.fromkeys(uris)][:MAX_RENDITIONS]


def _absolute_url(base_url: str, uri: str) -> str:
    try:
        return urljoin(base_url, uri)
    except ValueError:
        raise FetchError("the playlist has an invalid address") from None
