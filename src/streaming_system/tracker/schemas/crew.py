"""Tokens, annotations and incidents, as the JSON API speaks of them."""

from collections.abc import Mapping
from typing import Any, ClassVar

import colander

from streaming_system.tracker.schemas.types import (
    Choice,
    ListOf,
    Moment,
    Name,
    OrNull,
    Record,
    RoomId,
    Text,
    Whole,
    Words,
)

SCOPES = ("room", "endpoint", "crew")


class TokenIssue(Record):
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
        Choice(*SCOPES),
        description="What it is for: any endpoint of `room`, one `endpoint` of it, or all that "
        "the crew may do.",
        example="room",
    )
    room = colander.SchemaNode(OrNull(RoomId()), missing=None, example="hall")
    endpoint = colander.SchemaNode(
        OrNull(Name()), missing=None, description="For the scope `endpoint` only.", example=None
    )

    def validator(self, node: colander.SchemaNode, wanted: dict[str, Any]) -> None:
        """Make sure that nobody believes a token to be narrower or wider than it is."""
        refusal = colander.Invalid(node)
        for name, scopes in (("room", ("room", "endpoint")), ("endpoint", ("endpoint",))):
            if (wanted[name] is not None) != (wanted["scope"] in scopes):
                refusal[name] = f"allowed with the scope {' and '.join(scopes)}, and needed there"
        if refusal.children:
            raise refusal


class Token(Record):
    """A token, without its text, of which nothing but a hash is kept."""

    id = colander.SchemaNode(Whole(1, 2**53), example=3)
    label = colander.SchemaNode(Words(), example="Encoder in the hall")
    scope = colander.SchemaNode(Choice(*SCOPES), example="room")
    room = colander.SchemaNode(OrNull(Words()), example="hall")
    endpoint = colander.SchemaNode(OrNull(Words()), example=None)
    hint = colander.SchemaNode(Words(), description="How its text begins.", example="sst_a1b2c3")
    created_at = colander.SchemaNode(Moment(), example="2026-08-21T12:00:00.000Z")
    created_by = colander.SchemaNode(Words(), example="anna")
    used_at = colander.SchemaNode(
        OrNull(Moment()), description="To the minute.", example="2026-08-22T12:00:00.000Z"
    )
    revoked_at = colander.SchemaNode(OrNull(Moment()), example=None)


class IssuedToken(Token):
    """A new token, with its text, which nobody can have again."""

    token = colander.SchemaNode(
        Words(), description="Its text.", example="sst_a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7r8s9t0u1v"
    )


class TokenList(Record):
    """All tokens, also those that have been revoked, newest first."""

    tokens = colander.SchemaNode(ListOf(Token(), 100_000, distinct=False))


class AnnotationNew(Record):
    """A word about a moment that shall be shown in graphs."""

    at = colander.SchemaNode(Moment(), example="2026-08-22T12:00:00Z")
    label = colander.SchemaNode(Text(200, least=1), example="Keynote begins")
    room = colander.SchemaNode(
        OrNull(RoomId()), missing=None, description="null: about all rooms.", example="hall"
    )


class Annotation(Record):
    """A word about a moment."""

    id = colander.SchemaNode(Whole(1, 2**53), example=7)
    at = colander.SchemaNode(Moment(), example="2026-08-22T12:00:00.000Z")
    label = colander.SchemaNode(Words(), example="Keynote begins")
    room = colander.SchemaNode(OrNull(Words()), example="hall")


class AnnotationList(Record):
    """Annotations in the order of time."""

    annotations = colander.SchemaNode(ListOf(Annotation(), 100_000, distinct=False))


class AnnotationQuery(Record):
    """Which annotations are asked for."""

    from_ = colander.SchemaNode(
        Moment(),
        name="from",
        missing=None,
        description="Only those from this moment on; seven days before `to` if not given.",
    )
    to = colander.SchemaNode(
        Moment(),
        missing=None,
        description="Only those before this moment; seven days from now if not given.",
    )
    room = colander.SchemaNode(
        RoomId(), missing=None, description="Only those of this room and those of all rooms."
    )
