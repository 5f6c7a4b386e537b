"""API schemas of stream keys."""

from streaming_system.tracker.schemas.types import ApiSchema, BoundedList, DisplayText, Member
from streaming_system.util.validation import Integer, Nullable, Rfc3339DateTime, RoomId, Text


class StreamKeyCreateSchema(ApiSchema):
    """A stream key to be created."""

    room = Member(RoomId(), example="hall")
    label = Member(
        Text(100, min_length=1), description="Its purpose, for people.", example="OBS in the hall"
    )
    expires_at = Member(
        Nullable(Rfc3339DateTime()),
        missing=None,
        description="Its end; null if it is valid until it is revoked.",
        example=None,
    )


class StreamKeySchema(ApiSchema):
    """A stream key without its text; the tracker stores a hash of the text only."""

    id = Member(Integer(1, 2**53), example=3)
    room = Member(DisplayText(), example="hall")
    label = Member(DisplayText(), example="OBS in the hall")
    hint = Member(
        DisplayText(), description="The first characters of its text.", example="ssk_a1b2c3"
    )
    created_at = Member(Rfc3339DateTime(), example="2026-08-21T12:00:00.000Z")
    created_by = Member(DisplayText(), example="anna")
    expires_at = Member(Nullable(Rfc3339DateTime()), example=None)
    used_at = Member(
        Nullable(Rfc3339DateTime()),
        description="To the minute.",
        example="2026-08-22T12:00:00.000Z",
    )
    revoked_at = Member(Nullable(Rfc3339DateTime()), example=None)


class EncoderFieldSchema(ApiSchema):
    """A field in the settings of an encoder."""

    name = Member(DisplayText(), example="Server")
    value = Member(DisplayText(), example="rtmp://ingest.example.org/live")


class EncoderGuideSchema(ApiSchema):
    """What an operator types into one encoder."""

    encoder = Member(DisplayText(), example="OBS")
    fields = Member(BoundedList(EncoderFieldSchema(), 20, distinct=False))


class CreatedStreamKeySchema(StreamKeySchema):
    """A new stream key with its text, which cannot be retrieved again."""

    key = Member(
        DisplayText(),
        description="Its text.",
        example="ssk_a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7r8s9t0u1v",
    )
    encoders = Member(
        BoundedList(EncoderGuideSchema(), 20, distinct=False),
        description="What to type into encoders; none without the ini keys `ingest.…`.",
    )


class StreamKeyListSchema(ApiSchema):
    """All stream keys including revoked ones, newest first."""

    stream_keys = Member(BoundedList(StreamKeySchema(), 100_000, distinct=False))
