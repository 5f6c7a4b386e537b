"""API schemas of reminders."""

from collections.abc import Callable
from typing import Any

from streaming_system.tracker.models.reminder import MAX_PUSH_URL_CHARS
from streaming_system.tracker.reminders.subscriptions import (
    MAX_ROOMS,
    MAX_TALKS,
    parse_auth_secret,
    parse_public_key,
)
from streaming_system.tracker.schemas.types import ApiSchema, BoundedList, DisplayText, Member
from streaming_system.util.validation import RoomId, Text

_KEY = "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM"
_TALK_ID = Text(270, min_length=1, pattern="^[A-Za-z0-9_-]{1,270}$", allowed="the id of a talk")


class PublicKey(Text):
    """A public key of P-256."""

    def __init__(self) -> None:
        super().__init__(
            88,
            min_length=87,
            pattern="^[A-Za-z0-9_-]{87}=?$",
            allowed="the key p256dh of a PushSubscription",
        )

    def is_valid(self, value: Any) -> bool:
        return super().is_valid(value) and _can_parse(parse_public_key, value)


class AuthSecret(Text):
    """The secret of a subscription."""

    def __init__(self) -> None:
        super().__init__(
            24,
            min_length=22,
            pattern="^[A-Za-z0-9_-]{22}(==)?$",
            allowed="the key auth of a PushSubscription",
        )

    def is_valid(self, value: Any) -> bool:
        return super().is_valid(value) and _can_parse(parse_auth_secret, value)


def _can_parse(parse: Callable[[str], str], value: str) -> bool:
    try:
        parse(value)
    except ValueError:
        return False
    return True


class PushKeySchema(ApiSchema):
    """The key that browsers subscribe with."""

    key = Member(DisplayText(), description="The `applicationServerKey`, base64url.", example=_KEY)


class PushKeysSchema(ApiSchema):
    """The keys of a `PushSubscription`."""

    p256dh = Member(PublicKey(), description="The public key.", example=_KEY)
    auth = Member(AuthSecret(), description="The secret.", example="8eDyX_uCN0XRhSbY5hs7Hg")


class RemindersSchema(ApiSchema):
    """All reminders of a browser."""

    endpoint = Member(
        Text(
            MAX_PUSH_URL_CHARS,
            min_length=12,
            pattern="^https://[!-~]{4,992}$",
            allowed=f"an https address of at most {MAX_PUSH_URL_CHARS} characters",
        ),
        description="The address of the `PushSubscription`.",
        example="https://fcm.googleapis.com/fcm/send/dGhlLWJyb3dzZXI",
    )
    keys = PushKeysSchema(description="The keys of the `PushSubscription`.")
    talks = Member(
        BoundedList(_TALK_ID, MAX_TALKS),
        missing=(),
        description="The ids of talks, with the prefix of their conference.",
        example=["b3a1f0c2"],
    )
    rooms = Member(
        BoundedList(RoomId(), MAX_ROOMS),
        missing=(),
        description="The ids of rooms.",
        example=["hall"],
    )


class StoredRemindersSchema(ApiSchema):
    """The reminders that are stored."""

    talks = Member(BoundedList(_TALK_ID, MAX_TALKS), description="The talks.", example=["b3a1f0c2"])
    rooms = Member(BoundedList(RoomId(), MAX_ROOMS), description="The rooms.", example=["hall"])
