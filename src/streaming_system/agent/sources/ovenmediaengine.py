"""OvenMediaEngine: statistics and stream lists of its REST API.

https://github.com/AirenSoft/OvenMediaEngine/blob/master/docs/rest-api/v1/statistics/current.md
and https://github.com/AirenSoft/OvenMediaEngine/blob/master/docs/rest-api/v1/virtualhost/application/stream/README.md
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from streaming_system.plugin import (
    IngestStats,
    MountStats,
    SourceError,
    SourceOption,
    SourceProbe,
    StatsSource,
    hookimpl,
    parse_timestamp,
    require_list,
    require_object,
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
    listed: dict[str, Any] = {}
    for mount in probe.mounts:
        app, _, stream = mount.partition("/")
        if not stream:
            raise SourceError(f"{mount!r:.60} is no APPLICATION/STREAM")
        path = f"{vhost}/apps/{quote(app, safe='')}/streams"
        if app not in listed:
            listed[app] = _unwrap_response(probe.json(f"/v1/{path}"))
        if not isinstance(listed[app], list):
            raise SourceError("the list of streams is no list")
        if stream in listed[app]:
            path += f"/{quote(stream, safe='')}"
            yield _mount_stats(
                mount,
                require_object(
                    _unwrap_response(probe.json(f"/v1/stats/current/{path}")), "statistics"
                ),
                require_object(_unwrap_response(probe.json(f"/v1/{path}")), "the stream"),
            )


def _unwrap_response(document: Any) -> Any:
    envelope = require_object(document, "the response")
    if envelope.get("statusCode") != 200:
        raise SourceError(f"OvenMediaEngine reports an error: {envelope.get('message')!r:.100}")
    return envelope.get("response")


def _mount_stats(mount: str, statistics: Any, stream: Any) -> MountStats:
    # Newer versions separate outgoing from incoming statistics.
    outgoing = require_object(statistics.get("publishers", statistics), "publishers")
    connections = require_object(outgoing.get("connections"), "connections")
    tracks = require_list(require_object(stream.get("input"), "input").get("tracks"), "tracks")
    media = [
        track[kind]
        for track in tracks
        for kind in ("video", "audio")
        if isinstance(track.get(kind), dict)
    ]
    counts = {kind: connections[kind] for kind in VIEWER_CONNECTIONS if kind in connections}
    is_valid = all(isinstance(count, int) and count >= 0 for count in counts.values())
    return MountStats(
        mount=mount,
        clients=sum(counts.values()) if is_valid else -1,
        segment_clients=sum(counts.get(kind, 0) for kind in SEGMENT_CONNECTIONS)
        if is_valid
        else None,
        sent=outgoing.get("lastThroughputOut"),
        bitrate=_bitrate(media),
        codec=", ".join(str(track["codec"]) for track in media if track.get("codec")),
        since=parse_timestamp(stream["input"].get("createdTime")),
        ingest=_ingest_stats(tracks),
    )


def _ingest_stats(tracks: Sequence[Mapping[str, Any]]) -> IngestStats | None:
    video = next((t["video"] for t in tracks if isinstance(t.get("video"), dict)), None)
    if video is None:
        return None
    frame_rate, interval = video.get("framerate"), video.get("keyFrameInterval")
    # The interval is a number of frames.
    is_known = isinstance(interval, int | float) and isinstance(frame_rate, int | float)
    return IngestStats(
        frame_rate=video.get("framerateLatest"),
        nominal_frame_rate=frame_rate,
        keyframe_interval=interval / frame_rate if is_known and frame_rate and interval else None,
        width=video.get("width"),
        height=video.get("height"),
    )


def _bitrate(media: list[Any]) -> int | None:
    bitrates = [str(track.get("bitrate", "")) for track in media]
    is_valid = bitrates and all(text.isdecimal() for text in bitrates)
    return sum(map(int, bitrates)) if is_valid else None
