"""Writes the playlist of one talk: the segments of its time, at their own addresses."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from math import ceil

from streaming_system.frontend.relive.hls_playlist import MasterPlaylist, MediaPlaylist, Segment
from streaming_system.frontend.relive.talk_recording import Span

MEDIA_TYPE = "application/vnd.apple.mpegurl"
# Fragmented MP4 needs 6 (EXT-X-MAP outside of I-frame playlists).
_MIN_VERSION = 6


def render_master(playlist: MasterPlaylist, path_of: Callable[[str], str]) -> str:
    """Return a master playlist.

    :param path_of: returns the path of the media playlist with an id.
    """
    lines = (
        re.sub(r"\{([0-9a-f]{12})\}", lambda match: path_of(match[1]), line)
        for line in playlist.lines
    )
    return "\n".join(("#EXTM3U", f"#EXT-X-VERSION:{_MIN_VERSION}", *lines, ""))


def render_media(
    playlist: MediaPlaylist, window: Span, *, is_over: bool, clock_offset: float = 0.0
) -> str:
    """Return the media playlist of a time window.

    :param is_over: whether no more segments will follow.
    :param clock_offset: seconds that the clock of the playlist is fast.
    """
    segments = select_segments(playlist, window)
    longest = max((segment.duration for segment in segments), default=1.0)
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{max(_MIN_VERSION, playlist.version)}",
        f"#EXT-X-TARGETDURATION:{ceil(longest)}",
    ]
    if segments:
        lines += [
            f"#EXT-X-MEDIA-SEQUENCE:{segments[0].sequence}",
            f"#EXT-X-DISCONTINUITY-SEQUENCE:{segments[0].discontinuity}",
        ]
    if is_over:
        lines.append("#EXT-X-PLAYLIST-TYPE:VOD")
    previous: Segment | None = None
    for segment in segments:
        lines += _segment_lines(segment, previous, clock_offset)
        previous = segment
    return "\n".join((*lines, *(["#EXT-X-ENDLIST"] if is_over else []), ""))


def select_segments(playlist: MediaPlaylist, window: Span) -> Sequence[Segment]:
    """Return the segments that overlap a window, in the order of the playlist."""
    return [
        segment
        for segment in playlist.segments
        if (span := segment.span) is not None and span.overlap(window) is not None
    ]


def _segment_lines(segment: Segment, previous: Segment | None, clock_offset: float) -> list[str]:
    lines = []
    is_adjacent = False
    if previous is not None:
        is_adjacent = segment.sequence == previous.sequence + 1
        if segment.discontinuity != previous.discontinuity or not is_adjacent:
            lines.append("#EXT-X-DISCONTINUITY")
    if segment.start is not None and not is_adjacent:
        # Players show the captions of a talk by it.
        moment = datetime.fromtimestamp(segment.start - clock_offset, UTC)
        time = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{time}")
    before = previous.state_tags if previous else ()
    if segment.state_tags != before:
        was_encrypted = any(tag.startswith("#EXT-X-KEY") for tag in before)
        if was_encrypted and not any(tag.startswith("#EXT-X-KEY") for tag in segment.state_tags):
            lines.append("#EXT-X-KEY:METHOD=NONE")
        lines += segment.state_tags
    lines.append(f"#EXTINF:{segment.duration:.6f},")
    if segment.byte_range:
        lines.append(f"#EXT-X-BYTERANGE:{segment.byte_range}")
    lines.append(segment.url)
    return lines
