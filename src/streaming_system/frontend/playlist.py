"""Playlists for VLC and TV sets: extended M3U, as Winamp wrote it first and everybody reads it."""

from collections.abc import Iterable
from datetime import datetime

from streaming_system.config import SiteConfig
from streaming_system.frontend.room_view import RoomView
from streaming_system.frontend.streams_v2 import room_stream_links


def build_playlist(
    states: Iterable[RoomView], site: SiteConfig, now: datetime, most: int | None = None
) -> str:
    """Return the streams of rooms: of each, first the video, then what else there is.

    :param most: so many streams of each room; a TV set shows each as a channel.

    A room that does not stream is a comment, so that a player shows an empty list, and no error.
    """
    lines = ["#EXTM3U"]
    for state in states:
        links = room_stream_links(state, site, now)
        if not links:
            lines.append(f"# {_single_line(state.room.title)} does not stream now.")
        for link in links[:most]:
            # -1 stands for a length that nobody knows.
            lines += [
                f"#EXTINF:-1,{_single_line(state.room.title)} – {_single_line(link.label)}",
                link.url,
            ]
    return "\n".join(lines) + "\n"


def _single_line(words: str) -> str:
    """Return a text that cannot leave its line."""
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())
