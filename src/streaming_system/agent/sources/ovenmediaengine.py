"""OvenMediaEngine: statistics and stream lists of its REST API.

https://github.com/AirenSoft/OvenMediaEngine/blob/master/docs/rest-api/v1/statistics/current.md
and https://github.com/AirenSoft/OvenMediaEngine/blob/master/docs/rest-api/v1/virtualhost/application/stream/README.md
"""

from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote

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
    parse_timestamp,
)

# Connections of viewers; the others are servers, recordings and thumbnails.
SEGMENT_CONNECTIONS = ("llhls", "hlsv3", "hls", "dash", "lldash")
VIEWER_CONNECTIONS = (*SEGMENT_CONNECTIONS, "webrtc", "srt")


@hookimpl
def register_stats_sources() -> list[StatsSource]:
    return [
        StatsSource(
            name="ovenmediaengine",
            summary="OvenMediaEngine: a mount is APPLICATION/STREAM",
            options=(
                SourceOption(name="url", summary="its API server", default=None, kind="url"),
                SourceOption(
                    name="password", summary="its AccessToken", default=None, kind="secret"
                ),
                SourceOption(name="vhost", summary="the virtual host", default="default"),
            ),
            fetch=fetch_stats,
        )
    ]


def fetch_stats(probe: SourceProbe) -> Iterator[MountStats]:
    """Return the streams of agent.ini that the server has."""
    vhost = f"vhosts/{quote(probe.options['vhost'], safe='')}"
    listed: dict[str, set[str]] = {}
    for mount in probe.mounts:
        app, _, stream = mount.partition("/")
        if not stream:
            raise SourceError(f"{mount!r:.60} is no APPLICATION/STREAM")
        path = f"{vhost}/apps/{quote(app, safe='')}/streams"
        if app not in listed:
            listed[app] = set(_fetch(probe, path).texts("response"))
        if stream in listed[app]:
            path += f"/{quote(stream, safe='')}"
            try:
                statistics = _fetch(probe, f"stats/current/{path}").object("response")
                details = _fetch(probe, path).object("response")
            except InvalidResponseError as error:
                # The responses about the other streams may be valid.
                probe.problems.add(mount, f"is unknown: {error}")
                continue
            yield _mount_stats(mount, statistics, details)


def _fetch(probe: SourceProbe, path: str) -> JsonObject:
    envelope = probe.json_object(f"/v1/{path}")
    if envelope.number("statusCode") != 200:
        message = ascii(envelope.text("message") or "statusCode is not 200")[:100]
        raise InvalidResponseError(f"OvenMediaEngine reports an error: {message}")
    return envelope


def _mount_stats(mount: str, statistics: JsonObject, stream: JsonObject) -> MountStats:
    # Newer versions separate outgoing from incoming statistics.
    is_split = "publishers" in statistics
    outgoing = statistics.object("publishers") if is_split else statistics
    source = stream.object("input")
    media = [
        track.object(kind) for track in source.objects("tracks") for kind in ("video", "audio")
    ]
    counts = _viewer_counts(outgoing.object("connections"))
    segment_counts = [counts.get(kind, 0) for kind in SEGMENT_CONNECTIONS]
    return MountStats(
        mount=mount,
        clients=sum(counts.values()) if counts else -1,
        segment_clients=sum(segment_counts) if counts else None,
        sent=outgoing.get("lastThroughputOut"),
        bitrate=_bitrate(media),
        codec=", ".join(filter(None, (track.text("codec") for track in media))),
        since=parse_timestamp(source.get("createdTime")),
        ingest=_ingest_stats(source.objects("tracks")),
    )


def _viewer_counts(connections: JsonObject) -> dict[str, float]:
    """Return the number of viewers by kind; nothing if a number is missing or invalid."""
    counts = {kind: connections.number(kind) for kind in VIEWER_CONNECTIONS if kind in connections}
    valid = {kind: count for kind, count in counts.items() if count is not None and count >= 0}
    return valid if len(valid) == len(counts) else {}


def _ingest_stats(tracks: Sequence[JsonObject]) -> IngestStats | None:
    video = next((track.object("video") for track in tracks if "video" in track), None)
    if video is None:
        return None
    # The interval is a number of frames.
    frame_rate, interval = video.number("framerate"), video.number("keyFrameInterval")
    return IngestStats(
        frame_rate=video.get("framerateLatest"),
        nominal_frame_rate=frame_rate,
        keyframe_interval=interval / frame_rate if frame_rate and interval else None,
        width=video.get("width"),
        height=video.get("height"),
    )


def _bitrate(media: Iterable[JsonObject]) -> float | None:
    bitrates = [track.number("bitrate") for track in media if "bitrate" in track]
    is_valid = bitrates and None not in bitrates
    return sum(filter(None, bitrates)) if is_valid else None
