"""Words about moments, shown in graphs."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.models import Annotation


class Annotations:
    """What the crew has noted."""

    def __init__(self, db: Session) -> None:
        self.db = db

    def between(
        self, begin: datetime, end: datetime, room: str | None = None
    ) -> Sequence[Annotation]:
        """Return what was noted about a span, oldest first.

        :param room: only what is about this room, or about all.
        """
        query = sa.select(Annotation).where(Annotation.at >= begin, Annotation.at <= end)
        if room is not None:
            query = query.where(Annotation.room.in_(("", room)))
        return self.db.scalars(query.order_by(Annotation.at, Annotation.id)).all()
