"""What is wrong, as the JSON API speaks of it."""

import colander

from streaming_system.tracker.schemas.types import (
    ApiSchema,
    BoundedInteger,
    BoundedList,
    DisplayText,
    Nullable,
    Rfc3339DateTime,
)


class IncidentSchema(ApiSchema):
    """Something that is wrong, or was."""

    id = colander.SchemaNode(BoundedInteger(1, 2**53), example=7)
    kind = colander.SchemaNode(DisplayText(), example="no-stream")
    room = colander.SchemaNode(
        DisplayText(), description="Empty where it is about none, or several.", example="hall"
    )
    subject = colander.SchemaNode(
        DisplayText(), description="The endpoint, machine or component.", example=""
    )
    summary = colander.SchemaNode(
        DisplayText(), description="The same for people.", example="Great Hall has no stream."
    )
    opened_at = colander.SchemaNode(Rfc3339DateTime(), example="2026-08-22T12:01:00.000Z")
    closed_at = colander.SchemaNode(Nullable(Rfc3339DateTime()), example=None)


class IncidentListSchema(ApiSchema):
    """What is wrong now, newest first."""

    incidents = colander.SchemaNode(BoundedList(IncidentSchema(), 100_000, distinct=False))
