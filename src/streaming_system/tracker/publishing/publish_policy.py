"""Decides whether an encoder may publish a room."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from streaming_system.tracker.publishing.publish_request import PublishRequest
from streaming_system.tracker.publishing.stream_keys import StreamKeys


@dataclass(frozen=True, kw_only=True)
class PublishDecision:
    """Whether an encoder may publish.

    :param reason: why it may not, in one line without names and keys.
    :param key_id: the stream key that allows it; ``None`` for a room that needs none.
    """

    is_allowed: bool
    reason: str = ""
    key_id: int | None = None


class PublishPolicy:
    """The rule of this site.

    :param rooms: the ids of all rooms.
    :param is_open: whether a room that has never had a key accepts every encoder.
    """

    def __init__(self, db: Session, rooms: Collection[str], *, is_open: bool) -> None:
        self._keys = StreamKeys(db)
        self._rooms, self._is_open = rooms, is_open

    def decide(self, request: PublishRequest, *, now: datetime) -> PublishDecision:
        """Return whether the encoder may publish. The database is not changed."""
        if request.room not in self._rooms:
            return _refusal("the name of the stream is not the id of a room")
        if not self._keys.is_protected(request.room):
            if self._is_open:
                return PublishDecision(is_allowed=True)
            return _refusal("the room has no stream key yet")
        if not request.keys:
            return _refusal("the stream key is missing")
        matches = [self._keys.find(request.room, key, now=now) for key in request.keys]
        for match in matches:
            if match is not None:
                return PublishDecision(is_allowed=True, key_id=match.id)
        return _refusal("the stream key is not valid for this room")


def _refusal(reason: str) -> PublishDecision:
    return PublishDecision(is_allowed=False, reason=reason)
