"""Endpoints, as the JSON API speaks of them."""

from collections.abc import Mapping
from typing import Any, ClassVar

import colander

from streaming_system.tracker.endpoints.formats import LEGACY_STREAMS
from streaming_system.tracker.schemas.types import (
    MAX_BITRATE,
    MAX_CLIENTS,
    ApiSchema,
    BaseUrl,
    BoundedInteger,
    BoundedList,
    Choice,
    DisplayText,
    Host,
    Identifier,
    Nullable,
    Rfc3339DateTime,
    RoomId,
    StrictBoolean,
    Text,
)

STREAM_FORMATS = (
    "hls", "dash", "webm", "ogg", "opus", "mp3", "aac", "mp4", "flv", "ts", "whep", "rtmp",
    "slides",
)  # fmt: skip
STREAM_METRICS = ("clients", "bitrate", "cbitrate")


def clients(missing: Any = 0) -> colander.SchemaNode:
    """Return a node for a number of viewers."""
    return colander.SchemaNode(
        BoundedInteger(0, MAX_CLIENTS), missing=missing, description="Viewers.", example=12
    )


def bitrate(missing: Any = 0) -> colander.SchemaNode:
    """Return a node for what is sent."""
    return colander.SchemaNode(
        BoundedInteger(0, MAX_BITRATE),
        missing=missing,
        description="What is sent, in bit/s.",
        example=9600000,
    )


def cbitrate(missing: Any = 0) -> colander.SchemaNode:
    """Return a node for what should be sent."""
    return colander.SchemaNode(
        BoundedInteger(0, MAX_BITRATE),
        missing=missing,
        description="What the viewers together should get, in bit/s.",
        example=9600000,
    )


class StreamMetricsSchema(ApiSchema):
    """The figures of one stream, or of the loop (which has no `cbitrate`)."""

    clients = clients(colander.drop)
    bitrate = bitrate(colander.drop)
    cbitrate = cbitrate(colander.drop)


class MetricsByStreamSchema(ApiSchema):
    """Figures of single streams, and of the endpoint's own loop, which the totals leave out."""

    def __init__(self, **kw: Any) -> None:
        loop = StreamMetricsSchema(name="loop", missing=colander.drop)
        del loop["cbitrate"]
        streams = [
            StreamMetricsSchema(name=stream, missing=colander.drop) for stream in LEGACY_STREAMS
        ]
        super().__init__(*streams, loop, **kw)


class EndpointReportSchema(ApiSchema):
    """What an endpoint says of itself, and what it does at the moment.

    Every report is the whole truth: what it leaves out is as if never said.
    """

    also: ClassVar[Mapping[str, Any]] = {"not": {"required": ["url", "port"]}}

    url = colander.SchemaNode(
        BaseUrl(),
        missing="",
        description="What the addresses of all its streams begin with; `{room}` in it stands for "
        "the room's id. A final slash is added.",
        example="https://edge1.example.org:8443/live/",
    )
    host = colander.SchemaNode(
        Host(),
        missing="",
        description="Its IP address or host name; the host of `url`, or the address that the "
        "report comes from, if not given.",
        example="edge1.example.org",
    )
    port = colander.SchemaNode(
        BoundedInteger(1, 65535),
        missing=None,
        description="Instead of `url`: its streams begin with http://HOST:PORT/. With neither, "
        "the tracker's configuration says how they begin.",
    )
    formats = colander.SchemaNode(
        BoundedList(Choice(*STREAM_FORMATS), len(STREAM_FORMATS)),
        missing=(),
        description="The formats that it serves.",
        example=["hls", "webm"],
    )
    qualities = colander.SchemaNode(
        BoundedList(Identifier(), 16),
        missing=(),
        description="The qualities that it serves, by short names. With `low` or `sd` among them "
        "its WebM and MP4 are offered in low quality, too; alone, in no other.",
        example=["high", "low"],
    )
    capacity = colander.SchemaNode(
        Nullable(BoundedInteger(1, MAX_BITRATE)),
        missing=None,
        description="What it can send, in bit/s; null if not known.",
        example=1000000000,
    )
    draining = colander.SchemaNode(
        StrictBoolean(),
        missing=False,
        description="That it wants no new viewers.",
        example=False,
    )
    region = colander.SchemaNode(
        Nullable(Identifier()), missing=None, description="Where it is.", example="eu"
    )
    tags = colander.SchemaNode(
        BoundedList(Identifier(), 16),
        missing=(),
        description="Words by which the configuration prefers endpoints for some viewers.",
        example=["cdn"],
    )
    software = colander.SchemaNode(
        Text(200), missing="", description="What runs on it.", example="nginx 1.28"
    )
    clients = clients()
    bitrate = bitrate()
    cbitrate = cbitrate()
    figures = MetricsByStreamSchema(missing={}, description="Figures of single streams.")

    def validator(self, node: colander.SchemaNode, report: dict[str, Any]) -> None:
        """Refuse two ways to say where the streams are."""
        if report["url"] and report["port"] is not None:
            refusal = colander.Invalid(node)
            refusal["port"] = "allowed: either url or port, not both"
            raise refusal


class DrainingSchema(ApiSchema):
    """Whether an endpoint shall get no new viewers."""

    draining = colander.SchemaNode(StrictBoolean(), description="True: none.", example=True)


class DrainingResponseSchema(ApiSchema):
    """Who wants that an endpoint gets no new viewers."""

    draining = colander.SchemaNode(StrictBoolean(), description="The endpoint itself.")
    drained = colander.SchemaNode(StrictBoolean(), description="The crew.")


class EndpointReportResponseSchema(ApiSchema):
    """What the tracker made of a report, and when it wants the next."""

    room = colander.SchemaNode(RoomId(), example="hall")
    endpoint = colander.SchemaNode(Identifier(), example="edge1")
    url = colander.SchemaNode(
        DisplayText(),
        description="What viewers are given.",
        example="https://edge1.example.org:8443/live/",
    )
    report_every = colander.SchemaNode(
        BoundedInteger(1, 3600), description="Seconds between two reports.", example=30
    )
    next_report_at = colander.SchemaNode(
        Rfc3339DateTime(),
        description="When the next report is due.",
        example="2026-08-22T12:00:30.000Z",
    )
    alive_until = colander.SchemaNode(
        Rfc3339DateTime(),
        description="Until when the endpoint counts as alive without another report.",
        example="2026-08-22T12:01:00.000Z",
    )
    viewers_expected = colander.SchemaNode(
        BoundedInteger(0, 2**53),
        description="Viewers that have been sent to it and are not in its figures yet.",
        example=3,
    )
    drained = colander.SchemaNode(
        StrictBoolean(), description="That the crew lets it have no new viewers.", example=False
    )


class EndpointSchema(ApiSchema):
    """A server that streams one room to viewers: one that is alive."""

    name = colander.SchemaNode(Identifier(), example="edge1")
    room = colander.SchemaNode(RoomId(), example="hall")
    host = colander.SchemaNode(DisplayText(), example="edge1.example.org")
    url = colander.SchemaNode(DisplayText(), example="https://edge1.example.org:8443/live/")
    formats = colander.SchemaNode(BoundedList(Choice(*STREAM_FORMATS), 16), example=["hls", "webm"])
    qualities = colander.SchemaNode(BoundedList(Identifier(), 16), example=["high", "low"])
    capacity = colander.SchemaNode(
        Nullable(BoundedInteger(1, MAX_BITRATE)), description="In bit/s.", example=1000000000
    )
    region = colander.SchemaNode(Nullable(Identifier()), example="eu")
    tags = colander.SchemaNode(BoundedList(Identifier(), 16), example=["cdn"])
    software = colander.SchemaNode(DisplayText(), example="nginx 1.28")
    draining = colander.SchemaNode(
        StrictBoolean(), description="That it wants no new viewers.", example=False
    )
    drained = colander.SchemaNode(
        StrictBoolean(), description="That the crew lets it have no new viewers.", example=False
    )
    clients = clients(colander.required)
    bitrate = bitrate(colander.required)
    cbitrate = cbitrate(colander.required)
    figures = MetricsByStreamSchema()
    since = colander.SchemaNode(
        Rfc3339DateTime(),
        description="Since when it reports without a gap.",
        example="2026-08-22T09:00:00.000Z",
    )
    last_seen = colander.SchemaNode(Rfc3339DateTime(), example="2026-08-22T12:00:00.000Z")
    alive_until = colander.SchemaNode(Rfc3339DateTime(), example="2026-08-22T12:01:00.000Z")


class EndpointListSchema(ApiSchema):
    """The endpoints of a room that are alive, least loaded first."""

    endpoints = colander.SchemaNode(BoundedList(EndpointSchema(), 10_000, distinct=False))
