"""What endpoints serve."""

from collections.abc import Sequence
from enum import IntEnum

from streaming_system.tracker.models import Endpoint

# The streams of the old protocol.
LEGACY_STREAMS = (
    "webm_high",
    "webm_low",
    "flv_high",
    "flv_low",
    "mp4_high",
    "mp4_low",
    "ogg_high",
    "aac_high",
    "mp3_high",
)

_VIDEO_FORMATS = frozenset({"hls", "webm", "mp4"})
# How reports by JSON call what is "webm_low" as a single stream.
_LOW_QUALITIES = frozenset({"low", "sd"})
_LOW_STREAMS = ("webm_low", "mp4_low")
# Where these are on an endpoint, nobody has said: they come from encoders, or go on to others.
_CONTRIBUTION_FORMATS = frozenset({"flv", "ts", "rtmp"})
_AUDIO_FORMATS = frozenset({"ogg", "opus", "mp3", "aac"})


class MediaLevel(IntEnum):
    """What viewers get from an endpoint, what they like best first.

    ``OTHER`` is what they only get if they ask for it, or with a program of their own.
    """

    PICTURE = 0
    SOUND = 1
    OTHER = 2


def formats_of(endpoint: Endpoint) -> list[str]:
    """Return what an endpoint says that it serves: formats, and streams such as ``webm_low``.

    One of the old protocol tells by its figures.
    """
    named = [name for name in LEGACY_STREAMS if f"{name}_clients" in endpoint.figures]
    if not endpoint.formats:
        return named
    qualities = set(endpoint.qualities)
    if not qualities & _LOW_QUALITIES:
        return endpoint.formats
    # Who has figures of single streams says by them which of its formats it has in low quality.
    low = [name for name in _LOW_STREAMS if name in named] or _LOW_STREAMS
    both = bool(qualities - _LOW_QUALITIES)
    found = []
    for name in endpoint.formats:
        has_low = f"{name}_low" in low
        found += [name] if both or not has_low else []
        found += [f"{name}_low"] if has_low else []
    return found


def best_media(formats: Sequence[str]) -> MediaLevel:
    """Return what viewers get; who names no formats is taken to serve those of the old protocol."""
    families = {name.partition("_")[0] for name in formats}
    if not families or families & _VIDEO_FORMATS:
        return MediaLevel.PICTURE
    return MediaLevel.SOUND if families & _AUDIO_FORMATS else MediaLevel.OTHER


def is_watchable(endpoint: Endpoint) -> bool:
    """Tell whether viewers can be given the address of anything that an endpoint serves."""
    formats = formats_of(endpoint)
    return not formats or not _CONTRIBUTION_FORMATS.issuperset(formats)
