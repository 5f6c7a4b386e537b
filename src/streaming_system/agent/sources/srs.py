"""SRS: ``/api/v1/streams`` of its HTTP API.

https://ossrs.io/lts/en-us/docs/v6/doc/http-api and https://github.com/ossrs/srs/wiki/v3_EN_HTTPApi
"""

from collections.abc import Iterator, Sequence
from typing import Any

from streaming_system.plugin import (
    IngestStats,
    InvalidResponseError,
    JsonObject,
    MountStats,
    SourceError,
    SourceOption,
    SourceProbe,
    StatsSource,
    hookimpl,
    is_check,
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
    document = probe.json_object("/api/v1/streams/?count=1000")
    code = document.number("code")
    if code:
        raise InvalidResponseError(f"SRS reports an error: code {code:.0f}")
    streams = document.objects("streams", required=True)
    has_viewers = any((stream.number("clients") or 0) > PUBLISHER_COUNT for stream in streams)
    clients = _fetch_clients(probe) if has_viewers else ()
    for stream in streams:
        if _is_published(stream.object("publish")):
            kbps = stream.object("kbps")
            mount = f"{stream.text('app', required=True)}/{stream.text('name', required=True)}"
            yield MountStats(
                mount=mount,
                **_viewer_counts(stream, clients),
                sent=_bits(kbps, "send_30s"),
                bitrate=_bits(kbps, "recv_30s"),
                codec=", ".join(filter(None, _codecs(stream))),
                ingest=_ingest_stats(
                    stream, probe.rate(f"{mount} frames", stream.number("frames"))
                ),
            )


def _fetch_clients(probe: SourceProbe) -> Sequence[JsonObject]:
    """Return all clients; nothing if there are too many, or no list."""
    try:
        document = probe.json_object(f"/api/v1/clients/?count={MAX_CLIENTS}")
    except SourceError:
        return ()
    clients = document.objects("clients")
    return clients if len(clients) < MAX_CLIENTS else ()


def _viewer_counts(stream: JsonObject, clients: Sequence[JsonObject]) -> dict[str, Any]:
    """Return the viewers of a stream, and those of HLS where SRS lists its clients."""
    own = [client for client in clients if client.get("stream") == stream.get("id")]
    if not own:
        total = stream.number("clients")
        return {"clients": total - PUBLISHER_COUNT if total else stream.get("clients")}
    players = [
        client.text("type")
        for client in own
        # Old versions have a string.
        if client.get("publish") not in (True, "true") and not is_check(client.get("swfUrl"))
    ]
    return {"clients": len(players), "segment_clients": players.count(HLS_PLAYER)}


def _ingest_stats(stream: JsonObject, frame_bits: float | None) -> IngestStats:
    """Return what the encoder sends.

    :param frame_bits: the rate of the counter of frames, as if each frame were a byte.
    """
    video = stream.object("video")
    return IngestStats(
        frame_rate=None if frame_bits is None else frame_bits / 8,
        width=video.get("width"),
        height=video.get("height"),
    )


def _is_published(publish: JsonObject) -> bool:
    # Old versions have a string.
    if publish.get("active") in ("true", "false"):
        return publish.text("active") == "true"
    return publish.flag("active", required=True) is True


def _bits(kbps: JsonObject, key: str) -> float | None:
    kilobits = kbps.number(key)
    return None if kilobits is None else kilobits * 1000


def _codecs(stream: JsonObject) -> Iterator[str]:
    return (stream.object(kind).text("codec") for kind in ("video", "audio"))
