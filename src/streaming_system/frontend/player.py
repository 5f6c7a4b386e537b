"""The addresses of a room's stream, as the original's streaming servers name them."""

from dataclasses import dataclass

from streaming_system.frontend.live import Live


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

    @property
    def format(self) -> str:
        return self.stream.partition("_")[0]

    @property
    def quality(self) -> str:
        return self.stream.partition("_")[2]


# The figure that tells of a stream, its file, its media type, what people call it.
_STREAMS = (
    ("webm_high", "webcast-high.webm", "video/webm", "High quality, WebM"),
    ("mp4_high", "webcast-high.mp4", "video/mp4", "High quality, MP4"),
    ("webm_low", "webcast-low.webm", "video/webm", "Low quality, WebM"),
    ("mp4_low", "webcast-low.mp4", "video/mp4", "Low quality, MP4"),
    ("ogg_high", "webcast.ogg", "audio/ogg", "Audio only, Ogg"),
    ("aac_high", "webcast.aac", "audio/aac", "Audio only, AAC"),
    ("mp3_high", "webcast.mp3", "audio/mpeg", "Audio only, MP3"),
)


def direct_links(told: Live | None) -> list[Source]:
    """Return the streams of the least loaded endpoint, best first.

    An endpoint that does not say what it serves is taken to serve everything.
    """
    if told is None or not told.endpoints:
        return []
    base, formats, endpoint = told.endpoints[0]
    return [
        Source(
            label=label,
            url=base + file,
            type=media,
            stream=name,
            endpoint=endpoint,
            audio=media.startswith("audio/"),
        )
        for name, file, media, label in _STREAMS
        if name in formats or not formats
    ]


def sources(told: Live | None) -> list[Source]:
    """Return the streams that a video player may try, in that order."""
    return [source for source in direct_links(told) if not source.audio]
