"""Revoked sessions."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.db.session import ensure_write_transaction
from streaming_system.tracker.models import RevokedSession


class RevokedSessions:
    """The sessions that ended with a log-out. A session is a cookie, which can be copied."""

    def __init__(self, db: Session) -> None:
        self.db = db

    def revoke(self, session_id: str, *, now: datetime, expired_before: datetime) -> None:
        """Revoke a session, and delete those that have expired.

        :param expired_before: sessions that were revoked before this time are expired anyway.
        """
        ensure_write_transaction(self.db)
        self.db.execute(sa.delete(RevokedSession).where(RevokedSession.at < expired_before))
        self.db.merge(RevokedSession(id=session_id, at=now))

    def is_revoked(self, session_id: str) -> bool:
        """Return whether a session was revoked."""
        return self.db.get(RevokedSession, session_id) is not None
