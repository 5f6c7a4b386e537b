"""nginx with the RTMP module: the XML of ``rtmp_stat all``.

https://github.com/arut/nginx-rtmp-module/wiki/Directives#statistics

It counts RTMP viewers only; HLS viewers are counted in nginx's access log, beside them: see
``access.log``.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree.ElementTree import Element

from streaming_system.plugin import (
    IngestStats,
    InvalidResponseError,
    MountStats,
    SourceOption,
    SourceProbe,
    StatsSource,
    hookimpl,
    is_check,
    parse_number,
)


@hookimpl
def register_stats_sources() -> list[StatsSource]:
    return [
        StatsSource(
            name="nginx_rtmp",
            summary="nginx with the RTMP module: a mount is APPLICATION/STREAM",
            options=(
                SourceOption(name="url", summary="where rtmp_stat is", default=None, kind="url"),
            ),
            fetch=fetch_stats,
        )
    ]


def fetch_stats(probe: SourceProbe) -> Iterator[MountStats]:
    """Return the streams that are published."""
    root = probe.xml()
    if root.tag != "rtmp":
        raise InvalidResponseError("the response is not that of rtmp_stat")
    for application in root.iter("application"):
        for stream in application.iterfind("live/stream"):
            # A stream without a publisher is listed as soon as a client waits for it.
            if stream.find("publishing") is not None:
                names = application.findtext("name", ""), stream.findtext("name", "")
                if not all(names):
                    probe.problems.add("stream[].name", "is missing")
                yield _mount_stats("/".join(names), stream)


def _mount_stats(mount: str, stream: Element) -> MountStats:
    return MountStats(
        mount=mount,
        clients=_count_players(stream),
        segment_clients=0,
        includes_checks=False,
        sent=stream.findtext("bw_out"),
        bitrate=stream.findtext("bw_in"),
        codec=", ".join(filter(None, (e.text for e in stream.iterfind("meta//codec")))),
        since=_stream_start(stream.findtext("time", "")),
        # The module does not count what an encoder has lost.
        ingest=IngestStats(
            nominal_frame_rate=stream.findtext("meta/video/frame_rate"),
            width=stream.findtext("meta/video/width"),
            height=stream.findtext("meta/video/height"),
        ),
    )


def _count_players(stream: Element) -> Any:
    """Return the number of viewers: neither publishers nor relays nor checks."""
    clients, text = stream.findall("client"), stream.findtext("nclients", "?")
    total = parse_number(text)
    if total is None:
        return text
    if not clients:
        # Without the mask ``clients`` in nginx.conf, there is a number only, with the publisher.
        return max(0, total - 1)
    names = [c.findtext("flashver") for c in clients if c.find("publishing") is None]
    # A relay of nginx itself has no name.
    return sum(bool(name) and not is_check(name) for name in names)


def _stream_start(milliseconds: str) -> datetime | None:
    if not milliseconds.isascii() or not milliseconds.isdigit() or len(milliseconds) > 12:
        return None
    return datetime.now(UTC) - timedelta(milliseconds=int(milliseconds))
