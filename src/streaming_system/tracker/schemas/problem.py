"""API schemas of problem documents (RFC 9457)."""

import colander

from streaming_system.tracker.schemas.types import ApiSchema, BoundedList, DisplayText, Member
from streaming_system.util.validation import Integer


class ProblemErrorSchema(ApiSchema):
    """An invalid value."""

    pointer = Member(
        DisplayText(),
        missing=colander.drop,
        description="Its place in the body, as a JSON Pointer.",
        example="/capacity",
    )
    parameter = Member(
        DisplayText(), missing=colander.drop, description="Or the name of its parameter."
    )
    detail = Member(
        DisplayText(), description="The allowed values.", example="allowed: true or false"
    )


class ProblemSchema(ApiSchema):
    """A refused request (RFC 9457)."""

    type = Member(
        DisplayText(),
        description="The URL of its description.",
        example="/tracker/api/v1/#invalid",
    )
    title = Member(
        DisplayText(), description="A summary of its type.", example="Values are not allowed"
    )
    status = Member(Integer(400, 599), example=400)
    detail = Member(
        DisplayText(), description="What is wrong with this request, and what is allowed."
    )
    errors = Member(BoundedList(ProblemErrorSchema(), 1000, distinct=False), missing=colander.drop)
