"""What the JSON API answers where a call is refused."""

import colander

from streaming_system.tracker.schemas.types import ListOf, Record, Whole, Words


class ProblemError(Record):
    """A value that is not allowed."""

    pointer = colander.SchemaNode(
        Words(),
        missing=colander.drop,
        description="Where in the body it is, as a JSON Pointer.",
        example="/capacity",
    )
    parameter = colander.SchemaNode(
        Words(), missing=colander.drop, description="Or which parameter it is."
    )
    detail = colander.SchemaNode(
        Words(), description="What is allowed.", example="allowed: true or false"
    )


class Problem(Record):
    """A call that is refused, as RFC 9457 describes it."""

    type = colander.SchemaNode(
        Words(), description="Where its kind is explained.", example="/tracker/api/v1/#invalid"
    )
    title = colander.SchemaNode(
        Words(), description="Its kind, in words.", example="Values are not allowed"
    )
    status = colander.SchemaNode(Whole(400, 599), example=400)
    detail = colander.SchemaNode(
        Words(), description="What was wrong with this call, and what is allowed."
    )
    errors = colander.SchemaNode(
        ListOf(ProblemError(), 1000, distinct=False), missing=colander.drop
    )
