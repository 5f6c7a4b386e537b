"""The streams of a room: formats, links, embedded players, and the choice of an endpoint."""

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
from streaming_system.frontend.formatting import gettext_noop
from streaming_system.frontend.tracker_client import EndpointInfo, RoomStatus
from streaming_system.util.validation import split_stream_url

YOUTUBE_ORIGIN = "https://www.youtube-nocookie.com"


@dataclass(frozen=True, kw_only=True)
class StreamLink:
    """One stream of an endpoint.

    :param stream: the format and quality, such as ``webm_high``.
    :param endpoint: the name of the endpoint.
    :param is_optional: played only if the viewer selects it.
    """

    label: str
    url: str
    mime_type: str
    stream: str
    endpoint: str
    is_audio: bool = False
    is_optional: bool = False

    @property
    def format(self) -> str:
        return self.stream.partition("_")[0]

    @property
    def quality(self) -> str:
        return self.stream.partition("_")[2]

    @property
    def is_playable_in_page(self) -> bool:
        """Whether the page's player can play it."""
        return self.stream != _DASH


# Stream (format and quality), path, MIME type, label. The HLS path is configurable.
_STREAMS = (
    ("hls", "", "application/vnd.apple.mpegurl", gettext_noop("All qualities, HLS")),
    ("webm_high", "webcast-high.webm", "video/webm", gettext_noop("High quality, WebM")),
    ("mp4_high", "webcast-high.mp4", "video/mp4", gettext_noop("High quality, MP4")),
    ("webm_low", "webcast-low.webm", "video/webm", gettext_noop("Low quality, WebM")),
    ("mp4_low", "webcast-low.mp4", "video/mp4", gettext_noop("Low quality, MP4")),
    ("dash", "manifest.mpd", "application/dash+xml", gettext_noop("All qualities, DASH")),
    ("ogg_high", "webcast.ogg", "audio/ogg", gettext_noop("Audio only, Ogg")),
    ("aac_high", "webcast.aac", "audio/aac", gettext_noop("Audio only, AAC")),
    ("mp3_high", "webcast.mp3", "audio/mpeg", gettext_noop("Audio only, MP3")),
    ("slides", "slides.m3u8", "application/vnd.apple.mpegurl", gettext_noop("Slides only, HLS")),
    ("whep", "whep", "application/sdp", gettext_noop("Lowest latency, WHEP")),
)
# An endpoint serves these only if it reports them, and viewers have to select them.
_OPTIONAL_STREAMS = ("slides", "whep", "dash")
# Only a script can play it by its URL.
_WHEP = "whep"
# Only external players can play it.
_DASH = "dash"
# Groups of streams, the preferred ones first: video, audio only, optional.
_PREFERENCE = (
    *(
        [
            stream
            for stream, _, mime_type, _ in _STREAMS
            if mime_type.startswith("audio/") is audio and stream not in _OPTIONAL_STREAMS
        ]
        for audio in (False, True)
    ),
    _OPTIONAL_STREAMS,
)


@dataclass(frozen=True, kw_only=True)
class StreamFormat:
    """A stream that endpoints can serve.

    :param path: relative to the base URL of the endpoint, unless it reports another one.
    :param is_optional: see :data:`_OPTIONAL_STREAMS`.
    """

    label: str
    path: str
    mime_type: str
    stream: str
    is_optional: bool = False


def stream_formats(site: SiteConfig, room: Room) -> list[StreamFormat]:
    """Return the possible streams of a room, best first."""
    playlist = site.hls_playlist.replace("{room}", room.id)
    return [
        StreamFormat(
            stream=stream,
            path=path or playlist,
            mime_type=mime_type,
            label=label,
            is_optional=stream in _OPTIONAL_STREAMS,
        )
        for stream, path, mime_type, label in _STREAMS
    ]


@dataclass(frozen=True, kw_only=True)
class EmbeddedPlayer:
    """A player of another site, which the page loads when the viewer opens it.

    :param kind: ``youtube`` or ``iframe``.
    :param value: the id of the video, or the URL of the player.
    """

    kind: str
    value: str

    @property
    def origin(self) -> str:
        """The origin of the player."""
        if self.kind == "youtube":
            return YOUTUBE_ORIGIN
        parts = urlsplit(self.value)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def host(self) -> str:
        """The name of the site, for people."""
        return "YouTube" if self.kind == "youtube" else urlsplit(self.value).hostname or ""

    @property
    def page_url(self) -> str:
        """The URL of the player outside of our page."""
        if self.kind == "youtube":
            return f"https://www.youtube.com/watch?v={self.value}"
        return self.value


def external_endpoint(room: Room, now: datetime) -> EndpointInfo | None:
    """Return the active fallback of type ``url`` as an endpoint."""
    for fallback in active_external_fallbacks(room, now):
        if fallback.kind == "url":
            address = split_stream_url(fallback.value.replace("{room}", room.id))
            # A whole address is that of one stream; a base has perhaps all of them.
            formats = tuple(address.files) or tuple(
                stream for stream, *_ in _STREAMS if stream not in _OPTIONAL_STREAMS
            )
            return EndpointInfo(url=address.base, name="cdn", formats=formats, files=address.files)
    return None


def active_embed(room: Room, now: datetime) -> EmbeddedPlayer | None:
    """Return the external player of a room: its YouTube video, else an active fallback."""
    video_id = active_youtube_id(room, now)
    if video_id:
        return EmbeddedPlayer(kind="youtube", value=video_id)
    for fallback in active_external_fallbacks(room, now):
        if fallback.kind in ("youtube", "iframe"):
            return EmbeddedPlayer(kind=fallback.kind, value=fallback.value)
    return None


def embed_origins(room: Room) -> list[str]:
    """Return all origins that a room's page may frame: an open page can change its source."""
    players = [
        ("youtube" if room.youtube else "", room.youtube),
        *((fallback.kind, fallback.value) for fallback in room.fallbacks),
        *((source.kind, source.value) for source in room.sources),
    ]
    return sorted(
        {
            EmbeddedPlayer(kind=kind, value=value).origin
            for kind, value in players
            if kind in ("youtube", "iframe")
        }
    )


def pick_endpoint(
    room: Room, status: RoomStatus | None, now: datetime, random_source: random.Random
) -> EndpointInfo | None:
    """Return the endpoint for a new viewer of a room, or the external fallback."""
    picked = pick_weighted(status, random_source) if is_served_by_endpoints(room, now) else None
    return picked or external_endpoint(room, now)


def active_source_key(room: Room, now: datetime) -> str:
    """Return a key of the active source; an open page reloads when it changes."""
    source = active_source(room, now)
    return f"{source.kind}:{source.value}" if source else ""


def pick_weighted(status: RoomStatus | None, random_source: random.Random) -> EndpointInfo | None:
    """Return an endpoint by weighted random selection; ``None`` without one.

    Endpoints with audio only are picked if no endpoint has video. Pages are cached for a second, so
    the viewers of one second share an endpoint.
    """
    if status is None:
        return None
    candidates = (
        [
            endpoint
            for endpoint in status.endpoints
            if any(_has_stream(endpoint, stream) for stream in streams)
        ]
        for streams in _PREFERENCE
    )
    endpoints = next(filter(None, candidates), None)
    if endpoints is None:
        return None
    weights = [endpoint.weight for endpoint in endpoints]
    if not any(weights):
        return endpoints[0]
    [endpoint] = random_source.choices(endpoints, weights)
    return endpoint


def stream_links(endpoint: EndpointInfo | None, formats: list[StreamFormat]) -> list[StreamLink]:
    """Return the streams of an endpoint that players can open by URL, best first.

    An endpoint without a list of formats uses the legacy protocol and has all of its formats.
    """
    if endpoint is None:
        return []
    return [
        StreamLink(
            label=stream_format.label,
            url=endpoint.url + _stream_path(endpoint, stream_format),
            mime_type=stream_format.mime_type,
            stream=stream_format.stream,
            endpoint=endpoint.name,
            is_audio=stream_format.mime_type.startswith("audio/"),
            is_optional=stream_format.is_optional,
        )
        for stream_format in formats
        if stream_format.stream != _WHEP and _has_stream(endpoint, stream_format.stream)
    ]


def _stream_path(endpoint: EndpointInfo, stream_format: StreamFormat) -> str:
    """Return the path of a stream below an endpoint's base URL: reported, or conventional."""
    stream = stream_format.stream
    family = stream.partition("_")[0]
    names = [stream]
    if not stream.endswith("_low"):
        # The same rule as in _has_stream: a format without quality means the high one.
        names += [f"{family}_high", family, *(["opus"] if family == "ogg" else [])]
    return next(
        (endpoint.files[name] for name in names if name in endpoint.files), stream_format.path
    )


def default_sources(links: list[StreamLink]) -> list[StreamLink]:
    """Return the streams that the player starts with: video, else audio, else optional ones."""
    regular = [link for link in links if not link.is_optional]
    videos = [link for link in regular if not link.is_audio]
    return videos or regular or [link for link in links if link.is_playable_in_page]


def has_whep(endpoint: EndpointInfo | None) -> bool:
    """Return whether an endpoint has a WHEP stream, which only a script can play."""
    return endpoint is not None and _WHEP in endpoint.formats


def _has_stream(endpoint: EndpointInfo, stream: str) -> bool:
    if stream in _OPTIONAL_STREAMS:
        return stream in endpoint.formats
    stream_format = stream.partition("_")[0]
    if not endpoint.formats:
        return stream_format != "hls"
    # JSON reports may list a format without quality, which means the high one.
    is_listed = stream_format in endpoint.formats or (
        stream_format == "ogg" and "opus" in endpoint.formats
    )
    return stream in endpoint.formats or (is_listed and not stream.endswith("_low"))
