"""Stream keys, with which encoders publish a room."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.crew.errors import CrewError, validate_single_line
from streaming_system.tracker.db.session import ensure_write_transaction
from streaming_system.tracker.models import StreamKey

PREFIX = "ssk_"
# The prefix and six characters: enough to recognise a key, too little to guess one.
HINT_CHARS = len(PREFIX) + 6
# The old key and the new one, while encoders change from one to the other.
MAX_VALID_KEYS = 2
LAST_USED_RESOLUTION = timedelta(minutes=1)


class StreamKeys:
    """The stream keys. Their texts are 256 random bits, so an unsalted hash is safe."""

    def __init__(self, db: Session) -> None:
        self.db = db

    def create(
        self, *, room: str, label: str, expires_at: datetime | None, created_by: str, now: datetime
    ) -> tuple[StreamKey, str]:
        """Create a key of a room; return it with its text, which is not stored.

        :param created_by: the name of the account.
        :raises CrewError: if the label or the time is invalid, or the room has enough valid keys.
        """
        label = validate_single_line(label, "the label", 100)
        if expires_at is not None and expires_at <= now:
            raise CrewError("the key would have expired already; allowed: a time in the future")
        ensure_write_transaction(self.db)
        if len(self._valid(room, now)) >= MAX_VALID_KEYS:
            raise CrewError(
                f"the room {room} has {MAX_VALID_KEYS} valid stream keys already; revoke one first"
            )
        text = PREFIX + secrets.token_urlsafe(32)
        key = StreamKey(
            room=room,
            label=label,
            hash=_hash_key(text),
            hint=text[:HINT_CHARS],
            created_at=now,
            created_by=created_by,
            expires_at=expires_at,
        )
        self.db.add(key)
        self.db.flush()
        return key, text

    def find(self, room: str, text: str, *, now: datetime) -> StreamKey | None:
        """Return the valid key of a room with a text. The time does not depend on the text."""
        digest = _hash_key(text)
        matching = None
        for key in self._valid(room, now):
            if hmac.compare_digest(key.hash, digest):
                matching = key
        return matching

    def is_protected(self, room: str) -> bool:
        """Return whether a room has ever had a key: it stays closed when its last key ends."""
        return bool(self.db.scalar(sa.select(sa.exists().where(StreamKey.room == room))))

    def record_use(self, key_id: int, *, now: datetime) -> None:
        """Store the time of a use, to the minute, which saves a write per reconnection."""
        ensure_write_transaction(self.db)
        self.db.execute(
            sa.update(StreamKey)
            .where(
                StreamKey.id == key_id,
                sa.or_(
                    StreamKey.used_at.is_(None), StreamKey.used_at <= now - LAST_USED_RESOLUTION
                ),
            )
            .values(used_at=now)
        )

    def all(self, room: str = "") -> Sequence[StreamKey]:
        """Return all keys, or those of a room, including revoked ones, newest first."""
        query = sa.select(StreamKey).order_by(StreamKey.created_at.desc(), StreamKey.id.desc())
        return self.db.scalars(query.where(StreamKey.room == room) if room else query).all()

    def get(self, key_id: int) -> StreamKey | None:
        """Return a key by id."""
        return self.db.get(StreamKey, key_id)

    def revoke(self, key_id: int, *, now: datetime) -> bool:
        """Revoke a key; return whether it was not revoked before."""
        ensure_write_transaction(self.db)
        return bool(
            self.db.execute(
                sa.update(StreamKey)
                .where(StreamKey.id == key_id, StreamKey.revoked_at.is_(None))
                .values(revoked_at=now)
                .returning(StreamKey.id)
            ).first()
        )

    def _valid(self, room: str, now: datetime) -> Sequence[StreamKey]:
        return self.db.scalars(
            sa.select(StreamKey).where(
                StreamKey.room == room,
                StreamKey.revoked_at.is_(None),
                sa.or_(StreamKey.expires_at.is_(None), StreamKey.expires_at > now),
            )
        ).all()


def _hash_key(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
