"""What the JSON API answers where a call is refused."""

import colander

from streaming_system.tracker.schemas.types import (
    ApiSchema,
    BoundedInteger,
    BoundedList,
    DisplayText,
)


class ProblemErrorSchema(ApiSchema):
    """A value that is not allowed."""

    pointer = colander.SchemaNode(
        DisplayText(),
        missing=colander.drop,
        description="Where in the body it is, as a JSON Pointer.",
        example="/capacity",
    )
    parameter = colander.SchemaNode(
        DisplayText(), missing=colander.drop, description="Or which parameter it is."
    )
    detail = colander.SchemaNode(
        DisplayText(), description="What is allowed.", example="allowed: true or false"
    )


class ProblemSchema(ApiSchema):
    """A call that is refused, as RFC 9457 describes it."""

    type = colander.SchemaNode(
        DisplayText(),
        description="Where its kind is explained.",
        example="/tracker/api/v1/#invalid",
    )
    title = colander.SchemaNode(
        DisplayText(), description="Its kind, in words.", example="Values are not allowed"
    )
    status = colander.SchemaNode(BoundedInteger(400, 599), example=400)
    detail = colander.SchemaNode(
        DisplayText(), description="What was wrong with this call, and what is allowed."
    )
    errors = colander.SchemaNode(
        BoundedList(ProblemErrorSchema(), 1000, distinct=False), missing=colander.drop
    )
