"""The schema of a line of captions, from a query and a body."""

from streaming_system.tracker.models.caption import MAX_CAPTION_CHARS
from streaming_system.tracker.schemas.types import ApiSchema, Member
from streaming_system.util.validation import Integer, Nullable, Number, Rfc3339DateTime, Text

MAX_SEQ = 2**53
MAX_DELAY_SECONDS = 60
LANGUAGE_PATTERN = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$"
# Longer than a stored line: it may have superfluous white space.
MAX_TEXT_CHARS = 4 * MAX_CAPTION_CHARS

LANGUAGE_FIELD = Text(
    35, min_length=2, pattern=LANGUAGE_PATTERN, allowed="a language tag, such as en or pt-BR"
)


class CaptionPushSchema(ApiSchema):
    """A line of captions, as a captioner sends it."""

    text = Member(
        Text(
            MAX_TEXT_CHARS,
            pattern=r"^[\s\S]*$",
            allowed=f"a text of up to {MAX_TEXT_CHARS} characters",
        )
    )
    lang = Member(LANGUAGE_FIELD, missing="")
    seq = Member(Nullable(Integer(0, MAX_SEQ)), missing=None)
    start = Member(Nullable(Rfc3339DateTime()), missing=None)
    end = Member(Nullable(Rfc3339DateTime()), missing=None)
    delay = Member(
        Number(0, MAX_DELAY_SECONDS, allowed=f"seconds, 0 to {MAX_DELAY_SECONDS}"), missing=0
    )
