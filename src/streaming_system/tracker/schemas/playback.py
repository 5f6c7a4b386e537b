"""What players say of themselves. Names and units are CMCD's (CTA-5004-A) where it has them."""

from typing import Any

import colander

from streaming_system.tracker.schemas.room import RoomViewersSchema
from streaming_system.tracker.schemas.types import (
    ApiSchema,
    BoundedInteger,
    BoundedList,
    BoundedNumber,
    Choice,
    DisplayText,
    Nullable,
    Rfc3339DateTime,
    RoomId,
    StrictBoolean,
    Text,
)

CMCD_VERSION = 2
STREAM_FORMATS = (
    "hls", "dash", "webm", "ogg", "opus", "mp3", "aac", "mp4", "flv", "ts", "whep", "rtmp",
    "slides",
)  # fmt: skip
# CMCD knows formats of segments only; all others are "o".
CMCD_FORMATS = {"h": "hls", "d": "dash"}
# CMCD's states of a player: it has ended, failed for good, or was left.
END_STATES = frozenset("efq")

MAX_MINUTES = 60
MAX_PLAYED_MS = 31 * 24 * 3600 * 1000
MAX_STARTUP_MS = 600_000
MAX_BITRATE_KBPS = 10_000_000


def _total_node(most: int, description: str, example: int) -> colander.SchemaNode:
    return colander.SchemaNode(
        BoundedInteger(0, most), missing=0, description=description, example=example
    )


class PlaybackReportSchema(ApiSchema):
    """What a player says of itself: totals since it began, so that a lost report loses nothing."""

    v = colander.SchemaNode(
        BoundedInteger(CMCD_VERSION, CMCD_VERSION),
        missing=CMCD_VERSION,
        description="The version of CMCD that names are taken from.",
        example=CMCD_VERSION,
    )
    sid = colander.SchemaNode(
        Text(64, least=16, pattern="^[A-Za-z0-9-]{16,64}$", allowed="16 to 64 of A-Z a-z 0-9 -"),
        description="A random number that the player makes for itself, and keeps nowhere.",
        example="4dd8bff7-2f5a-4a0b-8b34-34ac1ae39a7e",
    )
    cdn = colander.SchemaNode(
        Text(64, pattern="^[A-Za-z0-9._:-]{0,64}$", allowed="at most 64 of A-Z a-z 0-9 . _ : -"),
        missing="",
        description="The name of the endpoint that it plays from, or `youtube`, or `cdn`. Other "
        "names are not kept.",
        example="edge1",
    )
    sf = colander.SchemaNode(
        Nullable(Choice("d", "h", "e", "s", "o")),
        missing=None,
        description="The streaming format; `format` says more.",
        example="h",
    )
    format = colander.SchemaNode(
        Nullable(Choice(*STREAM_FORMATS)),
        missing=None,
        description="The stream's format.",
        example="hls",
    )
    quality = colander.SchemaNode(
        Text(32, pattern="^[A-Za-z0-9._:-]{0,32}$", allowed="at most 32 of A-Z a-z 0-9 . _ : -"),
        missing="",
        description="Which of the stream's qualities.",
        example="high",
    )
    br = colander.SchemaNode(
        Nullable(BoundedInteger(0, MAX_BITRATE_KBPS)),
        missing=None,
        description="The stream's bitrate, in kbit/s.",
        example=2500,
    )
    msd = colander.SchemaNode(
        Nullable(BoundedInteger(0, MAX_STARTUP_MS)),
        missing=None,
        description="Milliseconds from the wish to play until it played.",
        example=820,
    )
    played = _total_node(MAX_PLAYED_MS, "For how long it has played, in milliseconds.", 61_250)
    bsa = _total_node(10**6, "How often it stood still for want of data.", 1)
    bsda = _total_node(
        MAX_PLAYED_MS, "For how long it stood still for want of data, in milliseconds.", 1_400
    )
    dfa = _total_node(10**9, "Frames that it has dropped.", 12)
    errors = _total_node(10**6, "Errors that ended its playing.", 0)
    sta = colander.SchemaNode(
        Choice(*"spkraefqd"),
        missing="p",
        description="Its state; with `e`, `f` and `q` it is gone until it plays on.",
        example="p",
    )
    bg = colander.SchemaNode(
        StrictBoolean(),
        missing=False,
        description="That nobody sees it at the moment.",
        example=False,
    )


def is_session_end(report: dict[str, Any]) -> bool:
    """Tell whether a report is a player's goodbye."""
    return report["sta"] in END_STATES


class PlaybackQuerySchema(ApiSchema):
    """Which figures are asked for."""

    minutes = colander.SchemaNode(
        BoundedInteger(1, MAX_MINUTES),
        missing=5,
        description="Those of how many minutes.",
        example=5,
    )


class PlaybackReportResponseSchema(ApiSchema):
    """What the tracker made of a player's report."""

    next = colander.SchemaNode(
        BoundedInteger(0, 3600),
        description="Seconds until the next report; 0: none is wanted.",
        example=12,
    )
    until = colander.SchemaNode(
        Rfc3339DateTime(),
        description="Until when the player counts as a viewer without another report.",
        example="2026-08-22T12:00:20.000Z",
    )


class _QoeSchema(ApiSchema):
    """How well players play: sums over the minutes that were asked for."""

    viewers = RoomViewersSchema()
    starts = colander.SchemaNode(
        BoundedInteger(0, 2**53), description="Players that began.", example=40
    )
    startup_p50_ms = colander.SchemaNode(
        Nullable(BoundedInteger(0, 2**53)),
        description="Half of them needed at most so long to begin.",
        example=640,
    )
    startup_p95_ms = colander.SchemaNode(
        Nullable(BoundedInteger(0, 2**53)),
        description="Of twenty, nineteen needed at most so long.",
        example=2100,
    )
    played_ms = colander.SchemaNode(BoundedInteger(0, 2**53), example=36000000)
    rebuffers = colander.SchemaNode(BoundedInteger(0, 2**53), example=3)
    rebuffer_ms = colander.SchemaNode(BoundedInteger(0, 2**53), example=4200)
    rebuffer_ratio = colander.SchemaNode(
        Nullable(BoundedNumber(0, 1)),
        description="The share of the time that players stood still for want of data.",
        example=0.0001,
    )
    errors = colander.SchemaNode(BoundedInteger(0, 2**53), example=1)
    errors_per_hour = colander.SchemaNode(
        Nullable(BoundedNumber(0, 1e18)), description="For each hour played.", example=0.1
    )
    dropped = colander.SchemaNode(BoundedInteger(0, 2**53), description="Frames.", example=12)
    bitrate = colander.SchemaNode(
        Nullable(BoundedInteger(0, 2**53)),
        description="What was played, in bit/s.",
        example=2500000,
    )


class EndpointQoeSchema(_QoeSchema):
    """How well the players of one endpoint play."""

    endpoint = colander.SchemaNode(
        DisplayText(),
        description="Its name, `youtube` or `cdn`; empty where players do not know.",
        example="edge1",
    )


class RoomQoeSchema(_QoeSchema):
    """How well the players of a room play."""

    room = colander.SchemaNode(RoomId(), example="hall")
    generated_at = colander.SchemaNode(Rfc3339DateTime(), example="2026-08-22T12:00:00.000Z")
    minutes = colander.SchemaNode(BoundedInteger(1, MAX_MINUTES), example=5)
    endpoints = colander.SchemaNode(BoundedList(EndpointQoeSchema(), 10_000, distinct=False))
