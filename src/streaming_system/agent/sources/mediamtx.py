"""MediaMTX: ``/v3/paths/list`` of its control API.

https://github.com/bluenviron/mediamtx/blob/main/api/openapi.yaml
"""

from collections.abc import Collection, Iterator
from contextlib import suppress
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
    is_check,
    parse_timestamp,
    require_list,
    require_object,
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
    paths = [path for path in _fetch_pages(probe, "paths") if path.get("ready") is True]
    readers = {
        str(path.get("name", "")): require_list(path.get("readers") or [], "readers")
        for path in paths
    }
    used = {mount: readers[mount] for mount in probe.mounts if mount in readers}
    checks = _find_checks(probe, {reader.get("type") for each in used.values() for reader in each})
    for path in paths:
        name = str(path.get("name", ""))
        types = [
            reader.get("type")
            for reader in readers[name]
            if reader.get("type") != HLS_MUXER and reader.get("id") not in checks
        ]
        tracks = path.get("tracks")
        yield MountStats(
            mount=name,
            clients=len(types),
            segment_clients=types.count(HLS_SESSION),
            includes_checks=False,
            sent=probe.rate(f"{name} sent", path.get("bytesSent")),
            bitrate=probe.rate(f"{name} received", path.get("bytesReceived")),
            codec=", ".join(map(str, tracks)) if isinstance(tracks, list) else "",
            since=parse_timestamp(path.get("readyTime")),
            ingest=_ingest_stats(path),
        )


def _ingest_stats(path: Any) -> IngestStats:
    """Return what the publisher sends; versions before 1.17 know less."""
    tracks = path.get("tracks2")
    properties = [
        track["codecProps"]
        for track in (tracks if isinstance(tracks, list) else ())
        if isinstance(track, dict) and isinstance(track.get("codecProps"), dict)
    ]
    video: dict[str, Any] = next((each for each in properties if "width" in each), {})
    return IngestStats(
        width=video.get("width"),
        height=video.get("height"),
        dropped=path.get("inboundFramesInError"),
    )


def _find_checks(probe: SourceProbe, types: Collection[Any]) -> frozenset[Any]:
    """Return the ids of the readers that are checks."""
    checks = set()
    for reader_type, name in SESSION_LISTS.items():
        if reader_type in types:
            with suppress(SourceError):
                sessions = _fetch_pages(probe, name)
                checks |= {each.get("id") for each in sessions if is_check(each.get("userAgent"))}
    return frozenset(checks)


def _fetch_pages(probe: SourceProbe, name: str) -> Iterator[Any]:
    page, page_count = 0, 1
    while page < page_count:
        page_body = require_object(
            probe.json(f"/v3/{name}/list?itemsPerPage=500&page={quote(str(page))}"), "the response"
        )
        page_count = page_body.get("pageCount", 1)
        if not isinstance(page_count, int) or page_count > MAX_PAGES:
            raise SourceError(f"pageCount is {page_count!r:.40}")
        yield from require_list(page_body.get("items"), "items")
        page += 1
