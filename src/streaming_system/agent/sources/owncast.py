"""Owncast: ``/api/status``, or, with a password, the more detailed ``/api/admin/status``.

https://github.com/owncast/owncast/blob/develop/openapi.yaml and https://owncast.online/api/
"""

from collections.abc import Iterator
from typing import Any

from streaming_system.plugin import (
    MountStats,
    SourceError,
    SourceOption,
    SourceProbe,
    StatsSource,
    hookimpl,
    parse_timestamp,
    require_object,
)


@hookimpl
def register_stats_sources() -> list[StatsSource]:
    return [
        StatsSource(
            name="owncast",
            summary="Owncast, which has one stream: the mount is called live",
            options=(
                SourceOption(name="url", summary="where it is", default=None, kind="url"),
                SourceOption(name="user", summary="its admin", default="admin"),
                SourceOption(name="password", summary="the admin's password", kind="secret"),
            ),
            fetch=fetch_stats,
        )
    ]


def fetch_stats(probe: SourceProbe) -> Iterator[MountStats]:
    """Return the stream, if Owncast is online."""
    admin = bool(probe.options["password"])
    path = "/api/admin/status" if admin else "/api/status"
    status = require_object(probe.json(path), "the response")
    if not isinstance(status.get("online"), bool):
        raise SourceError("the response does not say whether Owncast is online")
    if not status["online"]:
        return
    sender = status.get("broadcaster") if admin else None
    details = _stream_details(sender)
    yield MountStats(
        mount="live",
        # Missing if Owncast is configured to hide it.
        clients=status.get("viewerCount"),
        # All its viewers play HLS.
        segment_clients=status.get("viewerCount"),
        bitrate=_bitrate(details),
        codec=", ".join(
            str(details[key]) for key in ("videoCodec", "audioCodec") if details.get(key)
        ),
        since=parse_timestamp(
            sender.get("time") if isinstance(sender, dict) else status.get("lastConnectTime")
        ),
    )


def _stream_details(sender: Any) -> Any:
    details = sender.get("streamDetails") if isinstance(sender, dict) else None
    return details if isinstance(details, dict) else {}


def _bitrate(details: Any) -> int | None:
    """Return the bitrate of the broadcaster in bit/s; Owncast has it in kbit/s."""
    values = [details.get(key) for key in ("videoBitrate", "audioBitrate")]
    bitrates = [n for n in values if isinstance(n, int) and not isinstance(n, bool)]
    return sum(bitrates) * 1000 if bitrates else None
