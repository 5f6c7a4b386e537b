"""MediaMTX: ``/v3/paths/list`` of its control API.

https://github.com/bluenviron/mediamtx/blob/main/api/openapi.yaml
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from streaming_system.plugin import (
    Option,
    Probe,
    Reading,
    Source,
    SourceError,
    hookimpl,
    moment,
    whole_list,
    whole_object,
)

MOST_PAGES = 20
# One reader that stands for everybody who plays HLS; they are only seen in an access log.
HLS = "hlsMuxer"


@hookimpl
def encoder_sources() -> list[Source]:
    return [
        Source(
            name="mediamtx",
            summary="MediaMTX: a mount is a path, such as hall",
            options=(
                Option(name="url", summary="its control API", default=None, kind="url"),
                Option(name="user", summary="a user with the permission api"),
                Option(name="password", summary="and the password", kind="secret"),
            ),
            read=read,
        )
    ]


def read(probe: Probe) -> Iterator[Reading]:
    """Return the paths that are ready."""
    for path in _paths(probe):
        if path.get("ready") is not True:
            continue
        name = str(path.get("name", ""))
        readers = whole_list(path.get("readers") or [], "readers")
        tracks = path.get("tracks")
        yield Reading(
            mount=name,
            clients=sum(reader.get("type") != HLS for reader in readers),
            sent=probe.rate(f"{name} sent", path.get("bytesSent")),
            bitrate=probe.rate(f"{name} received", path.get("bytesReceived")),
            codec=", ".join(map(str, tracks)) if isinstance(tracks, list) else "",
            since=moment(path.get("readyTime")),
        )


def _paths(probe: Probe) -> Iterator[Any]:
    page, pages = 0, 1
    while page < pages:
        answer = whole_object(
            probe.json(f"/v3/paths/list?itemsPerPage=500&page={quote(str(page))}"), "the answer"
        )
        pages = answer.get("pageCount", 1)
        if not isinstance(pages, int) or pages > MOST_PAGES:
            raise SourceError(f"pageCount is {pages!r:.40}")
        yield from whole_list(answer.get("items"), "items")
        page += 1
