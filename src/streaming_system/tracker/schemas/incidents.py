"""What is wrong, as the JSON API speaks of it."""

import colander

from streaming_system.tracker.schemas.types import ListOf, Moment, OrNull, Record, Whole, Words


class Incident(Record):
    """Something that is wrong, or was."""

    id = colander.SchemaNode(Whole(1, 2**53), example=7)
    kind = colander.SchemaNode(Words(), example="no-stream")
    room = colander.SchemaNode(
        Words(), description="Empty where it is about none, or several.", example="hall"
    )
    subject = colander.SchemaNode(
        Words(), description="The endpoint, machine or component.", example=""
    )
    summary = colander.SchemaNode(
        Words(), description="The same for people.", example="Great Hall has no stream."
    )
    opened_at = colander.SchemaNode(Moment(), example="2026-08-22T12:01:00.000Z")
    closed_at = colander.SchemaNode(OrNull(Moment()), example=None)


class IncidentList(Record):
    """What is wrong now, newest first."""

    incidents = colander.SchemaNode(ListOf(Incident(), 100_000, distinct=False))
