"""What endpoints serve."""

from collections.abc import Sequence
from enum import IntEnum

from streaming_system.tracker.models import Endpoint
from streaming_system.tracker.schemas import STREAMS

_PICTURES = frozenset({"hls", "webm", "mp4"})
_SOUNDS = frozenset({"ogg", "opus", "mp3", "aac"})


class Serves(IntEnum):
    """What viewers get from an endpoint, what they like best first.

    ``OTHER`` is what they only get if they ask for it, or with a program of their own.
    """

    PICTURE = 0
    SOUND = 1
    OTHER = 2


def formats_of(endpoint: Endpoint) -> list[str]:
    """Return what an endpoint says that it serves; one of the old protocol tells by its figures."""
    return endpoint.formats or [name for name in STREAMS if f"{name}_clients" in endpoint.figures]


def serves(formats: Sequence[str]) -> Serves:
    """Return what viewers get; who names no formats is taken to serve those of the old protocol."""
    families = {name.partition("_")[0] for name in formats}
    if not families or families & _PICTURES:
        return Serves.PICTURE
    return Serves.SOUND if families & _SOUNDS else Serves.OTHER
