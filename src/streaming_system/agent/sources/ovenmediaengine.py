"""OvenMediaEngine: statistics and stream lists of its REST API.

https://github.com/AirenSoft/OvenMediaEngine/blob/master/docs/rest-api/v1/statistics/current.md
and https://github.com/AirenSoft/OvenMediaEngine/blob/master/docs/rest-api/v1/virtualhost/application/stream/README.md
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from streaming_system.plugin import (
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

# Connections that are viewers: the others are other servers, files and pictures.
VIEWER_CONNECTIONS = ("webrtc", "llhls", "hlsv3", "hls", "dash", "lldash", "srt")


@hookimpl
def encoder_sources() -> list[StatsSource]:
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
            read=fetch_readings,
        )
    ]


def fetch_readings(probe: SourceProbe) -> Iterator[MountStats]:
    """Return the streams that agent.ini names and that are there."""
    vhost = f"vhosts/{quote(probe.options['vhost'], safe='')}"
    listed: dict[str, Any] = {}
    for mount in probe.mounts:
        app, _, stream = mount.partition("/")
        if not stream:
            raise SourceError(f"{mount!r:.60} is no APPLICATION/STREAM")
        where = f"{vhost}/apps/{quote(app, safe='')}/streams"
        if app not in listed:
            listed[app] = _unwrap_response(probe.json(f"/v1/{where}"))
        if not isinstance(listed[app], list):
            raise SourceError("the list of streams is no list")
        if stream in listed[app]:
            where += f"/{quote(stream, safe='')}"
            yield _build_reading(
                mount,
                require_object(
                    _unwrap_response(probe.json(f"/v1/stats/current/{where}")), "statistics"
                ),
                require_object(_unwrap_response(probe.json(f"/v1/{where}")), "the stream"),
            )


def _unwrap_response(answer: Any) -> Any:
    said = require_object(answer, "the answer")
    if said.get("statusCode") != 200:
        raise SourceError(f"OvenMediaEngine says no: {said.get('message')!r:.100}")
    return said.get("response")


def _build_reading(mount: str, statistics: Any, stream: Any) -> MountStats:
    # Newer versions keep what is sent apart from what comes in.
    out = statistics.get("publishers", statistics)
    out = require_object(out, "publishers")
    connections = require_object(out.get("connections"), "connections")
    tracks = require_list(require_object(stream.get("input"), "input").get("tracks"), "tracks")
    media = [
        track[kind]
        for track in tracks
        for kind in ("video", "audio")
        if isinstance(track.get(kind), dict)
    ]
    known = [connections[kind] for kind in VIEWER_CONNECTIONS if kind in connections]
    good = all(isinstance(count, int) and count >= 0 for count in known)
    return MountStats(
        mount=mount,
        clients=sum(known) if good else -1,
        sent=out.get("lastThroughputOut"),
        bitrate=_bitrate(media),
        codec=", ".join(str(one["codec"]) for one in media if one.get("codec")),
        since=parse_timestamp(stream["input"].get("createdTime")),
    )


def _bitrate(media: list[Any]) -> int | None:
    found = [str(one.get("bitrate", "")) for one in media]
    return sum(map(int, found)) if found and all(text.isdecimal() for text in found) else None
