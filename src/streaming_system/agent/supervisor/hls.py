"""A playlist of HLS moves, and its newest piece can be had."""

import re
import time
from dataclasses import dataclass
from urllib.parse import urljoin

import urllib3

from streaming_system.agent.config_section import ConfigSection
from streaming_system.agent.supervisor.check_result import CheckResult, happy, sad
from streaming_system.agent.supervisor.check_tools import CheckTools
from streaming_system.agent.supervisor.fetch import FetchError, HttpResult, fetch_url

MAX_PLAYLIST_BYTES = 1024 * 1024
MAX_SEGMENT_BYTES = 32 * 1024 * 1024
MAX_RENDITIONS = 8


@dataclass(frozen=True, kw_only=True)
class MediaPlaylist:
    """What a playlist of pieces says.

    :param number: of its first piece.
    :param target: how long its pieces are at most, in seconds.
    """

    number: int
    newest: str
    target: float
    ended: bool


@dataclass
class PlaylistProgress:
    """What one playlist said last, and when that was new."""

    said: tuple[int, str]
    at: float
    moved: bool = False


class HlsCheck:
    """Looks at a playlist, and at all that it names."""

    def __init__(self, section: ConfigSection, kit: CheckTools) -> None:
        self._url = section.address("url", "http", "https")
        self._still = section.number("still", 0, least=0, most=600)
        self._pool = urllib3.PoolManager()
        self._seen: dict[str, PlaylistProgress] = {}

    def __call__(self, within: float) -> CheckResult | None:
        """Return whether everything moves; ``None`` if that takes another look."""
        end = time.monotonic() + within
        try:
            first = self._get(self._url, end, MAX_PLAYLIST_BYTES, "the playlist")
            names = parse_rendition_urls(first.body, first.url)
            lists = [self._get(name, end, MAX_PLAYLIST_BYTES, "a playlist") for name in names] or [
                first
            ]
            # Names that are not there any more are forgotten.
            self._seen = {one.url: self._seen[one.url] for one in lists if one.url in self._seen}
            known = [self._look(one, end) for one in lists]
        except FetchError as error:
            return sad(str(error))
        return happy(f"piece {max(s.said[0] for s in self._seen.values())}") if all(known) else None

    def _look(self, fetched: HttpResult, end: float) -> bool:
        """Tell whether one playlist has been seen to move.

        :raises FetchError: if it is none, stands still, or its newest piece cannot be had.
        """
        found = parse_media_playlist(fetched.body)
        if found.ended:
            raise FetchError("the stream says that it has ended")
        now, said = time.monotonic(), (found.number, found.newest)
        seen = self._seen.get(fetched.url)
        if seen is None:
            seen = self._seen[fetched.url] = PlaylistProgress(said, now)
        elif seen.said != said:
            seen.said, seen.at, seen.moved = said, now, True
        still = now - seen.at
        if still > (self._still or max(3 * found.target, 10)):
            raise FetchError(f"stands still for {still:.0f} s at piece {found.number}")
        piece = self._get(
            urljoin(fetched.url, found.newest), end, MAX_SEGMENT_BYTES, "the newest piece"
        )
        if not piece.body:
            raise FetchError("the newest piece is empty")
        return seen.moved

    def _get(self, url: str, end: float, most: int, what: str) -> HttpResult:
        left = end - time.monotonic()
        if left <= 0:
            raise FetchError("takes too long to load")
        try:
            answer = fetch_url(self._pool, url, within=left, most=most)
        except FetchError as error:
            raise FetchError(f"{what} {error}") from None
        if answer.status != 200:
            raise FetchError(f"{what}: {answer.status}")
        return answer


def parse_rendition_urls(body: bytes, base: str) -> list[str]:
    """Return the playlists that a playlist names; none if it names pieces itself."""
    lines = [line.strip() for line in _decode_lines(body)]
    found = []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith("#EXT-X-STREAM-INF:") and following and not following.startswith("#"):
            found.append(following)
        elif line.startswith("#EXT-X-MEDIA:") and "TYPE=AUDIO" in line:
            found += re.findall(r'URI="([^"]+)"', line)
    return [urljoin(base, name) for name in dict.fromkeys(found)][:MAX_RENDITIONS]


def parse_media_playlist(body: bytes) -> MediaPlaylist:
    """Return what a playlist of pieces says.

    :raises FetchError: if it is none.
    """
    lines = [line.strip() for line in _decode_lines(body)]
    if not lines or lines[0].lstrip("\ufeff") != "#EXTM3U":
        raise FetchError("what is there is no playlist")
    pieces = [line for line in lines if line and not line.startswith("#")]
    if not pieces:
        raise FetchError("the playlist is empty")
    return MediaPlaylist(
        number=int(_parse_numeric_tag(lines, "#EXT-X-MEDIA-SEQUENCE:")),
        newest=pieces[-1],
        target=min(_parse_numeric_tag(lines, "#EXT-X-TARGETDURATION:"), 120),
        ended="#EXT-X-ENDLIST" in lines,
    )


def _decode_lines(body: bytes) -> list[str]:
    return body.decode("utf-8", "replace").splitlines()


def _parse_numeric_tag(lines: list[str], tag: str) -> float:
    for line in lines:
        value = line.removeprefix(tag)
        if value != line and re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,9})?", value):
            return float(value)
    return 0
