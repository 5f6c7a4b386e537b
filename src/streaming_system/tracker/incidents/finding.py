"""What a rule finds: a problem that is, or keeps open, an incident."""

from dataclasses import dataclass
from datetime import timedelta

# A server or component must be healthy for this long before its incident is resolved.
STABLE_AFTER = timedelta(seconds=20)
INCIDENT_TYPES = (
    "no-stream",
    "black",
    "frozen",
    "silence",
    "stalled",
    "silent-encoder",
    "name-clash",
    "full",
    "rebuffering",
    "disk",
    "segments",
    "clock",
    "component",
    "more",
)

# Kind, room and subject.
IncidentKey = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class IncidentFinding:
    """A problem that a rule found.

    :param kind: one of :data:`INCIDENT_TYPES`.
    :param room: the room's id; "" for no room or several.
    :param subject: the affected endpoint or machine; "" for the room itself.
    :param summary: a sentence for the crew, which stays true until the incident is resolved.
    :param should_open: ``False`` if the problem only keeps an open incident open.
    """

    kind: str
    room: str
    subject: str = ""
    summary: str
    should_open: bool = True

    @property
    def key(self) -> IncidentKey:
        """Identify the problem among all open ones."""
        return self.kind, self.room, self.subject
