"""Sessions that have been logged out of."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.db.session import begin_writing
from streaming_system.tracker.models import EndedSession


class EndedSessions:
    """What makes a log-out hold: a session is a cookie, and cookies can be copied."""

    def __init__(self, db: Session) -> None:
        self.db = db

    def add(self, id: str, *, now: datetime, forget: datetime) -> None:  # noqa: A002
        """End a session.

        :param forget: sessions that ended before this are too old to be taken in any case.
        """
        begin_writing(self.db)
        self.db.execute(sa.delete(EndedSession).where(EndedSession.at < forget))
        self.db.merge(EndedSession(id=id, at=now))

    def has(self, id: str) -> bool:  # noqa: A002
        """Tell whether a session has ended."""
        return self.db.get(EndedSession, id) is not None
