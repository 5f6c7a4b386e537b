"""Icecast 2: ``/status-json.xsl``, or, with a password, the more detailed ``/admin/stats``.

https://icecast.org/docs/icecast-2.4.1/server-stats.html
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlsplit

from streaming_system.plugin import (
    IngestStats,
    InvalidResponseError,
    JsonObject,
    MountStats,
    SourceError,
    SourceOption,
    SourceProbe,
    StatsSource,
    hookimpl,
    is_check,
    parse_number,
    parse_timestamp,
)

# Another Icecast, which has listeners of its own.
RELAY_AGENT = "Icecast "
_OBJECT_START = re.compile(r'\{(?=\s*")')
_OWN_FIELDS = re.compile(
    r'"(listenurl|listeners|server_type|stream_start_iso8601|bitrate)"\s*:\s*'
    r'("(?:[^"\\]|\\.)*"|\d{1,15})(?=\s*[,}])'
)
# A mount with a fallback is listed with these fields while nothing is sent to it.
_IDLE_FIELDS = frozenset({"listenurl", "listeners", "listener_peak", "max_listeners", "dummy"})
_DOCUMENT_END = re.compile(r"\}\s*\}\s*\Z")


@hookimpl
def register_stats_sources() -> list[StatsSource]:
    return [
        StatsSource(
            name="icecast",
            summary="Icecast 2: a mount is a path, such as /hall.webm",
            options=(
                SourceOption(name="url", summary="where it is", default=None, kind="url"),
                SourceOption(name="user", summary="its admin-user", default="admin"),
                SourceOption(name="password", summary="its admin-password", kind="secret"),
            ),
            fetch=fetch_stats,
        )
    ]


def fetch_stats(probe: SourceProbe) -> Iterable[MountStats]:
    """Return the mounts."""
    return _fetch_admin(probe) if probe.options["password"] else _fetch_public(probe)


def _fetch_public(probe: SourceProbe) -> Iterator[MountStats]:
    for source in _fetch_public_sources(probe):
        if _is_idle(source):
            continue
        mount = _mount_path(source.text("listenurl", required=True))
        yield _mount_stats(mount, source.get("listeners"), source)


def _fetch_public_sources(probe: SourceProbe) -> Sequence[JsonObject]:
    try:
        document = probe.json_object("/status-json.xsl")
    except SourceError:
        # Icecast 2.4 writes a title such as "-" or "007" without quotes, which is no JSON.
        sources = _scan_sources(probe.get("/status-json.xsl"))
        if not sources:
            raise
        return [JsonObject(fields, "source[]", probe.problems) for fields in sources]
    if "icestats" not in document:
        raise InvalidResponseError("icestats is missing, or no object")
    stats = document.object("icestats")
    # Icecast writes one mount as an object, several as a list, and no key for none.
    if isinstance(stats.get("source"), dict):
        return [stats.object("source")]
    return stats.objects("source")


def _scan_sources(body: bytes) -> Sequence[Mapping[str, Any]]:
    """Return the fields of each mount that Icecast itself writes, from a document that is no JSON.

    The other fields come from encoders, and one of them is broken. Of a document that is cut off,
    none is returned.
    """
    text = body.decode("utf-8", "replace")
    if not _DOCUMENT_END.search(text):
        return []
    objects = (
        {key: json.loads(value, strict=False) for key, value in _OWN_FIELDS.findall(part)}
        for part in _OBJECT_START.split(text)
    )
    # Icecast always writes the listeners, and these fields of a mount that is streaming.
    return [
        {"listeners": "?"} | fields
        for fields in objects
        if "listenurl" in fields and not fields.keys() <= _IDLE_FIELDS
    ]


def _is_idle(source: JsonObject) -> bool:
    fields = set(source)
    # Other programs with this interface may write no more than two fields.
    return fields <= _IDLE_FIELDS and not fields <= {"listenurl", "listeners"}


def _mount_path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""


def _fetch_admin(probe: SourceProbe) -> Iterator[MountStats]:
    root = probe.xml("/admin/stats")
    if root.tag != "icestats":
        raise InvalidResponseError("the response is not that of /admin/stats")
    for element in root.iter("source"):
        fields = {child.tag: child.text for child in element}
        source = JsonObject(fields, "source[]", probe.problems)
        if _is_idle(source):
            continue
        mount = element.get("mount", "")
        if not mount:
            probe.problems.add("source[]", "has no mount")
        received = probe.rate(f"{mount} received", source.number("total_bytes_read"))
        clients = source.text("listeners", required=True) or "?"
        viewers = 0 if clients == "0" else _count_viewers(probe, mount)
        stats = _mount_stats(mount, clients if viewers is None else viewers, source)
        yield replace(
            stats,
            includes_checks=viewers is None,
            sent=probe.rate(f"{mount} sent", source.number("total_bytes_sent")),
            bitrate=stats.bitrate if received is None else received,
        )


def _count_viewers(probe: SourceProbe, mount: str) -> int | None:
    """Return the listeners of a mount without checks and relays; ``None`` if there is no list."""
    if mount not in probe.mounts:
        return None
    try:
        root = probe.xml(f"/admin/listclients?mount={quote(mount)}")
    except SourceError:
        # The list of a large audience exceeds the limit of a response.
        return None
    if root.tag != "icestats":
        return None
    names = [listener.findtext("UserAgent") or "" for listener in root.iter("listener")]
    return sum(not is_check(name) and not name.startswith(RELAY_AGENT) for name in names)


def _mount_stats(mount: str, clients: Any, source: JsonObject) -> MountStats:
    return MountStats(
        mount=mount,
        clients=clients,
        bitrate=_announced_bitrate(source),
        codec=source.text("server_type"),
        since=parse_timestamp(source.get("stream_start_iso8601")),
        # Icecast knows the frame rate of Theora only.
        ingest=IngestStats(nominal_frame_rate=source.get("frame_rate")),
    )


def _announced_bitrate(source: JsonObject) -> float | None:
    """Return the bitrate that the encoder announced, in bit/s; Icecast has it in kbit/s."""
    # Encoders announce any text.
    announced = (parse_number(source.get(key)) for key in ("bitrate", "ice-bitrate"))
    return next((1000 * kilobits for kilobits in announced if kilobits is not None), None)
