"""The addresses of a room's stream, as the original's streaming servers name them."""

import random
from dataclasses import dataclass

from streaming_system.frontend.live import Live, Server


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


def direct_links(server: Server | None) -> list[Source]:
    """Return the streams of a server, best first.

    One that does not say what it serves is taken to serve everything.
    """
    if server is None:
        return []
    return [
        Source(
            label=label,
            url=server.url + file,
            type=media,
            stream=name,
            endpoint=server.name,
            audio=media.startswith("audio/"),
        )
        for name, file, media, label in _STREAMS
        if name in server.formats or not server.formats
    ]
