"""OvenMediaEngine: statistics and stream lists of its REST API.

https://github.com/AirenSoft/OvenMediaEngine/blob/master/docs/rest-api/v1/statistics/current.md
and https://github.com/AirenSoft/OvenMediaEngine/blob/master/docs/rest-api/v1/virtualhost/application/stream/README.md
"""

from collections.abc import Iterable, Iterator
from urllib.parse import quote

from streaming_system.plugin import (
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
VIEWER_CONNECTIONS = ("webrtc", "llhls", "hlsv3", "hls", "dash", "lldash", "srt")


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
    return MountStats(
        mount=mount,
        clients=_viewers(outgoing.object("connections")),
        sent=outgoing.get("lastThroughputOut"),
        bitrate=_bitrate(media),
        codec=", ".join(filter(None, (track.text("codec") for track in media))),
        since=parse_timestamp(source.get("createdTime")),
    )


def _viewers(connections: JsonObject) -> float:
    """Return the number of viewers; -1 if a number is missing or invalid."""
    counts = [connections.number(kind) for kind in VIEWER_CONNECTIONS if kind in connections]
    is_valid = counts and all(count is not None and count >= 0 for count in counts)
    return sum(filter(None, counts)) if is_valid else -1


def _bitrate(media: Iterable[JsonObject]) -> float | None:
    bitrates = [track.number("bitrate") for track in media if "bitrate" in track]
    is_valid = bitrates and None not in bitrates
    return sum(filter(None, bitrates)) if is_valid else None
