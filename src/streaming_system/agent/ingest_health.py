"""What encoders send, for the reports to the tracker."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from streaming_system.agent.config import StreamConfig
from streaming_system.agent.stats import (
    MAX_BITRATE,
    EndpointKey,
    ValidatedMountStats,
    endpoint_key,
)
from streaming_system.plugin.stats_source import IngestStats

# Limits of the tracker's API.
MAX_STREAMS = 16
MAX_CODEC_CHARS = 100
_MAX_FLOATS = {"frame_rate": 1000.0, "nominal_frame_rate": 1000.0, "keyframe_interval": 3600.0}
_MAX_INTEGERS = {"width": 100_000, "height": 100_000, "dropped": 10**12}


@dataclass(frozen=True, kw_only=True)
class VideoMeasurement:
    """What the agent has measured in a stream itself.

    :param keyframe_interval: the longest one, in seconds; ``None`` without two keyframes.
    """

    frame_rate: float
    keyframe_interval: float | None


def add_ingest(
    reports: Mapping[EndpointKey, Mapping[str, Any]],
    mounts: Iterable[ValidatedMountStats],
    measurements: Mapping[StreamConfig, VideoMeasurement],
) -> dict[EndpointKey, Mapping[str, Any]]:
    """Return the reports with what encoders send, where that is known."""
    streams: dict[EndpointKey, list[dict[str, Any]]] = {}
    for mount in mounts:
        if known := _stream_ingest(mount, measurements.get(mount.stream)):
            streams.setdefault(endpoint_key(mount.stream), []).append(known)
    return {
        key: {**report, "ingest": streams[key][:MAX_STREAMS]} if key in streams else report
        for key, report in reports.items()
    }


def _stream_ingest(
    mount: ValidatedMountStats, measurement: VideoMeasurement | None
) -> dict[str, Any]:
    """Return what is known of one stream; nothing if that is no more than its name."""
    raw = mount.raw
    ingest = raw.ingest or IngestStats()
    known: dict[str, Any] = {"bitrate": _validate_number(raw.bitrate, MAX_BITRATE)}
    for name, maximum in _MAX_FLOATS.items():
        known[name] = _validate_number(getattr(ingest, name), maximum)
    for name, limit in _MAX_INTEGERS.items():
        known[name] = _validate_number(getattr(ingest, name), limit)
    if measurement is not None:
        known["frame_rate"] = measurement.frame_rate
        known["keyframe_interval"] = measurement.keyframe_interval or known["keyframe_interval"]
    rounded = {
        name: round(value, 2) if name in _MAX_FLOATS else round(value)
        for name, value in known.items()
        if value is not None
    }
    if not rounded:
        return {}
    codec = "".join(c for c in raw.codec if c.isprintable())[:MAX_CODEC_CHARS]
    texts = {
        "codec": codec,
        "since": raw.since.astimezone(UTC).isoformat(timespec="milliseconds") if raw.since else "",
    }
    return {
        "stream": mount.stream.name,
        **rounded,
        **{name: text for name, text in texts.items() if text},
    }


def _validate_number(value: Any, maximum: float) -> float | None:
    """Return a number from 0 to ``maximum``; ``None`` if it is missing or invalid."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and 0 <= number <= maximum else None
