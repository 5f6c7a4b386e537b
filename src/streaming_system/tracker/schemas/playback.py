"""API schemas of playback reports. Names and units are those of CMCD (CTA-5004-A) if possible."""

from typing import Any

from streaming_system.tracker.schemas.endpoint import STREAM_FORMATS
from streaming_system.tracker.schemas.room import RoomViewersSchema
from streaming_system.tracker.schemas.types import ApiSchema, BoundedList, DisplayText, Member
from streaming_system.util.validation import (
    Choice,
    Flag,
    Integer,
    Nullable,
    Number,
    Rfc3339DateTime,
    RoomId,
    Text,
)

CMCD_VERSION = 2
# CMCD has letters for segmented formats only; all others are "o".
CMCD_FORMATS = {"h": "hls", "d": "dash"}
# The CMCD states of a finished player: ended, fatal error, quit.
END_STATES = frozenset("efq")

MAX_MINUTES = 60
MAX_PLAYED_MS = 31 * 24 * 3600 * 1000
MAX_STARTUP_MS = 600_000
MAX_BITRATE_KBPS = 10_000_000


def _total_node(maximum: int, description: str, example: int) -> Member:
    return Member(Integer(0, maximum), missing=0, description=description, example=example)


class PlaybackReportSchema(ApiSchema):
    """The state of a player, with totals since its start, so that lost reports do no harm."""

    v = Member(
        Integer(CMCD_VERSION, CMCD_VERSION),
        missing=CMCD_VERSION,
        description="The version of CMCD.",
        example=CMCD_VERSION,
    )
    sid = Member(
        Text(
            64, min_length=16, pattern="^[A-Za-z0-9-]{16,64}$", allowed="16 to 64 of A-Z a-z 0-9 -"
        ),
        description="A random id that the player creates at its start and does not store.",
        example="4dd8bff7-2f5a-4a0b-8b34-34ac1ae39a7e",
    )
    cdn = Member(
        Text(64, pattern="^[A-Za-z0-9._:-]{0,64}$", allowed="at most 64 of A-Z a-z 0-9 . _ : -"),
        missing="",
        description="The name of the endpoint that it plays from, or `youtube`, or `cdn`. Other "
        "names are dropped.",
        example="edge1",
    )
    sf = Member(
        Nullable(Choice("d", "h", "e", "s", "o")),
        missing=None,
        description="The streaming format; `format` is more precise.",
        example="h",
    )
    format = Member(
        Nullable(Choice(*STREAM_FORMATS)),
        missing=None,
        description="The stream's format.",
        example="hls",
    )
    quality = Member(
        Text(32, pattern="^[A-Za-z0-9._:-]{0,32}$", allowed="at most 32 of A-Z a-z 0-9 . _ : -"),
        missing="",
        description="The name of the stream's quality.",
        example="high",
    )
    br = Member(
        Nullable(Integer(0, MAX_BITRATE_KBPS)),
        missing=None,
        description="The stream's bitrate, in kbit/s.",
        example=2500,
    )
    msd = Member(
        Nullable(Integer(0, MAX_STARTUP_MS)),
        missing=None,
        description="The startup time, in milliseconds.",
        example=820,
    )
    played = _total_node(MAX_PLAYED_MS, "The time played, in milliseconds.", 61_250)
    bsa = _total_node(10**6, "The number of rebuffers.", 1)
    bsda = _total_node(MAX_PLAYED_MS, "The time spent rebuffering, in milliseconds.", 1_400)
    dfa = _total_node(10**9, "The number of dropped frames.", 12)
    errors = _total_node(10**6, "The number of errors that stopped playback.", 0)
    sta = Member(
        Choice(*"spkraefqd"),
        missing="p",
        description="Its state. `e`, `f` and `q` end the session until the player continues.",
        example="p",
    )
    bg = Member(
        Flag(),
        missing=False,
        description="Whether it is in the background.",
        example=False,
    )


def is_session_end(report: dict[str, Any]) -> bool:
    """Return whether a report ends the session of its player."""
    return report["sta"] in END_STATES


class PlaybackQuerySchema(ApiSchema):
    """The time range of the metrics."""

    minutes = Member(
        Integer(1, MAX_MINUTES),
        missing=5,
        description="The length of the range, up to now.",
        example=5,
    )


class PlaybackReportResponseSchema(ApiSchema):
    """The acknowledgement of a report."""

    next = Member(
        Integer(0, 3600),
        description="Seconds until the next report; 0 if none is expected.",
        example=12,
    )
    until = Member(
        Rfc3339DateTime(),
        description="Without another report, the player counts as a viewer until then.",
        example="2026-08-22T12:00:20.000Z",
    )


class _QoeSchema(ApiSchema):
    """Quality of experience: sums over the requested minutes."""

    viewers = RoomViewersSchema()
    starts = Member(
        Integer(0, 2**53), description="The number of players that started.", example=40
    )
    startup_p50_ms = Member(
        Nullable(Integer(0, 2**53)),
        description="The median startup time.",
        example=640,
    )
    startup_p95_ms = Member(
        Nullable(Integer(0, 2**53)),
        description="The 95th percentile of the startup times.",
        example=2100,
    )
    played_ms = Member(Integer(0, 2**53), example=36000000)
    rebuffers = Member(Integer(0, 2**53), example=3)
    rebuffer_ms = Member(Integer(0, 2**53), example=4200)
    rebuffer_ratio = Member(
        Nullable(Number(0, 1)),
        description="The share of the time that players spent rebuffering.",
        example=0.0001,
    )
    errors = Member(Integer(0, 2**53), example=1)
    errors_per_hour = Member(
        Nullable(Number(0, 1e18)), description="Errors per hour played.", example=0.1
    )
    dropped = Member(Integer(0, 2**53), description="Dropped frames.", example=12)
    bitrate = Member(
        Nullable(Integer(0, 2**53)),
        description="The mean bitrate of the played streams, in bit/s.",
        example=2500000,
    )


class EndpointQoeSchema(_QoeSchema):
    """Quality of experience of the players of one endpoint."""

    endpoint = Member(
        DisplayText(),
        description="Its name, `youtube` or `cdn`; empty if the players do not know it.",
        example="edge1",
    )


class RoomQoeSchema(_QoeSchema):
    """Quality of experience of the players of a room."""

    room = Member(RoomId(), example="hall")
    generated_at = Member(Rfc3339DateTime(), example="2026-08-22T12:00:00.000Z")
    minutes = Member(Integer(1, MAX_MINUTES), example=5)
    endpoints = Member(BoundedList(EndpointQoeSchema(), 10_000, distinct=False))
