"""What encoders send, and what an operator should change in an encoder's settings."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from streaming_system.tracker.models import Endpoint
from streaming_system.tracker.publishing.encoder_guide import KEYFRAME_SECONDS

# Players start at a keyframe, and segments end at one.
MAX_KEYFRAME_INTERVAL = 4.0  # seconds
# Below this share of its frames, an encoder is overloaded.
MIN_FRAME_SHARE = 0.9
MAX_DROPPED_SHARE = 0.01
# A stream that has just started has dropped nothing, or everything.
MIN_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class StreamIngest:
    """What an encoder sends for one stream of a room. Unknown values are ``None``.

    :param bitrate: in bit/s.
    :param frame_rate: frames per second that arrive, or that the encoder announces.
    :param keyframe_interval: in seconds.
    :param dropped: frames or packets since ``since``.
    :param hints: what the operator should change, one sentence each.
    """

    room: str
    endpoint: str
    stream: str
    bitrate: int | None
    frame_rate: float | None
    keyframe_interval: float | None
    size: str
    dropped: int | None
    codec: str
    since: datetime | None
    hints: tuple[str, ...]


def stream_ingests(endpoints: Iterable[Endpoint], *, now: datetime) -> list[StreamIngest]:
    """Return what arrives at live endpoints, by room, endpoint and stream."""
    streams = [
        _stream_ingest(endpoint, reported, now)
        for endpoint in endpoints
        for reported in endpoint.ingest
    ]
    return sorted(streams, key=lambda stream: (stream.room, stream.endpoint, stream.stream))


def _stream_ingest(endpoint: Endpoint, reported: Mapping[str, Any], now: datetime) -> StreamIngest:
    since = datetime.fromisoformat(reported["since"]) if "since" in reported else None
    width, height = reported.get("width"), reported.get("height")
    return StreamIngest(
        room=endpoint.room,
        endpoint=endpoint.name,
        stream=reported["stream"],
        bitrate=reported.get("bitrate"),
        frame_rate=reported.get("frame_rate", reported.get("nominal_frame_rate")),
        keyframe_interval=reported.get("keyframe_interval"),
        size=f"{width} × {height}" if width and height else "",
        dropped=reported.get("dropped"),
        codec=reported.get("codec", ""),
        since=since,
        hints=tuple(_hints(reported, (now - since).total_seconds() if since else 0)),
    )


def _hints(reported: Mapping[str, Any], seconds: float) -> Iterable[str]:
    interval = reported.get("keyframe_interval")
    if interval is not None and interval > MAX_KEYFRAME_INTERVAL:
        yield (
            f"The keyframe interval is {interval:.3g} s: set it to {KEYFRAME_SECONDS} s in OBS → "
            "Settings → Output → Streaming → Keyframe Interval."
        )
    arriving, nominal = reported.get("frame_rate"), reported.get("nominal_frame_rate")
    if arriving is not None and nominal and arriving < MIN_FRAME_SHARE * nominal:
        yield (
            f"Only {arriving:.3g} of {nominal:.3g} frames per second arrive: the encoder is "
            "overloaded. Choose a faster preset or a smaller picture."
        )
    expected = (nominal or arriving or 0) * seconds
    if seconds >= MIN_SECONDS and reported.get("dropped", 0) > MAX_DROPPED_SHARE * expected > 0:
        yield (
            f"{reported['dropped']:,} frames are lost: the network of the encoder is too slow. "
            "Lower the bitrate in OBS → Settings → Output → Streaming."
        )
