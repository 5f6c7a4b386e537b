"""The schema of what an encoder sends to an endpoint."""

import colander

from streaming_system.tracker.schemas.types import (
    ApiSchema,
    Member,
)
from streaming_system.util.validation import (
    MAX_BITRATE,
    Identifier,
    Integer,
    Number,
    Rfc3339DateTime,
    Text,
)

MAX_FRAME_RATE = 1000
MAX_KEYFRAME_INTERVAL = 3600


class StreamIngestSchema(ApiSchema):
    """What an encoder sends for one stream, as far as the server or the agent knows."""

    stream = Member(
        Identifier(), description="A format, or a format with its quality.", example="hls"
    )
    bitrate = Member(
        Integer(0, MAX_BITRATE), missing=colander.drop, description="In bit/s.", example=3100000
    )
    frame_rate = Member(
        Number(0, MAX_FRAME_RATE),
        missing=colander.drop,
        description="Frames per second that arrive.",
        example=24.9,
    )
    nominal_frame_rate = Member(
        Number(0, MAX_FRAME_RATE),
        missing=colander.drop,
        description="Frames per second that the encoder announces.",
        example=25,
    )
    keyframe_interval = Member(
        Number(0, MAX_KEYFRAME_INTERVAL),
        missing=colander.drop,
        description="The longest time between two keyframes, in seconds.",
        example=2,
    )
    width = Member(Integer(0, 100_000), missing=colander.drop, example=1280)
    height = Member(Integer(0, 100_000), missing=colander.drop, example=720)
    dropped = Member(
        Integer(0, 10**12),
        missing=colander.drop,
        description="Frames or packets lost since `since`.",
        example=0,
    )
    codec = Member(Text(100), missing=colander.drop, example="H264, AAC")
    since = Member(
        Rfc3339DateTime(),
        missing=colander.drop,
        description="The start of the stream.",
        example="2026-08-22T09:00:00.000Z",
    )
