"""The report of an endpoint."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, kw_only=True)
class EndpointState:
    """The properties of an endpoint that it reports, apart from metrics.

    :param host: its address or DNS name.
    :param url: the base of its stream URLs, with ``{room}`` for the room's id if it serves several;
        "" if the pattern in the ini file applies.
    :param files: paths of streams below ``url``, by stream.
    :param ingest: what encoders send to it: a :class:`StreamIngestSchema` for each stream.
    :param capacity: of its link, in bit/s; ``None`` if unknown.
    :param clock_offset: seconds that its machine's clock is ahead of ours; ``None`` if unknown.
    """

    host: str
    url: str = ""
    formats: tuple[str, ...] = ()
    qualities: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    ingest: tuple[Mapping[str, Any], ...] = ()
    capacity: int | None = None
    draining: bool = False
    region: str = ""
    tags: tuple[str, ...] = ()
    software: str = ""
    clock_offset: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointReport:
    """A report of an endpoint.

    :param state: ``None`` in the legacy protocol, which reports no more than the address. The
        stored properties then stay as they are.
    :param bitrate: bit/s that the endpoint sends.
    :param cbitrate: bit/s that its clients together should get.
    :param stream_metrics: metrics of single streams, such as ``webm_high_clients``.
    :param token: the id of the sender's token; ``None`` for the shared secret.
    :param instance: the sender among all agents with this endpoint name; "" if it has no such id.
    :param slate: whether its viewers get a slate, because its input is lost.
    """

    room: str
    name: str
    state: EndpointState | None
    clients: int
    bitrate: int
    cbitrate: int
    stream_metrics: Mapping[str, int]
    now: datetime
    token: int | None = None
    instance: str = ""
    slate: bool = False


def from_legacy(*, room: str, ip: str, metrics: Mapping[str, int], now: datetime) -> EndpointReport:
    """Return a report of the legacy protocol, where the address is the endpoint's name.

    :param metrics: must contain ``overall_clients``, ``overall_bitrate`` and ``overall_cbitrate``.
    """
    return EndpointReport(
        room=room,
        name=ip,
        state=None,
        clients=metrics["overall_clients"],
        bitrate=metrics["overall_bitrate"],
        cbitrate=metrics["overall_cbitrate"],
        stream_metrics={
            name: value for name, value in metrics.items() if not name.startswith("overall_")
        },
        now=now,
    )
