"""nginx with the RTMP module: the XML of ``rtmp_stat all``.

https://github.com/arut/nginx-rtmp-module/wiki/Directives#statistics

It counts RTMP viewers only; HLS viewers are counted in nginx's access log: see ``access.log``.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from xml.etree.ElementTree import Element

from streaming_system.plugin import (
    IngestStats,
    MountStats,
    SourceError,
    SourceOption,
    SourceProbe,
    StatsSource,
    hookimpl,
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
        raise SourceError("the response is not that of rtmp_stat")
    for application in root.iter("application"):
        for stream in application.iterfind("live/stream"):
            # A stream without a publisher is listed as soon as a client waits for it.
            if stream.find("publishing") is not None:
                yield _mount_stats(application.findtext("name", ""), stream)


def _mount_stats(application: str, stream: Element) -> MountStats:
    publishers = len(stream.findall("client/publishing"))
    clients = stream.findtext("nclients")
    return MountStats(
        mount=f"{application}/{stream.findtext('name', '')}",
        clients=int(clients) - publishers if clients and clients.isdecimal() else clients,
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


def _stream_start(milliseconds: str) -> datetime | None:
    if not milliseconds.isascii() or not milliseconds.isdigit() or len(milliseconds) > 12:
        return None
    return datetime.now(UTC) - timedelta(milliseconds=int(milliseconds))
