"""API schemas of tokens and annotations."""

from collections.abc import Mapping
from typing import Any, ClassVar

import colander

from streaming_system.tracker.schemas.types import ApiSchema, BoundedList, DisplayText, Member
from streaming_system.util.validation import (
    Choice,
    Identifier,
    Integer,
    Nullable,
    Rfc3339DateTime,
    RoomId,
    Text,
)

TOKEN_SCOPES = ("room", "endpoint", "crew", "publish", "captions")


class TokenCreateSchema(ApiSchema):
    """A token to be issued."""

    also: ClassVar[Mapping[str, Any]] = {
        "oneOf": [
            {
                "properties": {
                    "scope": {"const": scope},
                    "room": {"type": room},
                    "endpoint": {"type": endpoint},
                },
                "required": needed,
            }
            for scope, room, endpoint, needed in (
                ("room", "string", "null", ["room"]),
                ("endpoint", "string", "string", ["room", "endpoint"]),
                ("crew", "null", "null", []),
                ("publish", "null", "null", []),
                ("captions", "string", "null", ["room"]),
            )
        ]
    }

    label = Member(
        Text(100, min_length=1), description="The owner, for people.", example="Encoder in the hall"
    )
    scope = Member(
        Choice(*TOKEN_SCOPES),
        description="What it covers: all endpoints of `room`, one `endpoint` of it, all operations "
        "of the crew, the hooks that streaming servers ask whether an encoder may publish, or the "
        "captions of `room`.",
        example="room",
    )
    room = Member(Nullable(RoomId()), missing=None, example="hall")
    endpoint = Member(
        Nullable(Identifier()),
        missing=None,
        description="For the scope `endpoint` only.",
        example=None,
    )

    def validator(self, node: colander.SchemaNode, token: dict[str, Any]) -> None:
        """Refuse a room or an endpoint that the scope ignores: the token would cover more."""
        invalid = colander.Invalid(node)
        for name, scopes in (
            ("room", ("room", "endpoint", "captions")),
            ("endpoint", ("endpoint",)),
        ):
            if (token[name] is not None) != (token["scope"] in scopes):
                invalid[name] = f"allowed with the scope {' and '.join(scopes)}, and needed there"
        if invalid.children:
            raise invalid


class TokenSchema(ApiSchema):
    """A token without its text; the tracker stores a hash of the text only."""

    id = Member(Integer(1, 2**53), example=3)
    label = Member(DisplayText(), example="Encoder in the hall")
    scope = Member(Choice(*TOKEN_SCOPES), example="room")
    room = Member(Nullable(DisplayText()), example="hall")
    endpoint = Member(Nullable(DisplayText()), example=None)
    hint = Member(
        DisplayText(), description="The first characters of its text.", example="sst_a1b2c3"
    )
    created_at = Member(Rfc3339DateTime(), example="2026-08-21T12:00:00.000Z")
    created_by = Member(DisplayText(), example="anna")
    used_at = Member(
        Nullable(Rfc3339DateTime()),
        description="To the minute.",
        example="2026-08-22T12:00:00.000Z",
    )
    revoked_at = Member(Nullable(Rfc3339DateTime()), example=None)


class IssuedTokenSchema(TokenSchema):
    """A new token with its text, which cannot be retrieved again."""

    token = Member(
        DisplayText(),
        description="Its text.",
        example="sst_a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7r8s9t0u1v",
    )


class TokenListSchema(ApiSchema):
    """All tokens including revoked ones, newest first."""

    tokens = Member(BoundedList(TokenSchema(), 100_000, distinct=False))


class AnnotationCreateSchema(ApiSchema):
    """An annotation to be added: a label at a time, shown in graphs."""

    at = Member(Rfc3339DateTime(), example="2026-08-22T12:00:00Z")
    label = Member(Text(200, min_length=1), example="Keynote begins")
    room = Member(
        Nullable(RoomId()),
        missing=None,
        description="The room; null for all rooms.",
        example="hall",
    )


class AnnotationSchema(ApiSchema):
    """A label at a time."""

    id = Member(Integer(1, 2**53), example=7)
    at = Member(Rfc3339DateTime(), example="2026-08-22T12:00:00.000Z")
    label = Member(DisplayText(), example="Keynote begins")
    room = Member(Nullable(DisplayText()), example="hall")


class AnnotationListSchema(ApiSchema):
    """Annotations in chronological order."""

    annotations = Member(BoundedList(AnnotationSchema(), 100_000, distinct=False))


class AnnotationQuerySchema(ApiSchema):
    """The time range and room of the annotations."""

    from_ = Member(
        Rfc3339DateTime(),
        name="from",
        missing=None,
        description="The start of the range, inclusive; default: seven days before `to`.",
    )
    to = Member(
        Rfc3339DateTime(),
        missing=None,
        description="The end of the range, exclusive; default: seven days from now.",
    )
    room = Member(
        RoomId(), missing=None, description="Annotations of this room and of all rooms only."
    )
