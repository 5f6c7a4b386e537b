"""The formats that endpoints serve."""

from collections.abc import Sequence
from enum import IntEnum

from streaming_system.tracker.models import Endpoint

# The streams of the legacy protocol.
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
_AUDIO_FORMATS = frozenset({"ogg", "opus", "mp3", "aac"})
# Streams from encoders or to other servers. Their addresses on an endpoint are not reported.
_CONTRIBUTION_FORMATS = frozenset({"flv", "ts", "rtmp"})
# Qualities of JSON reports that correspond to streams such as "webm_low".
_LOW_QUALITIES = frozenset({"low", "sd"})
_LOW_STREAMS = ("webm_low", "mp4_low")


class MediaLevel(IntEnum):
    """The best media of an endpoint, in the order of viewers' preference.

    ``OTHER`` means formats that viewers get only on request, or with a program of their own.
    """

    VIDEO = 0
    AUDIO = 1
    OTHER = 2


def formats_of(endpoint: Endpoint) -> list[str]:
    """Return the formats that an endpoint serves, and streams such as ``webm_low``.

    Those of a legacy endpoint follow from its metrics.
    """
    reported = [name for name in LEGACY_STREAMS if f"{name}_clients" in endpoint.stream_metrics]
    if not endpoint.formats:
        return reported
    qualities = set(endpoint.qualities)
    if not qualities & _LOW_QUALITIES:
        return endpoint.formats
    # Metrics of single streams show which formats the endpoint has in low quality.
    low = [name for name in _LOW_STREAMS if name in reported] or _LOW_STREAMS
    has_both = bool(qualities - _LOW_QUALITIES)
    formats = []
    for name in endpoint.formats:
        has_low = f"{name}_low" in low
        formats += [name] if has_both or not has_low else []
        formats += [f"{name}_low"] if has_low else []
    return formats


def best_media(formats: Sequence[str]) -> MediaLevel:
    """Return the best media of an endpoint; without formats, those of the legacy protocol."""
    families = {name.partition("_")[0] for name in formats}
    if not families or families & _VIDEO_FORMATS:
        return MediaLevel.VIDEO
    return MediaLevel.AUDIO if families & _AUDIO_FORMATS else MediaLevel.OTHER


def is_watchable(endpoint: Endpoint) -> bool:
    """Return whether an endpoint serves any stream to viewers."""
    formats = formats_of(endpoint)
    return not formats or not _CONTRIBUTION_FORMATS.issuperset(formats)
