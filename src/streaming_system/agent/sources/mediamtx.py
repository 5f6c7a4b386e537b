"""MediaMTX: ``/v3/paths/list`` of its control API.

https://github.com/bluenviron/mediamtx/blob/main/api/openapi.yaml
"""

from collections.abc import Iterator
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

MAX_PAGES = 20
# One reader for all HLS viewers together, so they are counted in an access log instead.
HLS_READER_TYPE = "hlsMuxer"


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
    for path in _fetch_paths(probe):
        if path.get("ready") is not True:
            continue
        name = str(path.get("name", ""))
        readers = require_list(path.get("readers") or [], "readers")
        tracks = path.get("tracks")
        yield MountStats(
            mount=name,
            clients=sum(reader.get("type") != HLS_READER_TYPE for reader in readers),
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


def _fetch_paths(probe: SourceProbe) -> Iterator[Any]:
    page, page_count = 0, 1
    while page < page_count:
        page_body = require_object(
            probe.json(f"/v3/paths/list?itemsPerPage=500&page={quote(str(page))}"), "the response"
        )
        page_count = page_body.get("pageCount", 1)
        if not isinstance(page_count, int) or page_count > MAX_PAGES:
            raise SourceError(f"pageCount is {page_count!r:.40}")
        yield from require_list(page_body.get("items"), "items")
        page += 1
