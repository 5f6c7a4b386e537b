"""Tokens, annotations and incidents, as the JSON API speaks of them."""

from collections.abc import Mapping
from typing import Any, ClassVar

import colander

from streaming_system.tracker.schemas.types import (
    ApiSchema,
    BoundedInteger,
    BoundedList,
    Choice,
    DisplayText,
    Identifier,
    Nullable,
    Rfc3339DateTime,
    RoomId,
    Text,
)

TOKEN_SCOPES = ("room", "endpoint", "crew")


class TokenCreateSchema(ApiSchema):
    """A token that shall be made."""

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
            )
        ]
    }

    label = colander.SchemaNode(
        Text(100, least=1), description="Whose it is, for people.", example="Encoder in the hall"
    )
    scope = colander.SchemaNode(
        Choice(*TOKEN_SCOPES),
        description="What it is for: any endpoint of `room`, one `endpoint` of it, or all that "
        "the crew may do.",
        example="room",
    )
    room = colander.SchemaNode(Nullable(RoomId()), missing=None, example="hall")
    endpoint = colander.SchemaNode(
        Nullable(Identifier()),
        missing=None,
        description="For the scope `endpoint` only.",
        example=None,
    )

    def validator(self, node: colander.SchemaNode, wanted: dict[str, Any]) -> None:
        """Make sure that nobody believes a token to be narrower or wider than it is."""
        refusal = colander.Invalid(node)
        for name, scopes in (("room", ("room", "endpoint")), ("endpoint", ("endpoint",))):
            if (wanted[name] is not None) != (wanted["scope"] in scopes):
                refusal[name] = f"allowed with the scope {' and '.join(scopes)}, and needed there"
        if refusal.children:
            raise refusal


class TokenSchema(ApiSchema):
    """A token, without its text, of which nothing but a hash is kept."""

    id = colander.SchemaNode(BoundedInteger(1, 2**53), example=3)
    label = colander.SchemaNode(DisplayText(), example="Encoder in the hall")
    scope = colander.SchemaNode(Choice(*TOKEN_SCOPES), example="room")
    room = colander.SchemaNode(Nullable(DisplayText()), example="hall")
    endpoint = colander.SchemaNode(Nullable(DisplayText()), example=None)
    hint = colander.SchemaNode(
        DisplayText(), description="How its text begins.", example="sst_a1b2c3"
    )
    created_at = colander.SchemaNode(Rfc3339DateTime(), example="2026-08-21T12:00:00.000Z")
    created_by = colander.SchemaNode(DisplayText(), example="anna")
    used_at = colander.SchemaNode(
        Nullable(Rfc3339DateTime()),
        description="To the minute.",
        example="2026-08-22T12:00:00.000Z",
    )
    revoked_at = colander.SchemaNode(Nullable(Rfc3339DateTime()), example=None)


class IssuedTokenSchema(TokenSchema):
    """A new token, with its text, which nobody can have again."""

    token = colander.SchemaNode(
        DisplayText(),
        description="Its text.",
        example="sst_a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7r8s9t0u1v",
    )


class TokenListSchema(ApiSchema):
    """All tokens, also those that have been revoked, newest first."""

    tokens = colander.SchemaNode(BoundedList(TokenSchema(), 100_000, distinct=False))


class AnnotationCreateSchema(ApiSchema):
    """A word about a moment that shall be shown in graphs."""

    at = colander.SchemaNode(Rfc3339DateTime(), example="2026-08-22T12:00:00Z")
    label = colander.SchemaNode(Text(200, least=1), example="Keynote begins")
    room = colander.SchemaNode(
        Nullable(RoomId()), missing=None, description="null: about all rooms.", example="hall"
    )


class AnnotationSchema(ApiSchema):
    """A word about a moment."""

    id = colander.SchemaNode(BoundedInteger(1, 2**53), example=7)
    at = colander.SchemaNode(Rfc3339DateTime(), example="2026-08-22T12:00:00.000Z")
    label = colander.SchemaNode(DisplayText(), example="Keynote begins")
    room = colander.SchemaNode(Nullable(DisplayText()), example="hall")


class AnnotationListSchema(ApiSchema):
    """Annotations in the order of time."""

    annotations = colander.SchemaNode(BoundedList(AnnotationSchema(), 100_000, distinct=False))


class AnnotationQuerySchema(ApiSchema):
    """Which annotations are asked for."""

    from_ = colander.SchemaNode(
        Rfc3339DateTime(),
        name="from",
        missing=None,
        description="Only those from this moment on; seven days before `to` if not given.",
    )
    to = colander.SchemaNode(
        Rfc3339DateTime(),
        missing=None,
        description="Only those before this moment; seven days from now if not given.",
    )
    room = colander.SchemaNode(
        RoomId(), missing=None, description="Only those of this room and those of all rooms."
    )
