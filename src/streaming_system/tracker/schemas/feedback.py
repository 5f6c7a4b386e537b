"""API schemas of feedback on talks."""

from typing import Any

from streaming_system.tracker.audience.talk_feedback import parse_comment
from streaming_system.tracker.models.feedback import MAX_COMMENT_CHARS
from streaming_system.tracker.schemas.types import ApiSchema, DisplayText, Member
from streaming_system.util.validation import Field, Flag, Integer, Text

STARS = Integer(1, 5)


class CommentText(Field):
    """A text of several lines. Control characters are removed."""

    allowed = f"a text of at most {MAX_COMMENT_CHARS} characters"

    def validate(self, value: Any) -> str:
        try:
            if isinstance(value, str):
                return parse_comment(value)
        except ValueError:
            pass
        raise self.error()

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 0, "maxLength": MAX_COMMENT_CHARS}


class FeedbackSchema(ApiSchema):
    """What a viewer thinks of a talk."""

    stars = Member(STARS, description="The rating; 5 is best.", example=4)
    comment = Member(
        CommentText(),
        missing="",
        description="What the viewer wrote. Control characters are removed, and so is superfluous "
        "white space.",
        example="The examples helped a lot.",
    )
    browser = Member(
        Text(
            64, min_length=16, pattern="^[A-Za-z0-9-]{16,64}$", allowed="16 to 64 of A-Z a-z 0-9 -"
        ),
        description="A random id that the browser creates and stores. With the same id, feedback "
        "on the same talk replaces the earlier one. The tracker stores a keyed hash of id and talk "
        "only.",
        example="9f3c0c1e-6a55-4f5e-8a39-0f5a7a1c2d44",
    )


class StoredFeedbackSchema(ApiSchema):
    """The stored feedback."""

    stars = Member(STARS, description="The rating.", example=4)
    comment = Member(
        DisplayText(), description="The comment.", example="The examples helped a lot."
    )
    replaced = Member(
        Flag(),
        description="Whether it replaced earlier feedback of the same browser.",
        example=False,
    )
