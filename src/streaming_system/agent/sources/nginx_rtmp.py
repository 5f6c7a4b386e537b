"""nginx with the RTMP module: the XML of ``rtmp_stat all``.

https://github.com/arut/nginx-rtmp-module/wiki/Directives#statistics

It counts RTMP viewers only; HLS viewers are counted in nginx's access log: see ``access.log``.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from xml.etree.ElementTree import Element

from streaming_system.plugin import (
    InvalidResponseError,
    MountStats,
    SourceOption,
    SourceProbe,
    StatsSource,
    hookimpl,
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
    publishers = len(stream.findall("client/publishing"))
    text = stream.findtext("nclients", "?")
    clients = parse_number(text)
    return MountStats(
        mount=mount,
        clients=text if clients is None else clients - publishers,
        sent=stream.findtext("bw_out"),
        bitrate=stream.findtext("bw_in"),
        codec=", ".join(filter(None, (e.text for e in stream.iterfind("meta//codec")))),
        since=_stream_start(stream.findtext("time", "")),
    )


def _stream_start(milliseconds: str) -> datetime | None:
    if not milliseconds.isascii() or not milliseconds.isdigit() or len(milliseconds) > 12:
        return None
    return datetime.now(UTC) - timedelta(milliseconds=int(milliseconds))
