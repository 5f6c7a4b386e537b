"""The addresses of a room's stream, as the original's streaming servers name them."""

import random
from dataclasses import dataclass

from streaming_system.frontend.live import Live, Server
from streaming_system.rooms import Room, Site


@dataclass(frozen=True, kw_only=True)
class Source:
    """One stream: what to call it, where it is, and its media type.

    :param stream: its format and quality, such as ``webm_high``.
    :param endpoint: the name of the endpoint that serves it.
    """

    label: str
    url: str
    type: str
    stream: str
    endpoint: str
    audio: bool = False
    extra: bool = False

    @property
    def format(self) -> str:
        return self.stream.partition("_")[0]

    @property
    def quality(self) -> str:
        return self.stream.partition("_")[2]


# The format and quality that name a stream, its file, its media type, what people call it.
_STREAMS = (
    ("hls", "", "application/vnd.apple.mpegurl", "All qualities, HLS"),
    ("webm_high", "webcast-high.webm", "video/webm", "High quality, WebM"),
    ("mp4_high", "webcast-high.mp4", "video/mp4", "High quality, MP4"),
    ("webm_low", "webcast-low.webm", "video/webm", "Low quality, WebM"),
    ("mp4_low", "webcast-low.mp4", "video/mp4", "Low quality, MP4"),
    ("ogg_high", "webcast.ogg", "audio/ogg", "Audio only, Ogg"),
    ("aac_high", "webcast.aac", "audio/aac", "Audio only, AAC"),
    ("mp3_high", "webcast.mp3", "audio/mpeg", "Audio only, MP3"),
    ("slides", "slides.m3u8", "application/vnd.apple.mpegurl", "Slides only, HLS"),
    ("whep", "whep", "application/sdp", "Lowest delay, WHEP"),
)
# What an endpoint has only if it says so, and viewers only get if they ask for it.
_EXTRAS = ("slides", "whep")
# Only a script can ask for it: no address to hand out.
_WHEP = "whep"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A stream as every endpoint has it; ``file`` is its place below the base URL.

    :param extra: an endpoint has it only if it says so, and viewers get it only if they ask for it.
    """

    label: str
    file: str
    type: str
    stream: str
    extra: bool = False

    @property
    def family(self) -> str:
        """The word that the JSON API has for its format."""
        return self.stream.partition("_")[0]


def kinds(site: Site, room: Room) -> list[Kind]:
    """Return the streams that an endpoint may have of a room, best first."""
    playlist = site.hls_playlist.replace("{room}", room.id)
    return [
        Kind(
            stream=stream,
            file=file or playlist,
            type=media,
            label=label,
            extra=stream in _EXTRAS,
        )
        for stream, file, media, label in _STREAMS
    ]


def elsewhere(room: Room) -> Server | None:
    """Return where a room's streams are when none of its endpoints is there, as configured."""
    for fallback in room.fallbacks:
        if fallback.kind == "url":
            formats = tuple(stream for stream, *_ in _STREAMS if stream not in _EXTRAS)
            url = fallback.value.replace("{room}", room.id)
            return Server(url=url, name="cdn", formats=formats)
    return None


def videos(room: Room) -> list[str]:
    """Return the ids of the YouTube videos that a room may lead to."""
    others = [fallback.value for fallback in room.fallbacks if fallback.kind == "youtube"]
    return list(filter(None, [room.youtube, *others]))


def draw(told: Live | None, chance: random.Random) -> Server | None:
    """Return the server for whoever loads a page now: each gets the share that it shall have.

    A page is the same for everybody for a second at most, so that no server is stormed.
    """
    if told is None or not told.endpoints:
        return None
    weights = [server.weight for server in told.endpoints]
    if not any(weights):
        return told.endpoints[0]
    [server] = chance.choices(told.endpoints, weights)
    return server


def direct_links(server: Server | None, streams: list[Kind]) -> list[Source]:
    """Return the streams of a server that anything can play by their address, best first.

    One that does not say what it serves is of the old protocol, and taken to serve all of that.
    """
    if server is None:
        return []
    return [
        Source(
            label=kind.label,
            url=server.url + kind.file,
            type=kind.type,
            stream=kind.stream,
            endpoint=server.name,
            audio=kind.type.startswith("audio/"),
            extra=kind.extra,
        )
        for kind in streams
        if kind.stream != _WHEP and _serves(server, kind)
    ]


def has_whep(server: Server | None) -> bool:
    """Tell whether a server has a stream that only a player by script can ask for."""
    return server is not None and _WHEP in server.formats


def _serves(server: Server, kind: Kind) -> bool:
    if kind.extra:
        return kind.stream in server.formats
    if not server.formats:
        return kind.family != "hls"
    # Reports by JSON name formats alone; their quality is then the high one.
    whole = kind.family in server.formats and not kind.stream.endswith("_low")
    return kind.stream in server.formats or whole
