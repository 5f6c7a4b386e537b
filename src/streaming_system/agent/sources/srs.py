"""SRS: ``/api/v1/streams`` of its HTTP API.

https://ossrs.io/lts/en-us/docs/v6/doc/http-api and https://github.com/ossrs/srs/wiki/v3_EN_HTTPApi
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from streaming_system.plugin import (
    IngestStats,
    MountStats,
    SourceError,
    SourceOption,
    SourceProbe,
    StatsSource,
    hookimpl,
    is_check,
    require_list,
    require_object,
)

# SRS counts the publisher of a stream as a client.
PUBLISHER_COUNT = 1
HLS_PLAYER = "hls-play"
MAX_CLIENTS = 2000


@hookimpl
def register_stats_sources() -> list[StatsSource]:
    return [
        StatsSource(
            name="srs",
            summary="SRS: a mount is APPLICATION/STREAM",
            options=(
                SourceOption(name="url", summary="its http_api", default=None, kind="url"),
                SourceOption(name="user", summary="the user of http_api's auth"),
                SourceOption(name="password", summary="and the password", kind="secret"),
            ),
            fetch=fetch_stats,
        )
    ]


def fetch_stats(probe: SourceProbe) -> Iterator[MountStats]:
    """Return the streams that are published."""
    document = require_object(probe.json("/api/v1/streams/?count=1000"), "the response")
    if document.get("code") != 0:
        raise SourceError(f"SRS reports an error: code {document.get('code')!r:.40}")
    streams = require_list(document.get("streams"), "streams")
    clients = _fetch_clients(probe) if any(_has_viewers(stream) for stream in streams) else None
    for stream in streams:
        publish = require_object(stream.get("publish"), "publish")
        # Old versions have a string.
        if publish.get("active") not in (True, "true"):
            continue
        kbps = require_object(stream.get("kbps"), "kbps")
        mount = f"{stream.get('app')}/{stream.get('name')}"
        yield MountStats(
            mount=mount,
            **_viewer_counts(stream, clients),
            sent=_to_bits(kbps.get("send_30s")),
            bitrate=_to_bits(kbps.get("recv_30s")),
            codec=", ".join(_codecs(stream)),
            ingest=_ingest_stats(stream, probe.rate(f"{mount} frames", stream.get("frames"))),
        )


def _has_viewers(stream: Mapping[str, Any]) -> bool:
    clients = stream.get("clients")
    return isinstance(clients, int) and clients > PUBLISHER_COUNT


def _fetch_clients(probe: SourceProbe) -> Sequence[Mapping[str, Any]] | None:
    """Return all clients; ``None`` if there are too many, or no list."""
    try:
        document = require_object(probe.json(f"/api/v1/clients/?count={MAX_CLIENTS}"), "clients")
        clients = require_list(document.get("clients"), "clients")
    except SourceError:
        return None
    return clients if len(clients) < MAX_CLIENTS else None


def _viewer_counts(
    stream: Mapping[str, Any], clients: Sequence[Mapping[str, Any]] | None
) -> dict[str, Any]:
    """Return the viewers of a stream, and those of HLS where SRS lists its clients."""
    total: Any = stream.get("clients")
    own = [client for client in clients or () if client.get("stream") == stream.get("id")]
    if not own:
        has_publisher = isinstance(total, int) and total > 0
        return {"clients": total - PUBLISHER_COUNT if has_publisher else total}
    players = [
        client.get("type")
        for client in own
        # Old versions have a string.
        if client.get("publish") not in (True, "true") and not is_check(client.get("swfUrl"))
    ]
    return {"clients": len(players), "segment_clients": players.count(HLS_PLAYER)}


def _ingest_stats(stream: Any, frame_bits: float | None) -> IngestStats:
    """Return what the encoder sends.

    :param frame_bits: the rate of the counter of frames, as if each frame were a byte.
    """
    video = stream.get("video")
    size = video if isinstance(video, dict) else {}
    return IngestStats(
        frame_rate=None if frame_bits is None else frame_bits / 8,
        width=size.get("width"),
        height=size.get("height"),
    )


def _to_bits(kilobits: Any) -> Any:
    return kilobits * 1000 if isinstance(kilobits, int | float) else kilobits


def _codecs(stream: Any) -> Iterator[str]:
    for kind in ("video", "audio"):
        about = stream.get(kind)
        if isinstance(about, dict) and about.get("codec"):
            yield str(about["codec"])
