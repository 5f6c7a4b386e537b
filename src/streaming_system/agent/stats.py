"""Validates the stats of servers, and builds the tracker API's reports from them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from streaming_system.agent.config import AgentConfig, StreamConfig
from streaming_system.agent.stream_config import reported_files
from streaming_system.plugin.stats_source import MountStats
from streaming_system.util.foreign_json import describe_json_value, parse_number
from streaming_system.util.log_once import LogOnce

# Limits of the tracker's API.
MAX_CLIENTS = 10_000_000
MAX_BITRATE = 10**13
MAX_QUALITIES = 16
REPORTED_STREAMS = frozenset(
    f"{format_}_{quality}"
    for format_, qualities in (
        ("webm", ("high", "low")),
        ("flv", ("high", "low")),
        ("mp4", ("high", "low")),
        ("ogg", ("high",)),
        ("aac", ("high",)),
        ("mp3", ("high",)),
    )
    for quality in qualities
)
_LIMITS = {"clients": MAX_CLIENTS, "bitrate": MAX_BITRATE, "cbitrate": MAX_BITRATE}


@dataclass(frozen=True, kw_only=True)
class ValidatedMountStats:
    """Stats of one mount with numbers within the limits.

    :param unlogged: the clients that an access log does not have, such as RTMP and WHEP players.
    :param sent: bit/s to all clients together; ``None`` if unknown.
    :param bitrate: bit/s of the stream; ``None`` if unknown.
    :param raw: as the source returned them.
    """

    stream: StreamConfig
    clients: int
    sent: int | None
    bitrate: int | None
    raw: MountStats
    unlogged: int = 0

    def without_checks(self, *, connections: int, sessions: int) -> "ValidatedMountStats":
        """Return a copy without the agent's own checks, if the server counts them.

        :param connections: open connections that transfer the stream.
        :param sessions: checks that load segments, one after the other.
        """
        if not self.raw.includes_checks:
            return self
        unlogged = max(0, self.unlogged - connections)
        if self.raw.segment_clients is None:
            # The server has no sessions of HLS, or does not tell its viewers apart.
            return replace(self, clients=max(0, self.clients - connections), unlogged=unlogged)
        segment_clients = max(0, self.clients - self.unlogged - sessions)
        return replace(self, clients=unlogged + segment_clients, unlogged=unlogged)

    def with_logged_viewers(self, clients: int, sent: int) -> "ValidatedMountStats":
        """Return a copy with the viewers of an access log, and those that it does not have."""
        if self.unlogged:
            own = self.sent or 0
            # What the server sends may include the segments.
            sent = sent + own if self.clients == self.unlogged else max(sent, own)
        return replace(self, clients=clients + self.unlogged, sent=sent)


@dataclass(frozen=True, kw_only=True)
class ValidatedStats:
    """The valid stats of one source, by mount.

    :param invalid_mounts: mounts that stream, but have an invalid number of clients.
    """

    mounts: Mapping[str, ValidatedMountStats] = field(default_factory=dict)
    invalid_mounts: frozenset[str] = frozenset()


def replace_lost_mounts(stats: Sequence[MountStats], slates: Mapping[str, str]) -> list[MountStats]:
    """Return stats with those of the slate for each mount that is not streaming but has one.

    Mounts with the same slate share its viewers equally.

    :param slates: the mount of the slate by mount.
    """
    by_mount = {each.mount: each for each in stats}
    lost = [m for m, slate in slates.items() if m not in by_mount and slate in by_mount]
    shares = Counter(slates[mount] for mount in lost)
    result = list(stats)
    for mount in lost:
        slate = by_mount[slates[mount]]
        share = shares[slate.mount]
        # The first mount gets the remainder.
        is_first = mount == next(m for m in lost if slates[m] == slate.mount)
        clients = parse_number(slate.clients)
        if clients is not None:
            clients = clients // share + (clients % share if is_first else 0)
        sent = parse_number(slate.sent)
        result.append(
            replace(
                slate,
                mount=mount,
                clients=slate.clients if clients is None else clients,
                sent=slate.sent if sent is None else sent / share,
                slate=True,
            )
        )
    return result


def validate_stats(
    source: str, streams: Iterable[StreamConfig], stats: Iterable[MountStats], warnings: LogOnce
) -> ValidatedStats:
    """Return the valid stats of the mounts that agent.ini names; log invalid ones."""
    configured = {stream.mount: stream for stream in streams}
    mounts: dict[str, ValidatedMountStats] = {}
    invalid_mounts = set()
    for raw in stats:
        stream = configured.get(raw.mount) if isinstance(raw.mount, str) else None
        if stream is None:
            continue
        subject = f"{source} {raw.mount}"
        errors: dict[str, str] = {}
        clients = _validate_number("clients", raw.clients, MAX_CLIENTS, errors) or 0
        segment_clients = _validate_number(
            "segment_clients", raw.segment_clients, MAX_CLIENTS, errors
        )
        sent = _validate_number("sent", raw.sent, MAX_BITRATE, errors)
        bitrate = _validate_number("bitrate", raw.bitrate, MAX_BITRATE, errors)
        if errors:
            fault = ", ".join(errors)
            warnings.warn(subject, f"invalid stats: {'; '.join(errors.values())}", fault=fault)
        else:
            warnings.resolve(subject)
        if "clients" in errors:
            invalid_mounts.add(raw.mount)
            continue
        mounts[raw.mount] = ValidatedMountStats(
            stream=stream,
            clients=clients,
            unlogged=max(0, clients - (clients if segment_clients is None else segment_clients)),
            sent=sent,
            bitrate=bitrate if stream.bitrate is None else stream.bitrate,
            raw=raw,
        )
    # The order of agent.ini keeps reports stable when a server lists its mounts in another order.
    ordered = {mount: mounts[mount] for mount in configured if mount in mounts}
    return ValidatedStats(mounts=ordered, invalid_mounts=frozenset(invalid_mounts))


def empty_stats(stream: StreamConfig) -> ValidatedMountStats:
    """Return the stats of a stream that its server does not list."""
    return ValidatedMountStats(
        stream=stream,
        clients=0,
        sent=None,
        bitrate=stream.bitrate,
        raw=MountStats(mount=stream.mount),
    )


def _validate_number(name: str, value: Any, maximum: int, errors: dict[str, str]) -> int | None:
    """Return a number from 0 to ``maximum``; ``None`` if it is missing, or invalid: see errors."""
    if value is None:
        return None
    number = parse_number(value)
    if number is None or not 0 <= number <= maximum:
        shown = describe_json_value(value)
        errors[name] = f"{name} is {shown}, which is no number from 0 to {maximum}"
        return None
    return round(number)


class EndpointKey(NamedTuple):
    """An endpoint: a room, and its name within the room."""

    room: str
    name: str


def endpoint_key(stream: StreamConfig) -> EndpointKey:
    """Return the endpoint that serves a stream."""
    return EndpointKey(stream.room, stream.endpoint)


def build_reports(
    agent: AgentConfig, software: str, stats: Iterable[ValidatedMountStats]
) -> dict[EndpointKey, dict[str, Any]]:
    """Return the request bodies of the tracker's API, by endpoint."""
    endpoints: dict[EndpointKey, list[ValidatedMountStats]] = {}
    for mount in stats:
        endpoints.setdefault(endpoint_key(mount.stream), []).append(mount)
    return {
        key: _build_report(agent, software, mounts) for key, mounts in sorted(endpoints.items())
    }


def _build_report(
    agent: AgentConfig, software: str, mounts: list[ValidatedMountStats]
) -> dict[str, Any]:
    by_stream: dict[str, dict[str, int]] = {}
    totals: dict[str, int] = {}
    for mount in mounts:
        counts = _reported_counts(mount)
        _add_to_totals(totals, counts)
        if mount.stream.name in REPORTED_STREAMS:
            _add_to_totals(by_stream.setdefault(mount.stream.name, {}), counts)
    qualities = dict.fromkeys(m.stream.quality for m in mounts if m.stream.quality)
    optional = {
        "url": mounts[0].stream.base_url,
        "files": reported_files(mount.stream for mount in mounts),
        "capacity": agent.capacity,
        "region": agent.region,
        "tags": list(agent.tags),
        # A part of the room's streams may have lost their input.
        "slate": all(mount.raw.slate for mount in mounts),
    }
    return {
        "formats": list(dict.fromkeys(m.stream.format for m in mounts)),
        "qualities": list(qualities)[:MAX_QUALITIES],
        "software": software,
        **totals,
        "figures": by_stream,
        **{key: value for key, value in optional.items() if value},
    }


def _reported_counts(mount: ValidatedMountStats) -> dict[str, int]:
    # ``cbitrate`` is the nominal bitrate of all clients. It and ``bitrate``, which is measured,
    # substitute each other where one of them is unknown.
    nominal = mount.clients * mount.bitrate if mount.bitrate is not None else mount.sent or 0
    sent = mount.sent if mount.sent is not None else nominal
    return {
        "clients": mount.clients,
        "bitrate": min(sent, MAX_BITRATE),
        "cbitrate": min(nominal, MAX_BITRATE),
    }


def _add_to_totals(totals: dict[str, int], counts: Mapping[str, int]) -> None:
    for name, value in counts.items():
        totals[name] = min(totals.get(name, 0) + value, _LIMITS[name])


def is_significant_change(report: Mapping[str, Any], previous: Mapping[str, Any]) -> bool:
    """Return whether a report differs by more than 10 % of a bitrate, or knows another stream."""
    for name in ("bitrate", "cbitrate"):
        if abs(report[name] - previous[name]) > max(report[name], previous[name]) / 10:
            return True
    if _measured_streams(report) != _measured_streams(previous):
        return True
    # The figures of streams change with the totals; other values of encoders are not urgent.
    ignored = ("bitrate", "cbitrate", "figures", "ingest")
    return {k: v for k, v in report.items() if k not in ignored} != {
        k: v for k, v in previous.items() if k not in ignored
    }


def _measured_streams(report: Mapping[str, Any]) -> set[str]:
    """Return the streams whose keyframe interval is known."""
    ingest = report.get("ingest", ())
    return {stream["stream"] for stream in ingest if "keyframe_interval" in stream}
