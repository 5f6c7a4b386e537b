"""Icecast 2: ``/status-json.xsl``, or, with a password, the more detailed ``/admin/stats``.

https://icecast.org/docs/icecast-2.4.1/server-stats.html
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

from streaming_system.plugin import (
    IngestStats,
    MountStats,
    SourceError,
    SourceOption,
    SourceProbe,
    StatsSource,
    hookimpl,
    is_check,
    parse_timestamp,
    require_list,
    require_object,
)

# Another Icecast, which has listeners of its own.
RELAY_AGENT = "Icecast "
_OBJECT_START = re.compile(r'\{(?=\s*")')
_OWN_FIELDS = re.compile(
    r'"(listenurl|listeners|server_type|stream_start_iso8601|bitrate)"\s*:\s*'
    r'("(?:[^"\\]|\\.)*"|\d{1,15})(?=\s*[,}])'
)


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
        mount = _mount_path(source.get("listenurl"))
        yield _mount_stats(mount, source.get("listeners"), source)


def _fetch_public_sources(probe: SourceProbe) -> Sequence[Mapping[str, Any]]:
    try:
        document = probe.json("/status-json.xsl")
    except SourceError:
        # Icecast 2.4 writes a title such as "-" or "007" without quotes, which is no JSON.
        sources = _scan_sources(probe.get("/status-json.xsl"))
        if not sources:
            raise
        return sources
    stats = require_object(require_object(document, "the response").get("icestats"), "icestats")
    # Icecast writes one mount as an object, several as a list, and no key for none.
    found = stats.get("source", [])
    return require_list(found if isinstance(found, list) else [found], "source")


def _scan_sources(body: bytes) -> Sequence[Mapping[str, Any]]:
    """Return the fields of each mount that Icecast itself writes, from a document that is no JSON.

    The other fields come from encoders, and one of them is broken.
    """
    text = body.decode("utf-8", "replace")
    objects = (dict(_OWN_FIELDS.findall(part)) for part in _OBJECT_START.split(text))
    return [
        {key: json.loads(value) for key, value in fields.items()}
        for fields in objects
        if "listenurl" in fields
    ]


def _mount_path(url: Any) -> str:
    try:
        return urlsplit(str(url or "")).path
    except ValueError:
        return ""


def _fetch_admin(probe: SourceProbe) -> Iterator[MountStats]:
    for element in probe.xml("/admin/stats").iter("source"):
        source = {child.tag: child.text or "" for child in element}
        mount = element.get("mount", "")
        received = probe.rate(f"{mount} received", source.get("total_bytes_read"))
        clients: Any = source.get("listeners")
        viewers = _count_viewers(probe, mount) if clients != "0" else 0
        stats = _mount_stats(mount, clients if viewers is None else viewers, source)
        yield replace(
            stats,
            includes_checks=viewers is None,
            sent=probe.rate(f"{mount} sent", source.get("total_bytes_sent")),
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
    names = [listener.findtext("UserAgent") or "" for listener in root.iter("listener")]
    return sum(not is_check(name) and not name.startswith(RELAY_AGENT) for name in names)


def _mount_stats(mount: str, clients: Any, source: Any) -> MountStats:
    return MountStats(
        mount=mount,
        clients=clients,
        bitrate=_announced_bitrate(source),
        codec=str(source.get("server_type") or ""),
        since=_stream_start(source),
        # Icecast knows the frame rate of Theora only.
        ingest=IngestStats(nominal_frame_rate=source.get("frame_rate")),
    )


def _announced_bitrate(source: Any) -> Any:
    """Return the bitrate that the encoder announced, in bit/s; Icecast has it in kbit/s."""
    for key in ("bitrate", "ice-bitrate"):
        try:
            return float(source[key]) * 1000
        except (KeyError, TypeError, ValueError):
            continue
    return None


def _stream_start(source: Any) -> datetime | None:
    text = str(source.get("stream_start_iso8601") or "")
    if found := parse_timestamp(text):
        return found.astimezone(UTC)
    return None
