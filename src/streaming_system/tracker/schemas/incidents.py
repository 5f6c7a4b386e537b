"""API schemas of incidents."""

from streaming_system.tracker.schemas.types import ApiSchema, BoundedList, DisplayText, Member
from streaming_system.util.validation import Integer, Nullable, Rfc3339DateTime


class IncidentSchema(ApiSchema):
    """An open or resolved problem."""

    id = Member(Integer(1, 2**53), example=7)
    kind = Member(DisplayText(), example="no-stream")
    room = Member(
        DisplayText(), description="Empty if it concerns no room, or several.", example="hall"
    )
    subject = Member(DisplayText(), description="The endpoint, machine or component.", example="")
    summary = Member(
        DisplayText(), description="A sentence for people.", example="Great Hall has no stream."
    )
    opened_at = Member(Rfc3339DateTime(), example="2026-08-22T12:01:00.000Z")
    closed_at = Member(Nullable(Rfc3339DateTime()), example=None)
    preview = Member(
        Nullable(DisplayText()),
        description="The address of the room's current picture, relative to the site if the "
        "tracker's `frontend.url` is; null without a room.",
        example="/preview/hall-large.jpg",
    )


class IncidentListSchema(ApiSchema):
    """The open incidents, newest first."""

    incidents = Member(BoundedList(IncidentSchema(), 100_000, distinct=False))
