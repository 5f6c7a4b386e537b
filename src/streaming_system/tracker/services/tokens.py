"""What programs show instead of a password."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.models import Token

PREFIX = "sst_"


class Tokens:
    """The tokens; of each only a hash is kept."""

    def __init__(self, db: Session) -> None:
        self.db = db

    def issue(
        self, *, label: str, scope: str, room: str = "", endpoint: str = "", by: str, now: datetime
    ) -> tuple[Token, str]:
        """Make a token; return it, and its text, which nobody can see again."""
        self.db.connection(execution_options={"sqlite_immediate": True})
        text = PREFIX + secrets.token_urlsafe(32)
        token = Token(
            label=label,
            scope=scope,
            room=room,
            endpoint=endpoint,
            hash=_hash(text),
            hint=text[:8],
            created_at=now,
            created_by=by,
        )
        self.db.add(token)
        self.db.flush()
        return token, text

    def authenticate(self, text: str, *, now: datetime) -> Token | None:
        """Return the token of this text, unless it is unknown or revoked."""
        token = self.db.scalar(
            sa.select(Token).where(Token.hash == _hash(text), Token.revoked_at.is_(None))
        )
        if token and (token.used_at is None or token.used_at < now - timedelta(minutes=1)):
            token.used_at = now
        return token

    def all(self) -> Sequence[Token]:
        """Return every token, newest first."""
        return self.db.scalars(sa.select(Token).order_by(Token.id.desc())).all()

    def revoke(self, id: int, *, now: datetime) -> bool:  # noqa: A002
        """End a token; tell whether it was valid."""
        self.db.connection(execution_options={"sqlite_immediate": True})
        found = self.db.execute(
            sa.update(Token)
            .where(Token.id == id, Token.revoked_at.is_(None))
            .values(revoked_at=now)
            .returning(Token.id)
        ).first()
        return found is not None


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
