"""Annotations of graphs."""

from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.crew.errors import CrewError, validate_single_line
from streaming_system.tracker.db.session import ensure_write_transaction
from streaming_system.tracker.models import Annotation

# Databases and clients differ in their range of times; no graph shows others.
MIN_TIME = datetime(2000, 1, 1, tzinfo=UTC)
MAX_TIME = datetime(2100, 1, 1, tzinfo=UTC)


class Annotations:
    """The annotations: each one labels a time."""

    def __init__(self, db: Session) -> None:
        self.db = db

    def add(self, *, at: datetime, label: str, created_by: str, room: str = "") -> Annotation:
        """Add an annotation.

        :param room: the room; "" for all.
        :param created_by: the name of the account.
        :raises CrewError: for an invalid label or time.
        """
        label = validate_single_line(label, "the label", 200)
        if not MIN_TIME <= at < MAX_TIME:
            raise CrewError("the time is not within the years 2000 to 2099")
        ensure_write_transaction(self.db)
        annotation = Annotation(at=at, label=label, room=room, created_by=created_by)
        self.db.add(annotation)
        self.db.flush()
        return annotation

    def between(
        self, begin: datetime, end: datetime, room: str | None = None
    ) -> Sequence[Annotation]:
        """Return the annotations from ``begin`` until before ``end``, in chronological order.

        :param room: only those of this room and those of all rooms.
        """
        query = sa.select(Annotation).where(Annotation.at >= begin, Annotation.at < end)
        if room is not None:
            query = query.where(Annotation.room.in_((room, "")))
        return self.db.scalars(query.order_by(Annotation.at, Annotation.id)).all()

    def latest(self, limit: int = 200) -> Sequence[Annotation]:
        """Return the latest annotations, latest first."""
        return self.db.scalars(
            sa.select(Annotation).order_by(Annotation.at.desc(), Annotation.id.desc()).limit(limit)
        ).all()

    def get(self, annotation_id: int) -> Annotation | None:
        """Return an annotation by id."""
        return self.db.get(Annotation, annotation_id)

    def remove(self, annotation_id: int) -> bool:
        """Delete an annotation; return whether it existed."""
        ensure_write_transaction(self.db)
        return bool(
            self.db.execute(
                sa.delete(Annotation).where(Annotation.id == annotation_id).returning(Annotation.id)
            ).first()
        )
