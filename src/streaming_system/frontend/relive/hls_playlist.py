"""Parses HLS playlists (RFC 8216) of other servers: the segments, and when they were recorded."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from urllib.parse import urljoin

from streaming_system.frontend.relive.playlist_values import (
    is_clean_tag,
    parse_count,
    parse_date_time,
    parse_duration,
    resolve_url,
)
from streaming_system.frontend.relive.talk_recording import Span, merge_spans
from streaming_system.util.foreign_json import DocumentError, describe_foreign_content

MAX_SEGMENTS = 200_000
MAX_VARIANTS = 50
# Adjacent segments differ by rounding, and by the clock of the encoder.
SPAN_TOLERANCE = 1.0  # seconds

_URI = re.compile(r'(?<=[:,])URI="([^"]*)"')
# A name below the folder of the playlist: joining URLs takes most of the time of a long playlist.
_PLAIN_NAME = re.compile(
    r"(?!.*\.\.)[A-Za-z0-9_-][A-Za-z0-9._/-]{0,500}(?:\?[A-Za-z0-9._=&%-]{0,500})?", re.ASCII
)
_BYTE_RANGE = re.compile(r"(\d{1,15})(?:@(\d{1,15}))?", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """A segment of a media playlist.

    :param start: when it was recorded, in seconds since 1970; ``None`` if unknown.
    :param discontinuity: its discontinuity sequence number.
    :param state_tags: the tags EXT-X-KEY and EXT-X-MAP in force, with absolute URLs.
    :param byte_range: the value of EXT-X-BYTERANGE, with an offset; "" for the whole file.
    """

    url: str
    duration: float
    sequence: int
    discontinuity: int
    start: float | None = None
    state_tags: tuple[str, ...] = ()
    byte_range: str = ""
    is_gap: bool = False

    @property
    def span(self) -> Span | None:
        """The time that it covers; ``None`` if unknown, or without media."""
        if self.start is None or self.is_gap:
            return None
        return Span(self.start, self.start + self.duration)


@dataclass(frozen=True, kw_only=True)
class MediaPlaylist:
    """The segments of one rendition."""

    segments: tuple[Segment, ...]
    spans: tuple[Span, ...]
    version: int


@dataclass(frozen=True, kw_only=True)
class MasterPlaylist:
    """The renditions of a stream.

    :param lines: the playlist with ``{ID}`` in place of each URL.
    :param media: the URLs of media playlists by id, the first variant first.
    """

    lines: tuple[str, ...]
    media: dict[str, str]


def playlist_id(url: str) -> str:
    """Return the id of a media playlist in the site's own URLs."""
    return sha256(url.encode()).hexdigest()[:12]


def decode_playlist(data: bytes) -> list[str]:
    """Return the lines of a playlist.

    :raises DocumentError: if it is none.
    """
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    # Other characters that end a line in Unicode may be part of a URL.
    lines = [line.strip() for line in text.split("\n")]
    if lines[0] != "#EXTM3U":
        raise DocumentError(f"is no HLS playlist{describe_foreign_content(data)}")
    return lines


def parse_playlist(lines: list[str], base_url: str) -> MasterPlaylist | MediaPlaylist:
    """Return the playlist of some lines.

    :raises DocumentError: if it is unusable.
    """
    if any(line.startswith("#EXT-X-DEFINE") for line in lines):
        raise DocumentError("has EXT-X-DEFINE, which is not supported")
    if any(line.startswith("#EXT-X-STREAM-INF:") for line in lines):
        return _parse_master(lines, base_url)
    return _parse_media(lines, base_url)


def _parse_master(lines: list[str], base_url: str) -> MasterPlaylist:
    variants: dict[str, str] = {}
    renditions: dict[str, str] = {}
    result: list[str] = []
    stream_info = ""
    for line in lines:
        if line.startswith("#EXT-X-STREAM-INF:") and is_clean_tag(line):
            stream_info = line
        elif line and not line.startswith("#"):
            url = resolve_url(base_url, line)
            if url and stream_info:
                variants[playlist_id(url)] = url
                result += [stream_info, f"{{{playlist_id(url)}}}"]
            stream_info = ""
        elif line.startswith("#EXT-X-MEDIA:") and is_clean_tag(line):
            uri = _URI.search(line)
            url = resolve_url(base_url, uri[1]) if uri else ""
            if uri is None:
                result.append(line)
            elif url:
                renditions[playlist_id(url)] = url
                result.append(line.replace(uri[0], f'URI="{{{playlist_id(url)}}}"'))
        elif line == "#EXT-X-INDEPENDENT-SEGMENTS":
            result.append(line)
    media = {**variants, **renditions}
    if not variants or len(media) > MAX_VARIANTS:
        raise DocumentError(f"has {len(media)} renditions; allowed: 1 to {MAX_VARIANTS}")
    return MasterPlaylist(lines=tuple(result), media=media)


def _parse_media(lines: list[str], base_url: str) -> MediaPlaylist:
    parser = _MediaParser(base_url)
    for line in lines:
        parser.parse_line(line)
    segments = tuple(_with_times(parser.segments))
    if segments and all(segment.start is None for segment in segments):
        raise DocumentError(
            "has no EXT-X-PROGRAM-DATE-TIME, so it is unknown when its segments were recorded; "
            "switch it on in the streaming server (ffmpeg: -hls_flags program_date_time)"
        )
    spans = (span for segment in segments if (span := segment.span))
    return MediaPlaylist(
        segments=segments,
        spans=tuple(merge_spans(spans, SPAN_TOLERANCE)),
        version=parser.version,
    )


class _MediaParser:
    """Collects segments line by line. A segment with an unsafe URL is left out."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._folder = urljoin(base_url, ".")
        self.segments: list[Segment] = []
        self.version = 3
        self._sequence = self._discontinuity = 0
        self._key_tags: dict[str, str] = {}
        self._map_tag = ""
        self._byte_range_end = 0
        self._reset()

    def _reset(self) -> None:
        self._duration: float | None = None
        self._start: float | None = None
        self._byte_range = ""
        self._is_gap = False

    def parse_line(self, line: str) -> None:
        """Parse a tag or the URL of a segment."""
        if not line.startswith("#"):
            if line:
                self._add_segment(line)
            return
        name, _, value = line.partition(":")
        match name:
            case "#EXTINF":
                self._duration = parse_duration(value)
            case "#EXT-X-PROGRAM-DATE-TIME":
                self._start = parse_date_time(value)
            case "#EXT-X-DISCONTINUITY":
                self._discontinuity += 1
            case "#EXT-X-BYTERANGE":
                self._set_byte_range(value)
            case "#EXT-X-GAP":
                self._is_gap = True
            case "#EXT-X-MEDIA-SEQUENCE":
                self._sequence = parse_count(value)
            case "#EXT-X-DISCONTINUITY-SEQUENCE":
                self._discontinuity = parse_count(value)
            case "#EXT-X-VERSION":
                self.version = max(3, min(parse_count(value), 12))
            case "#EXT-X-MAP":
                self._map_tag = self._absolute_tag(line)
            case "#EXT-X-KEY":
                self._set_key(line)

    def _set_byte_range(self, value: str) -> None:
        match = _BYTE_RANGE.fullmatch(value)
        if match:
            start = int(match[2]) if match[2] else self._byte_range_end
            self._byte_range_end = start + int(match[1])
            self._byte_range = f"{match[1]}@{start}"

    def _set_key(self, line: str) -> None:
        if "METHOD=NONE" in line:
            self._key_tags = {}
        else:
            key_format = re.search(r'KEYFORMAT="([^"]*)"', line)
            self._key_tags[key_format[1] if key_format else ""] = self._absolute_tag(line)

    def _absolute_tag(self, line: str) -> str:
        """Return a tag with an absolute URL; one without a usable URL makes segments unusable."""
        uri = _URI.search(line)
        url = resolve_url(self._base_url, uri[1]) if uri else ""
        if not uri or not url or not is_clean_tag(line):
            return "#"
        return line.replace(uri[0], f'URI="{url}"')

    def _add_segment(self, line: str) -> None:
        is_plain = _PLAIN_NAME.fullmatch(line)
        url = f"{self._folder}{line}" if is_plain else resolve_url(self._base_url, line)
        state_tags = (*self._key_tags.values(), *([self._map_tag] if self._map_tag else []))
        if self._duration is not None and url and "#" not in state_tags:
            self.segments.append(
                Segment(
                    url=url,
                    duration=self._duration,
                    sequence=self._sequence,
                    discontinuity=self._discontinuity,
                    start=self._start,
                    state_tags=state_tags,
                    byte_range=self._byte_range,
                    is_gap=self._is_gap,
                )
            )
            if len(self.segments) > MAX_SEGMENTS:
                raise DocumentError(f"has more than {MAX_SEGMENTS:,} segments")
        self._sequence += 1
        self._reset()


def _with_times(segments: list[Segment]) -> Iterator[Segment]:
    """Yield segments with the times that follow from those of their neighbours.

    A segment without a time follows the previous one. The first ones precede the first with a
    time, unless a discontinuity lies between them.
    """
    first = next((n for n, each in enumerate(segments) if each.start is not None), 0)
    leading: list[Segment] = []
    following = segments[first] if segments else None
    for segment in reversed(segments[:first]):
        if following and following.start is not None:
            is_joined = segment.discontinuity == following.discontinuity
            start = following.start - segment.duration if is_joined else None
            segment = replace(segment, start=start)
        leading.append(segment)
        following = segment
    yield from reversed(leading)
    expected: float | None = None
    for segment in segments[first:]:
        timed = replace(segment, start=expected) if segment.start is None else segment
        yield timed
        expected = None if timed.start is None else timed.start + timed.duration
