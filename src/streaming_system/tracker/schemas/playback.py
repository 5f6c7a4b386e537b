"""What players say of themselves. Names and units are CMCD's (CTA-5004-A) where it has them."""

from typing import Any

import colander

from streaming_system.tracker.schemas.types import Choice, Flag, OrNull, Record, Text, Whole

CMCD_VERSION = 2
FORMATS = ("hls", "dash", "webm", "ogg", "opus", "mp3", "aac", "mp4", "flv", "ts", "whep", "rtmp")
# CMCD knows formats of segments only; all others are "o".
STREAMING_FORMATS = {"h": "hls", "d": "dash"}
# CMCD's states of a player: it has ended, failed for good, or was left.
GONE = frozenset("efq")

LONGEST = 31 * 24 * 3600 * 1000
LONGEST_STARTUP = 600_000
FASTEST = 10_000_000


def _total(most: int, description: str, example: int) -> colander.SchemaNode:
    return colander.SchemaNode(Whole(0, most), missing=0, description=description, example=example)


class PlaybackReport(Record):
    """What a player says of itself: totals since it began, so that a lost report loses nothing."""

    v = colander.SchemaNode(
        Whole(CMCD_VERSION, CMCD_VERSION),
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
        OrNull(Choice("d", "h", "e", "s", "o")),
        missing=None,
        description="The streaming format; `format` says more.",
        example="h",
    )
    format = colander.SchemaNode(
        OrNull(Choice(*FORMATS)), missing=None, description="The stream's format.", example="hls"
    )
    quality = colander.SchemaNode(
        Text(32, pattern="^[A-Za-z0-9._:-]{0,32}$", allowed="at most 32 of A-Z a-z 0-9 . _ : -"),
        missing="",
        description="Which of the stream's qualities.",
        example="high",
    )
    br = colander.SchemaNode(
        OrNull(Whole(0, FASTEST)),
        missing=None,
        description="The stream's bitrate, in kbit/s.",
        example=2500,
    )
    msd = colander.SchemaNode(
        OrNull(Whole(0, LONGEST_STARTUP)),
        missing=None,
        description="Milliseconds from the wish to play until it played.",
        example=820,
    )
    played = _total(LONGEST, "For how long it has played, in milliseconds.", 61_250)
    bsa = _total(10**6, "How often it stood still for want of data.", 1)
    bsda = _total(LONGEST, "For how long it stood still for want of data, in milliseconds.", 1_400)
    dfa = _total(10**9, "Frames that it has dropped.", 12)
    errors = _total(10**6, "Errors that ended its playing.", 0)
    sta = colander.SchemaNode(
        Choice(*"spkraefqd"),
        missing="p",
        description="Its state; with `e`, `f` and `q` it is gone until it plays on.",
        example="p",
    )
    bg = colander.SchemaNode(
        Flag(), missing=False, description="That nobody sees it at the moment.", example=False
    )


def is_gone(report: dict[str, Any]) -> bool:
    """Tell whether a report is a player's goodbye."""
    return report["sta"] in GONE
