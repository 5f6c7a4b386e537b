"""The addresses of a room's stream, as the original's streaming servers name them."""

import random
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from streaming_system.config import Room, SiteConfig
from streaming_system.config.stream_sources import (
    active_external_fallbacks,
    active_source,
    active_youtube_id,
    is_served_by_endpoints,
)
from streaming_system.frontend.formatting import noted
from streaming_system.frontend.tracker_client import EndpointInfo, RoomStatus

YOUTUBE_ORIGIN = "https://www.youtube-nocookie.com"


@dataclass(frozen=True, kw_only=True)
class StreamLink:
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

    @property
    def is_for_pages(self) -> bool:
        """Whether the player of a page can play it."""
        return self.stream != _DASH


# The format and quality that name a stream, its file, its media type, what people call it.
_STREAMS = (
    ("hls", "", "application/vnd.apple.mpegurl", noted("All qualities, HLS")),
    ("webm_high", "webcast-high.webm", "video/webm", noted("High quality, WebM")),
    ("mp4_high", "webcast-high.mp4", "video/mp4", noted("High quality, MP4")),
    ("webm_low", "webcast-low.webm", "video/webm", noted("Low quality, WebM")),
    ("mp4_low", "webcast-low.mp4", "video/mp4", noted("Low quality, MP4")),
    ("dash", "manifest.mpd", "application/dash+xml", noted("All qualities, DASH")),
    ("ogg_high", "webcast.ogg", "audio/ogg", noted("Audio only, Ogg")),
    ("aac_high", "webcast.aac", "audio/aac", noted("Audio only, AAC")),
    ("mp3_high", "webcast.mp3", "audio/mpeg", noted("Audio only, MP3")),
    ("slides", "slides.m3u8", "application/vnd.apple.mpegurl", noted("Slides only, HLS")),
    ("whep", "whep", "application/sdp", noted("Lowest delay, WHEP")),
)
# What an endpoint has only if it says so, and viewers only get if they ask for it.
_OPTIONAL_STREAMS = ("slides", "whep", "dash")
# Only a script can ask for it: no address to hand out.
_WHEP = "whep"
# Only programs can play it: no page has a script for it.
_DASH = "dash"
# What viewers want to get, best first.
_PREFERENCE = (
    *(
        [
            stream
            for stream, _, media, _ in _STREAMS
            if media.startswith("audio/") is audio and stream not in _OPTIONAL_STREAMS
        ]
        for audio in (False, True)
    ),
    _OPTIONAL_STREAMS,
)


@dataclass(frozen=True, kw_only=True)
class StreamFormat:
    """A stream as every endpoint has it; ``file`` is its place below the base URL.

    :param extra: an endpoint has it only if it says so, and viewers get it only if they ask for it.
    """

    label: str
    file: str
    type: str
    stream: str
    extra: bool = False


def stream_formats(site: SiteConfig, room: Room) -> list[StreamFormat]:
    """Return the streams that an endpoint may have of a room, best first."""
    playlist = site.hls_playlist.replace("{room}", room.id)
    return [
        StreamFormat(
            stream=stream,
            file=file or playlist,
            type=media,
            label=label,
            extra=stream in _OPTIONAL_STREAMS,
        )
        for stream, file, media, label in _STREAMS
    ]


@dataclass(frozen=True, kw_only=True)
class EmbeddedPlayer:
    """Somebody else's player, which comes into the page when a viewer asks for it.

    :param kind: ``youtube`` or ``iframe``.
    :param value: the id of the video, or the address of the page with the player.
    """

    kind: str
    value: str

    @property
    def origin(self) -> str:
        """Whom the browser has to ask for it."""
        if self.kind == "youtube":
            return YOUTUBE_ORIGIN
        parts = urlsplit(self.value)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def host(self) -> str:
        """What people know them by."""
        return "YouTube" if self.kind == "youtube" else urlsplit(self.value).hostname or ""

    @property
    def page(self) -> str:
        """Where it is for whoever wants it in a page of its own."""
        if self.kind == "youtube":
            return f"https://www.youtube.com/watch?v={self.value}"
        return self.value


def external_server(room: Room, now: datetime) -> EndpointInfo | None:
    """Return where a room's streams are when no endpoint has them, as configured."""
    for place in active_external_fallbacks(room, now):
        if place.kind == "url":
            formats = tuple(stream for stream, *_ in _STREAMS if stream not in _OPTIONAL_STREAMS)
            url = place.value.replace("{room}", room.id)
            return EndpointInfo(url=url, name="cdn", formats=formats)
    return None


def active_embed(room: Room, now: datetime) -> EmbeddedPlayer | None:
    """Return the player of others that a room's page leads to now."""
    own = active_youtube_id(room, now)
    if own:
        return EmbeddedPlayer(kind="youtube", value=own)
    for place in active_external_fallbacks(room, now):
        if place.kind in ("youtube", "iframe"):
            return EmbeddedPlayer(kind=place.kind, value=place.value)
    return None


def embed_origins(room: Room) -> list[str]:
    """Return everybody whom a room's page may ever frame: it changes its source by itself."""
    places = [
        ("youtube" if room.youtube else "", room.youtube),
        *((fallback.kind, fallback.value) for fallback in room.fallbacks),
        *((source.kind, source.value) for source in room.sources),
    ]
    return sorted(
        {
            EmbeddedPlayer(kind=kind, value=at).origin
            for kind, at in places
            if kind in ("youtube", "iframe")
        }
    )


def pick_server(
    room: Room, told: RoomStatus | None, now: datetime, chance: random.Random
) -> EndpointInfo | None:
    """Return the server of a room's streams for whoever asks now; ``None`` if there is none."""
    drawn = pick_weighted(told, chance) if is_served_by_endpoints(room, now) else None
    return drawn or external_server(room, now)


def active_source_key(room: Room, now: datetime) -> str:
    """Return a name of the source with times that is on; a page compares it with its own."""
    on = active_source(room, now)
    return f"{on.kind}:{on.value}" if on else ""


def pick_weighted(told: RoomStatus | None, chance: random.Random) -> EndpointInfo | None:
    """Return the server for whoever loads a page now: each gets the share that it shall have.

    Servers that have sound alone are only drawn where none has a picture. A page is the same for
    everybody for a second at most, so that no server is stormed.
    """
    if told is None:
        return None
    fitting = (
        [
            server
            for server in told.endpoints
            if any(_has_stream(server, stream) for stream in streams)
        ]
        for streams in _PREFERENCE
    )
    servers = next(filter(None, fitting), None)
    if servers is None:
        return None
    weights = [server.weight for server in servers]
    if not any(weights):
        return servers[0]
    [server] = chance.choices(servers, weights)
    return server


def stream_links(server: EndpointInfo | None, streams: list[StreamFormat]) -> list[StreamLink]:
    """Return the streams of a server that anything can play by their address, best first.

    One that does not say what it serves is of the old protocol, and taken to serve all of that.
    """
    if server is None:
        return []
    return [
        StreamLink(
            label=kind.label,
            url=server.url + kind.file,
            type=kind.type,
            stream=kind.stream,
            endpoint=server.name,
            audio=kind.type.startswith("audio/"),
            extra=kind.extra,
        )
        for kind in streams
        if kind.stream != _WHEP and _has_stream(server, kind.stream)
    ]


def has_whep(server: EndpointInfo | None) -> bool:
    """Tell whether a server has a stream that only a player by script can ask for."""
    return server is not None and _WHEP in server.formats


def _has_stream(server: EndpointInfo, stream: str) -> bool:
    if stream in _OPTIONAL_STREAMS:
        return stream in server.formats
    # The word that the JSON API has for its format.
    family = stream.partition("_")[0]
    if not server.formats:
        return family != "hls"
    # Reports by JSON name formats alone; their quality is then the high one.
    named = family in server.formats or (family == "ogg" and "opus" in server.formats)
    whole = named and not stream.endswith("_low")
    return stream in server.formats or whole
