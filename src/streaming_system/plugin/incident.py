"""Incidents, as plugins get them."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Incident:
    """An open or resolved incident.

    :param id: identifies the incident when it opens and when it is resolved.
    :param kind: ``no-stream``, ``slate``, ``black``, ``frozen``, ``silence``, ``stalled``,
        ``silent-encoder``, ``name-clash``, ``full``, ``rebuffering``, ``disk``, ``segments``,
        ``clock``, ``component`` or ``more``.
    :param room: the room's id; "" if it concerns no room or several.
    :param title: the room's title.
    :param subject: the server, machine or component that it concerns; "" for the room itself.
    :param summary: what has happened, in a sentence.
    :param opened_at: start, in UTC.
    :param closed_at: end, in UTC; ``None`` while it is open.
    :param preview: the URL of the room's current picture, relative to the site if the tracker's
        ``frontend.url`` is; "" without a room.
    """

    id: int
    kind: str
    room: str
    title: str
    subject: str
    summary: str
    opened_at: datetime
    closed_at: datetime | None = None
    preview: str = ""

    @property
    def line(self) -> str:
        """A one-line message for people: the summary, with the duration once it is resolved."""
        if self.closed_at is None:
            return self.summary
        minutes = round((self.closed_at - self.opened_at).total_seconds() / 60)
        return f"Over after {minutes} min: {self.summary}"
