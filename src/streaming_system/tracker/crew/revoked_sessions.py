"""Sessions that have been logged out of."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.db.session import ensure_write_transaction
from streaming_system.tracker.models import RevokedSession


class RevokedSessions:
    """What makes a log-out hold: a session is a cookie, and cookies can be copied."""

    def __init__(self, db: Session) -> None:
        self.db = db

    def add(self, id: str, *, now: datetime, forget: datetime) -> None:  # noqa: A002
        """End a session.

        :param forget: sessions that ended before this are too old to be taken in any case.
        """
        ensure_write_transaction(self.db)
        self.db.execute(sa.delete(RevokedSession).where(RevokedSession.at < forget))
        self.db.merge(RevokedSession(id=id, at=now))

    def has(self, id: str) -> bool:  # noqa: A002
        """Tell whether a session has ended."""
        return self.db.get(RevokedSession, id) is not None
