"""MediaMTX: ``/v3/paths/list`` of its control API.

https://github.com/bluenviron/mediamtx/blob/main/api/openapi.yaml
"""

from collections.abc import Collection, Iterator
from contextlib import suppress

from streaming_system.plugin import (
    IngestStats,
    JsonObject,
    MountStats,
    SourceError,
    SourceOption,
    SourceProbe,
    StatsSource,
    hookimpl,
    is_check,
    parse_timestamp,
)

MAX_PAGES = 20
# One reader for all HLS viewers together, so they are counted in an access log instead.
HLS_MUXER = "hlsMuxer"
HLS_SESSION = "hlsSession"
# The lists of readers that may be checks. Older versions lack the first, or have no user agents.
SESSION_LISTS = {
    HLS_SESSION: "hlssessions",
    "rtmpConn": "rtmpconns",
    "rtmpsConn": "rtmpsconns",
    "rtspSession": "rtspsessions",
    "rtspsSession": "rtspssessions",
}


@hookimpl
def register_stats_sources() -> list[StatsSource]:
    return [
        StatsSource(
            name="mediamtx",
            summary="MediaMTX: a mount is a path, such as hall",
            options=(
                SourceOption(name="url", summary="its control API", default=None, kind="url"),
                SourceOption(name="user", summary="a user with the permission api"),
                SourceOption(name="password", summary="and the password", kind="secret"),
            ),
            fetch=fetch_stats,
        )
    ]


def fetch_stats(probe: SourceProbe) -> Iterator[MountStats]:
    """Return the paths that stream."""
    paths = [path for path in _fetch_pages(probe, "paths") if _is_streaming(path)]
    readers = [path.objects("readers") for path in paths]
    types_of_mounts = {
        reader.text("type")
        for path, of_path in zip(paths, readers, strict=True)
        for reader in of_path
        if path.get("name") in probe.mounts
    }
    checks = _find_checks(probe, types_of_mounts)
    for path, of_path in zip(paths, readers, strict=True):
        name = path.text("name", required=True)
        types = [
            reader.text("type")
            for reader in of_path
            if reader.text("type") != HLS_MUXER and reader.text("id") not in checks
        ]
        yield MountStats(
            mount=name,
            clients=len(types),
            segment_clients=types.count(HLS_SESSION),
            includes_checks=False,
            sent=probe.rate(f"{name} sent", path.number("bytesSent")),
            bitrate=probe.rate(f"{name} received", path.number("bytesReceived")),
            codec=", ".join(path.texts("tracks")),
            since=parse_timestamp(path.get("readyTime")),
            ingest=_ingest_stats(path),
            # A path that is always available plays a file until its publisher is online.
            slate=path.flag("online") is False,
        )


def _is_streaming(path: JsonObject) -> bool:
    # Older versions have "ready" only.
    state = "available" if "available" in path else "ready"
    return path.flag(state, required=True) is True


def _ingest_stats(path: JsonObject) -> IngestStats:
    """Return what the publisher sends; versions before 1.17 know less."""
    properties = [track.object("codecProps") for track in path.objects("tracks2")]
    video = next((each for each in properties if "width" in each), None)
    return IngestStats(
        width=video.get("width") if video else None,
        height=video.get("height") if video else None,
        dropped=path.get("inboundFramesInError"),
    )


def _find_checks(probe: SourceProbe, types: Collection[str]) -> frozenset[str]:
    """Return the ids of the readers that are checks."""
    checks = set()
    for reader_type, name in SESSION_LISTS.items():
        if reader_type in types:
            with suppress(SourceError):
                checks |= {
                    session.text("id")
                    for session in _fetch_pages(probe, name)
                    if is_check(session.get("userAgent"))
                }
    return frozenset(checks - {""})


def _fetch_pages(probe: SourceProbe, name: str) -> Iterator[JsonObject]:
    page, page_count = 0, 1
    while page < page_count:
        body = probe.json_object(f"/v3/{name}/list?itemsPerPage=500&page={page}")
        yield from body.objects("items", required=True)
        page_count = min(body.count("pageCount"), MAX_PAGES)
        page += 1
