"""Tokens, with which programs authenticate."""

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
SCOPES = ("room", "endpoint", "crew", "publish", "captions")
# The prefix and six characters: enough to recognise a token, too little to guess one.
HINT_CHARS = len(PREFIX) + 6
TOKEN_CHARS = len(PREFIX) + 43
LAST_USED_RESOLUTION = timedelta(minutes=1)


class Tokens:
    """The tokens. Their texts are 256 random bits, so an unsalted hash is safe."""

    def __init__(self, db: Session) -> None:
        self.db = db

    def issue(
        self,
        *,
        label: str,
        scope: str,
        created_by: str,
        now: datetime,
        room: str = "",
        endpoint: str = "",
    ) -> tuple[Token, str]:
        """Create a token; return it with its text, which is not stored.

        :param scope: one of :data:`SCOPES`; see :class:`Token`.
        :param created_by: the name of the account.
        :raises CrewError: for an invalid label, scope, room or endpoint.
        """
        label = validate_single_line(label, "the label", 100)
        if scope not in SCOPES:
            raise CrewError(f"the scope is {scope!r:.40}; allowed: {', '.join(SCOPES)}")
        if scope in ("crew", "publish"):
            _require_empty(room, "room", scope)
        else:
            room = validate_single_line(room, "the room", 64)
        if scope == "endpoint":
            endpoint = validate_single_line(endpoint, "the endpoint", 64)
        else:
            _require_empty(endpoint, "endpoint", scope)
        ensure_write_transaction(self.db)
        text = PREFIX + secrets.token_urlsafe(32)
        token = Token(
            label=label,
            scope=scope,
            room=room.strip(),
            endpoint=endpoint.strip(),
            hash=_hash_token(text),
            hint=text[:HINT_CHARS],
            created_at=now,
            created_by=created_by,
        )
        self.db.add(token)
        self.db.flush()
        return token, text

    def authenticate(self, text: str, *, now: datetime) -> Token | None:
        """Return the token with a text; ``None`` if it does not exist or was revoked."""
        if not (text.startswith(PREFIX) and len(text) == TOKEN_CHARS and text.isascii()):
            return None
        # Clients with a token send reports, so the transaction will write.
        ensure_write_transaction(self.db)
        token = self.db.scalar(
            sa.select(Token).where(Token.hash == _hash_token(text), Token.revoked_at.is_(None))
        )
        return self._record_use(token, now)

    def use(self, token_id: int, *, now: datetime) -> Token | None:
        """Return the token with an id, whose holder has signed a request.

        :return: ``None`` if it does not exist or was revoked.
        """
        ensure_write_transaction(self.db)
        token = self.db.get(Token, token_id)
        return self._record_use(token if token and token.revoked_at is None else None, now)

    def _record_use(self, token: Token | None, now: datetime) -> Token | None:
        # The resolution saves a write per report.
        if token and (token.used_at is None or token.used_at <= now - LAST_USED_RESOLUTION):
            token.used_at = now
        return token

    def all(self) -> Sequence[Token]:
        """Return all tokens including revoked ones, newest first."""
        return self.db.scalars(
            sa.select(Token).order_by(Token.created_at.desc(), Token.id.desc())
        ).all()

    def get(self, token_id: int) -> Token | None:
        """Return a token by id."""
        return self.db.get(Token, token_id)

    def revoke(self, token_id: int, *, now: datetime) -> bool:
        """Revoke a token; return whether it was valid before."""
        ensure_write_transaction(self.db)
        return bool(
            self.db.execute(
                sa.update(Token)
                .where(Token.id == token_id, Token.revoked_at.is_(None))
                .values(revoked_at=now)
                .returning(Token.id)
            ).first()
        )


def _hash_token(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _require_empty(value: str, field: str, scope: str) -> None:
    """Reject a value that would not restrict the token."""
    if value.strip():
        raise CrewError(f"a token for the scope {scope} has no {field}")
