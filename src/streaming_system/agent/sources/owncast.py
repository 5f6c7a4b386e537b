"""Owncast: ``/api/status``, or, with a password, the more detailed ``/api/admin/status``.

https://github.com/owncast/owncast/blob/develop/openapi.yaml and https://owncast.online/api/
"""

from collections.abc import Iterator

from streaming_system.plugin import (
    InvalidResponseError,
    JsonObject,
    MountStats,
    SourceOption,
    SourceProbe,
    StatsSource,
    hookimpl,
    parse_timestamp,
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
    status = probe.json_object(path)
    is_online = status.flag("online")
    if is_online is None:
        raise InvalidResponseError("the response does not say whether Owncast is online")
    if not is_online:
        return
    # The key is missing in the public status.
    sender = status.object("broadcaster")
    details = sender.object("streamDetails")
    yield MountStats(
        mount="live",
        # Missing if Owncast is configured to hide it.
        clients=status.get("viewerCount"),
        # All its viewers play HLS.
        segment_clients=status.get("viewerCount"),
        bitrate=_bitrate(details),
        codec=", ".join(filter(None, map(details.text, ("videoCodec", "audioCodec")))),
        since=parse_timestamp(sender.get("time") or status.get("lastConnectTime")),
    )


def _bitrate(details: JsonObject) -> float | None:
    """Return the bitrate of the broadcaster in bit/s; Owncast has it in kbit/s."""
    values = map(details.number, ("videoBitrate", "audioBitrate"))
    bitrates = [value for value in values if value is not None]
    return sum(bitrates) * 1000 if bitrates else None
