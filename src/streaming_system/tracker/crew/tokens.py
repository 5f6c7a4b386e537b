"""What programs show instead of a password."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.crew.errors import CrewError, validate_single_line
from streaming_system.tracker.db.session import ensure_write_transaction
from streaming_system.tracker.models import Token

PREFIX = "sst_"
SCOPES = ("room", "endpoint", "crew")
# The prefix and six characters: enough to tell tokens apart, far too little to guess one.
HINT_CHARS = len(PREFIX) + 6
TOKEN_CHARS = len(PREFIX) + 43
LAST_USED_RESOLUTION = timedelta(minutes=1)


class Tokens:
    """The tokens. Their texts are 256 random bits, so that a plain hash keeps them safe."""

    def __init__(self, db: Session) -> None:
        self.db = db

    def issue(
        self,
        *,
        label: str,
        scope: str,
        by: str,
        now: datetime,
        room: str = "",
        endpoint: str = "",
    ) -> tuple[Token, str]:
        """Make a token, and return it with its text, which nobody can have again.

        :param scope: ``room``, ``endpoint`` or ``crew``; see :class:`Token`.
        :param by: who asked for it.
        :raises CrewError: for a label that is no line, or a scope without what belongs to it.
        """
        label = validate_single_line(label, "the label", 100)
        if scope not in SCOPES:
            raise CrewError(f"the scope is {scope!r:.40}; allowed: {', '.join(SCOPES)}")
        room = (
            validate_single_line(room, "the room", 64)
            if scope != "crew"
            else _require_empty(room, "room", scope)
        )
        endpoint = (
            validate_single_line(endpoint, "the endpoint", 64)
            if scope == "endpoint"
            else _require_empty(endpoint, "endpoint", scope)
        )
        ensure_write_transaction(self.db)
        text = PREFIX + secrets.token_urlsafe(32)
        token = Token(
            label=label,
            scope=scope,
            room=room,
            endpoint=endpoint,
            hash=_hash_token(text),
            hint=text[:HINT_CHARS],
            created_at=now,
            created_by=by,
        )
        self.db.add(token)
        self.db.flush()
        return token, text

    def authenticate(self, text: str, *, now: datetime) -> Token | None:
        """Return the token with this text, unless there is none or it has been revoked."""
        if not (text.startswith(PREFIX) and len(text) == TOKEN_CHARS and text.isascii()):
            return None
        # Who shows a token has something to report: its transaction writes.
        ensure_write_transaction(self.db)
        token = self.db.scalar(
            sa.select(Token).where(Token.hash == _hash_token(text), Token.revoked_at.is_(None))
        )
        # To the minute is enough, and spares a write for every report.
        if token and (token.used_at is None or token.used_at <= now - LAST_USED_RESOLUTION):
            token.used_at = now
        return token

    def all(self) -> Sequence[Token]:
        """Return all tokens, also those that have been revoked, newest first."""
        return self.db.scalars(
            sa.select(Token).order_by(Token.created_at.desc(), Token.id.desc())
        ).all()

    def get(self, id: int) -> Token | None:  # noqa: A002 - It is the column's name.
        """Return a token by its number."""
        return self.db.get(Token, id)

    def revoke(self, id: int, *, now: datetime) -> bool:  # noqa: A002
        """Refuse a token from now on; tell whether it was good until now."""
        ensure_write_transaction(self.db)
        return bool(
            self.db.execute(
                sa.update(Token)
                .where(Token.id == id, Token.revoked_at.is_(None))
                .values(revoked_at=now)
                .returning(Token.id)
            ).first()
        )


def _hash_token(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _require_empty(value: str, what: str, scope: str) -> str:
    """Make sure that nobody believes a token to be narrower than it is."""
    if value.strip():
        raise CrewError(f"a token for the scope {scope} has no {what}")
    return ""
