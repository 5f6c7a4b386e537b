"""API schemas of endpoints."""

from collections.abc import Mapping
from typing import Any, ClassVar

import colander

from streaming_system.tracker.endpoints.formats import LEGACY_STREAMS
from streaming_system.tracker.schemas.stream_ingest import StreamIngestSchema
from streaming_system.tracker.schemas.types import (
    MAX_CLIENTS,
    ApiSchema,
    BaseUrl,
    BoundedList,
    DisplayText,
    Member,
    clock_offset_member,
)
from streaming_system.util.validation import (
    MAX_BITRATE,
    Choice,
    Field,
    Flag,
    Host,
    Identifier,
    Integer,
    Nullable,
    RelativeUrl,
    Rfc3339DateTime,
    RoomId,
    Text,
)

STREAM_FORMATS = (
    "hls", "dash", "webm", "ogg", "opus", "mp3", "aac", "mp4", "flv", "ts", "whep", "rtmp",
    "slides",
)  # fmt: skip
MAX_FILES = 16
_INSTANCE = (
    "A random id of the sender, the same in all its reports. While one instance reports an "
    "endpoint, others are refused (409). Reports without an id are never refused."
)
MAX_INGEST_STREAMS = 16


def _clients(missing: Any = 0) -> Member:
    return Member(
        Integer(0, MAX_CLIENTS), missing=missing, description="The number of viewers.", example=12
    )


def _bitrate(missing: Any = 0) -> Member:
    return Member(
        Integer(0, MAX_BITRATE),
        missing=missing,
        description="The outgoing bitrate, in bit/s.",
        example=9600000,
    )


def _cbitrate(missing: Any = 0) -> Member:
    return Member(
        Integer(0, MAX_BITRATE),
        missing=missing,
        description="The bitrate that all viewers together should get, in bit/s.",
        example=9600000,
    )


class StreamMetricsSchema(ApiSchema):
    """The metrics of one stream, or of the loop (which has no `cbitrate`)."""

    clients = _clients(colander.drop)
    bitrate = _bitrate(colander.drop)
    cbitrate = _cbitrate(colander.drop)


class MetricsByStreamSchema(ApiSchema):
    """The metrics of each stream, and of the endpoint's loop, which the totals exclude."""

    def __init__(self, **kw: Any) -> None:
        loop = StreamMetricsSchema(name="loop", missing=colander.drop)
        del loop["cbitrate"]
        streams = [
            StreamMetricsSchema(name=stream, missing=colander.drop) for stream in LEGACY_STREAMS
        ]
        super().__init__(*streams, loop, **kw)


class FilesByStreamSchema(ApiSchema):
    """The path of each stream below the endpoint's base URL, where it is not the conventional one.

    A stream is a format, or a format with its quality, such as `webm_low`.
    """

    also: ClassVar[Mapping[str, Any]] = {"maxProperties": MAX_FILES}
    field: ClassVar[Field] = RelativeUrl()

    def __init__(self, **kw: Any) -> None:
        streams = [
            Member(self.field, name=stream, missing=colander.drop)
            for stream in (*STREAM_FORMATS, *LEGACY_STREAMS)
        ]
        super().__init__(*streams, example={"mp3": "hall.mp3"}, **kw)

    def validator(self, node: colander.SchemaNode, files: dict[str, str]) -> None:
        """Refuse too many files."""
        if len(files) > MAX_FILES:
            raise colander.Invalid(node, f"allowed: an object of at most {MAX_FILES} members")


class RoomFilesByStreamSchema(FilesByStreamSchema):
    """The path of each stream that an endpoint has reported, below its base URL for a room."""

    field = DisplayText()


class EndpointReportSchema(ApiSchema):
    """The properties and current metrics of an endpoint.

    Each report replaces the previous one: missing members get their defaults.
    """

    also: ClassVar[Mapping[str, Any]] = {"not": {"required": ["url", "port"]}}

    url = Member(
        BaseUrl(),
        missing="",
        description="The prefix of the addresses of all its streams; `{room}` is the placeholder "
        "of the room's id. A final slash is added.",
        example="https://edge1.example.org:8443/live/",
    )
    host = Member(
        Host(),
        missing="",
        description="Its IP address or host name; default: the host of `url`, or the sender's "
        "address.",
        example="edge1.example.org",
    )
    port = Member(
        Integer(1, 65535),
        missing=None,
        description="Instead of `url`: its streams are below http://HOST:PORT/. Without both, "
        "the tracker's settings define the prefix.",
    )
    formats = Member(
        BoundedList(Choice(*STREAM_FORMATS), len(STREAM_FORMATS)),
        missing=(),
        description="Its stream formats.",
        example=["hls", "webm"],
    )
    qualities = Member(
        BoundedList(Identifier(), 16),
        missing=(),
        description="The short names of its qualities. With `low` or `sd` among them, its WebM and "
        "MP4 are offered in low quality, too; without any others, in low quality only.",
        example=["high", "low"],
    )
    files = FilesByStreamSchema(
        missing={},
        description="The paths of streams below `url`, perhaps with a query; `{room}` is the "
        "placeholder of the room's id. Other streams have their conventional paths.",
    )
    capacity = Member(
        Nullable(Integer(1, MAX_BITRATE)),
        missing=None,
        description="The maximum outgoing bitrate, in bit/s; null if unknown.",
        example=1000000000,
    )
    draining = Member(
        Flag(),
        missing=False,
        description="Whether it accepts no new viewers.",
        example=False,
    )
    slate = Member(
        Flag(),
        missing=False,
        description="Whether its viewers get a slate, because its input is lost.",
        example=False,
    )
    region = Member(Nullable(Identifier()), missing=None, description="Its region.", example="eu")
    tags = Member(
        BoundedList(Identifier(), 16),
        missing=(),
        description="Tags by which the configuration prefers endpoints for some viewers.",
        example=["cdn"],
    )
    software = Member(Text(200), missing="", description="Its software.", example="nginx 1.28")
    instance = Member(Identifier(), missing="", description=_INSTANCE, example="b7c1f0e2d4a84f7e")
    clock_offset = clock_offset_member()
    ingest = Member(
        BoundedList(StreamIngestSchema(), MAX_INGEST_STREAMS, distinct=False),
        missing=(),
        description="What encoders send to it, for the crew's page.",
    )
    clients = _clients()
    bitrate = _bitrate()
    cbitrate = _cbitrate()
    metrics = MetricsByStreamSchema(
        name="figures", missing={}, description="The metrics of each stream."
    )

    def validator(self, node: colander.SchemaNode, report: dict[str, Any]) -> None:
        """Refuse both a URL and a port."""
        if report["url"] and report["port"] is not None:
            invalid = colander.Invalid(node)
            invalid["port"] = "allowed: either url or port, not both"
            raise invalid


class DeregistrationQuerySchema(ApiSchema):
    """The query of a deregistration."""

    instance = Member(
        Identifier(),
        missing="",
        description="The id that the sender's reports have. An endpoint that another instance "
        "reports stays (409).",
        example="b7c1f0e2d4a84f7e",
    )


class EndpointReportResponseSchema(ApiSchema):
    """The acknowledgement of a report, with the time of the next one."""

    room = Member(RoomId(), example="hall")
    endpoint = Member(Identifier(), example="edge1")
    url = Member(
        DisplayText(),
        description="The prefix that viewers get.",
        example="https://edge1.example.org:8443/live/",
    )
    report_every = Member(Integer(1, 3600), description="Seconds between two reports.", example=30)
    next_report_at = Member(
        Rfc3339DateTime(),
        description="When the next report is due.",
        example="2026-08-22T12:00:30.000Z",
    )
    alive_until = Member(
        Rfc3339DateTime(),
        description="Without another report, the endpoint counts as alive until then.",
        example="2026-08-22T12:01:00.000Z",
    )
    viewers_expected = Member(
        Integer(0, 2**53),
        description="Viewers that were assigned to it and are not in its metrics yet.",
        example=3,
    )
    drained = Member(Flag(), description="Whether the crew has drained it.", example=False)


class EndpointSchema(ApiSchema):
    """A live endpoint: a server that streams one room to viewers."""

    name = Member(Identifier(), example="edge1")
    room = Member(RoomId(), example="hall")
    host = Member(DisplayText(), example="edge1.example.org")
    url = Member(DisplayText(), example="https://edge1.example.org:8443/live/")
    formats = Member(BoundedList(Choice(*STREAM_FORMATS), 16), example=["hls", "webm"])
    qualities = Member(BoundedList(Identifier(), 16), example=["high", "low"])
    files = RoomFilesByStreamSchema(
        missing=colander.drop, description="The paths of streams that it has reported."
    )
    capacity = Member(
        Nullable(Integer(1, MAX_BITRATE)), description="In bit/s.", example=1000000000
    )
    region = Member(Nullable(Identifier()), example="eu")
    tags = Member(BoundedList(Identifier(), 16), example=["cdn"])
    software = Member(DisplayText(), example="nginx 1.28")
    draining = Member(Flag(), description="Whether it accepts no new viewers.", example=False)
    drained = Member(Flag(), description="Whether the crew has drained it.", example=False)
    slate_since = Member(
        Nullable(Rfc3339DateTime()),
        description="When its viewers began to get a slate, because its input is lost.",
        example=None,
    )
    clients = _clients(colander.required)
    bitrate = _bitrate(colander.required)
    cbitrate = _cbitrate(colander.required)
    metrics = MetricsByStreamSchema(name="figures")
    since = Member(
        Rfc3339DateTime(),
        description="The start of its reports without a gap.",
        example="2026-08-22T09:00:00.000Z",
    )
    last_seen = Member(Rfc3339DateTime(), example="2026-08-22T12:00:00.000Z")
    alive_until = Member(Rfc3339DateTime(), example="2026-08-22T12:01:00.000Z")


class EndpointListSchema(ApiSchema):
    """The live endpoints of a room, least loaded first."""

    endpoints = Member(BoundedList(EndpointSchema(), 10_000, distinct=False))
