"""What the crew wrote beside the graphs."""

from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.crew.errors import CrewError, validate_single_line
from streaming_system.tracker.db.session import ensure_write_transaction
from streaming_system.tracker.models import Annotation

# Nothing that a graph could show; databases and clocks differ in what they take beyond.
MIN_TIME = datetime(2000, 1, 1, tzinfo=UTC)
MAX_TIME = datetime(2100, 1, 1, tzinfo=UTC)


class Annotations:
    """The annotations: a word about a moment each."""

    def __init__(self, db: Session) -> None:
        self.db = db

    def add(self, *, at: datetime, label: str, by: str, room: str = "") -> Annotation:
        """Write a word about a moment.

        :param room: the room that it is about; "" for all.
        :param by: who wrote it.
        :raises CrewError: for a label that is no line, or a moment out of reach.
        """
        label = validate_single_line(label, "the label", 200)
        if not MIN_TIME <= at < MAX_TIME:
            raise CrewError("the time is not within the years 2000 to 2099")
        ensure_write_transaction(self.db)
        annotation = Annotation(at=at, label=label, room=room, created_by=by)
        self.db.add(annotation)
        self.db.flush()
        return annotation

    def between(
        self, begin: datetime, end: datetime, room: str | None = None
    ) -> Sequence[Annotation]:
        """Return the annotations from ``begin`` until before ``end``, in the order of time.

        :param room: only those of this room and those of all rooms.
        """
        query = sa.select(Annotation).where(Annotation.at >= begin, Annotation.at < end)
        if room is not None:
            query = query.where(Annotation.room.in_((room, "")))
        return self.db.scalars(query.order_by(Annotation.at, Annotation.id)).all()

    def latest(self, limit: int = 200) -> Sequence[Annotation]:
        """Return the annotations of the newest moments, newest first."""
        return self.db.scalars(
            sa.select(Annotation).order_by(Annotation.at.desc(), Annotation.id.desc()).limit(limit)
        ).all()

    def get(self, id: int) -> Annotation | None:  # noqa: A002 - It is the column's name.
        """Return an annotation by its number."""
        return self.db.get(Annotation, id)

    def remove(self, id: int) -> bool:  # noqa: A002
        """Delete an annotation; tell whether it was there."""
        ensure_write_transaction(self.db)
        return bool(
            self.db.execute(
                sa.delete(Annotation).where(Annotation.id == id).returning(Annotation.id)
            ).first()
        )
