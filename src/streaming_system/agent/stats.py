"""What servers say, checked, and put into the words of the tracker's API."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from streaming_system.agent.config import AgentConfig, StreamConfig
from streaming_system.plugin.stats_source import MountStats
from streaming_system.util.log_once import LogOnce

# What the tracker's API takes.
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


@dataclass(frozen=True, kw_only=True)
class ValidatedMountStats:
    """A reading whose numbers are numbers.

    :param sent: in bit/s to all clients together; ``None`` if not known.
    :param bitrate: of the stream, in bit/s; ``None`` if not known.
    """

    stream: StreamConfig
    clients: int
    sent: int | None
    bitrate: int | None
    reading: MountStats

    def with_audience(self, clients: int, sent: int) -> "ValidatedMountStats":
        """Return the same stream with viewers that were counted elsewhere."""
        return replace(self, clients=clients, sent=sent)


@dataclass(frozen=True, kw_only=True)
class ValidatedStats:
    """What is left of a server's readings.

    :param doubtful: mounts that are there, but of which the server says nonsense.
    """

    figures: Mapping[str, ValidatedMountStats] = field(default_factory=dict)
    doubtful: frozenset[str] = frozenset()


def validate_stats(
    source: str, streams: Iterable[StreamConfig], readings: Iterable[MountStats], warnings: LogOnce
) -> ValidatedStats:
    """Return what can be believed of the readings of the mounts that agent.ini names."""
    wanted = {stream.mount: stream for stream in streams}
    figures: dict[str, ValidatedMountStats] = {}
    doubtful = set()
    for reading in readings:
        stream = wanted.get(reading.mount)
        if stream is None:
            continue
        about = f"{source} {reading.mount}"
        bad: list[str] = []
        values = {
            name: _validate_number(name, getattr(reading, name), most, bad)
            for name, most in (
                ("clients", MAX_CLIENTS),
                ("sent", MAX_BITRATE),
                ("bitrate", MAX_BITRATE),
            )
        }
        if bad:
            warnings.warn(about, f"is not believed: {'; '.join(bad)}")
        else:
            warnings.resolve(about)
        if any(word.startswith("clients") for word in bad):
            doubtful.add(reading.mount)
            continue
        bitrate = values["bitrate"] if stream.bitrate is None else stream.bitrate
        figures[reading.mount] = ValidatedMountStats(
            stream=stream,
            clients=values["clients"] or 0,
            sent=values["sent"],
            bitrate=bitrate,
            reading=reading,
        )
    # In agent.ini's order, so that a report does not change because a server's list has.
    ordered = {mount: figures[mount] for mount in wanted if mount in figures}
    return ValidatedStats(figures=ordered, doubtful=frozenset(doubtful))


def _validate_number(name: str, value: Any, most: int, bad: list[str]) -> int | None:
    """Return a number that may be sent; note what is wrong with one that may not."""
    if value is None:
        return None
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError(value)
        number = float(value)
    except (ValueError, OverflowError):
        number = math.nan
    # Nothing compares as true with NaN.
    if not 0 <= number <= most:
        bad.append(f"{name} is {ascii(value)[:40]}, which is no number from 0 to {most}")
        return None
    return round(number)


def build_reports(
    agent: AgentConfig, software: str, figures: Iterable[ValidatedMountStats]
) -> dict[str, dict[str, Any]]:
    """Return what the tracker is told of each room that is streaming: the bodies of its API."""
    rooms: dict[str, list[ValidatedMountStats]] = {}
    for one in figures:
        rooms.setdefault(one.stream.room, []).append(one)
    return {room: _build_report(agent, software, found) for room, found in sorted(rooms.items())}


def _build_report(
    agent: AgentConfig, software: str, found: list[ValidatedMountStats]
) -> dict[str, Any]:
    numbers = [_sum_bitrates(one) for one in found]
    by_stream: dict[str, dict[str, int]] = {}
    for one, values in zip(found, numbers, strict=True):
        if one.stream.name in REPORTED_STREAMS:
            _add_to_totals(by_stream.setdefault(one.stream.name, {}), values)
    totals: dict[str, int] = {}
    for values in numbers:
        _add_to_totals(totals, values)
    qualities = dict.fromkeys(one.stream.quality for one in found if one.stream.quality)
    said = {
        "url": agent.url,
        "capacity": agent.capacity,
        "region": agent.region,
        "tags": list(agent.tags),
    }
    return {
        "formats": list(dict.fromkeys(one.stream.format for one in found)),
        "qualities": list(qualities)[:MAX_QUALITIES],
        "software": software,
        **totals,
        "figures": by_stream,
        **{key: value for key, value in said.items() if value},
    }


def _sum_bitrates(one: ValidatedMountStats) -> dict[str, int]:
    # What the viewers of a stream should get is known if its bitrate is, and so, about, is what
    # is sent to them where the server does not measure it.
    due = one.clients * one.bitrate if one.bitrate is not None else one.sent or 0
    sent = one.sent if one.sent is not None else due
    return {
        "clients": one.clients,
        "bitrate": min(sent, MAX_BITRATE),
        "cbitrate": min(due, MAX_BITRATE),
    }


def _add_to_totals(totals: dict[str, int], values: Mapping[str, int]) -> None:
    for name, value in values.items():
        most = MAX_CLIENTS if name == "clients" else MAX_BITRATE
        totals[name] = min(totals.get(name, 0) + value, most)


def is_significant_change(now: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Tell whether a report says something new: what is sent always trembles a little."""
    for name in ("bitrate", "cbitrate"):
        if abs(now[name] - before[name]) > max(now[name], before[name]) / 10:
            return True
    # Streams' figures differ when the totals do.
    passing = ("bitrate", "cbitrate", "figures")
    return {k: v for k, v in now.items() if k not in passing} != {
        k: v for k, v in before.items() if k not in passing
    }
