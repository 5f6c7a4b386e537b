"""MediaMTX: ``/v3/paths/list`` of its control API.

https://github.com/bluenviron/mediamtx/blob/main/api/openapi.yaml
"""

from collections.abc import Iterator

from streaming_system.plugin import (
    JsonObject,
    MountStats,
    SourceOption,
    SourceProbe,
    StatsSource,
    hookimpl,
    parse_timestamp,
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
        # Older versions have "ready" only.
        state = "available" if "available" in path else "ready"
        if not path.flag(state, required=True):
            continue
        name = path.text("name", required=True)
        readers = path.objects("readers")
        yield MountStats(
            mount=name,
            clients=sum(reader.text("type") != HLS_READER_TYPE for reader in readers),
            sent=probe.rate(f"{name} sent", path.number("bytesSent")),
            bitrate=probe.rate(f"{name} received", path.number("bytesReceived")),
            codec=", ".join(path.texts("tracks")),
            since=parse_timestamp(path.get("readyTime")),
            # A path that is always available plays a file until its publisher is online.
            slate=path.flag("online") is False,
        )


def _fetch_paths(probe: SourceProbe) -> Iterator[JsonObject]:
    page, page_count = 0, 1
    while page < page_count:
        body = probe.json_object(f"/v3/paths/list?itemsPerPage=500&page={page}")
        yield from body.objects("items", required=True)
        page_count = min(body.count("pageCount"), MAX_PAGES)
        page += 1
