"""Playlists for VLC and TV sets, in extended M3U."""

from collections.abc import Iterable
from datetime import datetime

from streaming_system.config import SiteConfig
from streaming_system.frontend.room_view import RoomView
from streaming_system.frontend.streams_v2 import room_stream_links


def build_playlist(
    states: Iterable[RoomView], site: SiteConfig, now: datetime, max_streams: int | None = None
) -> str:
    """Return the streams of rooms; of each room the videos first.

    A room without streams is a comment, so that a player shows an empty list instead of an error.

    :param max_streams: the maximum per room; a TV set shows each stream as a channel.
    """
    lines = ["#EXTM3U"]
    for state in states:
        links = room_stream_links(state, site, now)
        if not links:
            lines.append(f"# {_single_line(state.room.title)} does not stream now.")
        for link in links[:max_streams]:
            # -1 is an unknown length.
            lines += [
                f"#EXTINF:-1,{_single_line(state.room.title)} – {_single_line(link.label)}",
                link.url,
            ]
    return "\n".join(lines) + "\n"


def _single_line(text: str) -> str:
    """Return a text without line breaks and control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
