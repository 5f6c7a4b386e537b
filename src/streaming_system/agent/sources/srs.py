"""SRS: ``/api/v1/streams`` of its HTTP API.

https://ossrs.io/lts/en-us/docs/v6/doc/http-api and https://github.com/ossrs/srs/wiki/v3_EN_HTTPApi
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
)

# SRS counts the publisher of a stream as a client.
PUBLISHER_COUNT = 1


@hookimpl
def register_stats_sources() -> list[StatsSource]:
    return [
        StatsSource(
            name="srs",
            summary="SRS: a mount is APPLICATION/STREAM",
            options=(
                SourceOption(name="url", summary="its http_api", default=None, kind="url"),
                SourceOption(name="user", summary="the user of http_api's auth"),
                SourceOption(name="password", summary="and the password", kind="secret"),
            ),
            fetch=fetch_stats,
        )
    ]


def fetch_stats(probe: SourceProbe) -> Iterator[MountStats]:
    """Return the streams that are published."""
    document = probe.json_object("/api/v1/streams/?count=1000")
    code = document.number("code")
    if code:
        raise InvalidResponseError(f"SRS reports an error: code {code:.0f}")
    for stream in document.objects("streams", required=True):
        if _is_published(stream.object("publish")):
            kbps = stream.object("kbps")
            clients = stream.number("clients")
            yield MountStats(
                mount=f"{stream.text('app', required=True)}/{stream.text('name', required=True)}",
                clients=clients - PUBLISHER_COUNT if clients else stream.get("clients"),
                sent=_bits(kbps, "send_30s"),
                bitrate=_bits(kbps, "recv_30s"),
                codec=", ".join(filter(None, _codecs(stream))),
            )


def _is_published(publish: JsonObject) -> bool:
    # Old versions have a string.
    if publish.get("active") in ("true", "false"):
        return publish.text("active") == "true"
    return publish.flag("active", required=True) is True


def _bits(kbps: JsonObject, key: str) -> float | None:
    kilobits = kbps.number(key)
    return None if kilobits is None else kilobits * 1000


def _codecs(stream: JsonObject) -> Iterator[str]:
    return (stream.object(kind).text("codec") for kind in ("video", "audio"))
