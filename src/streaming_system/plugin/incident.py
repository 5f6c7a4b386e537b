"""What plugins hear of that is wrong."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Incident:
    """Something that has gone wrong, or is over.

    :param id: the same at its beginning and at its end.
    :param kind: ``no-stream``, ``silent-encoder``, ``full``, ``rebuffering`` or ``component``.
    :param room: the room's id, "" where it is about none or several.
    :param title: what people call the room.
    :param subject: the server, machine or component that it is about; "" for the room itself.
    :param summary: what has gone wrong, in a sentence.
    :param opened_at: when it began, in UTC.
    :param closed_at: when it ended, in UTC; ``None`` while it goes on.
    """

    id: int
    kind: str
    room: str
    title: str
    subject: str
    summary: str
    opened_at: datetime
    closed_at: datetime | None = None

    @property
    def line(self) -> str:
        """What to tell people: the sentence, and that it is over where it is."""
        if self.closed_at is None:
            return self.summary
        minutes = round((self.closed_at - self.opened_at).total_seconds() / 60)
        return f"Over after {minutes} min: {self.summary}"
