"""What the crew's forms may say: only declared fields, each with a bound."""

from typing import Any

import colander

from streaming_system.tracker.crew.errors import CrewError

# Enough for every field together; the rest is never read.
MAX_BODY_BYTES = 64 * 1024

# What WebOb raises, apart from plain ValueErrors, where a body is no form: an unknown charset of a
# field, one of the whole body other than UTF-8, an encoded form within the form, and too many.
INVALID_BODY_ERRORS = (ValueError, LookupError, DeprecationWarning, AttributeError, RecursionError)


def _text_field(name: str, most: int) -> colander.SchemaNode:
    """Return a text that may be missing: what it must be is the services' business."""
    return colander.SchemaNode(
        colander.String(allow_empty=True),
        name=name,
        missing="",
        validator=colander.Length(max=most, max_err=f"the field {name} is too long"),
    )


class _RowIdType(colander.SchemaType):
    """The number of a row, as a form says it."""

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        if cstruct is colander.null:
            return cstruct
        # Ten digits are enough for the largest number that a row can have.
        if not (cstruct.isascii() and cstruct.isdigit() and len(cstruct) <= 10):
            raise colander.Invalid(node, f"the field {node.name} is no number")
        return int(cstruct)


def _row_id_field(name: str) -> colander.SchemaNode:
    """Return the number of a row; there is no row with the number 0."""
    return colander.SchemaNode(_RowIdType(), name=name, missing=0)


def _form_schema(*fields: colander.SchemaNode) -> colander.SchemaNode:
    return colander.SchemaNode(colander.Mapping(), *fields)


LOGIN_FORM = _form_schema(
    _text_field("name", 200), _text_field("password", 4096), _text_field("next", 2000)
)
PASSWORD_FORM = _form_schema(
    _text_field("old", 4096), _text_field("new", 4096), _text_field("again", 4096)
)
TOKEN_FORM = _form_schema(
    _text_field("label", 400),
    _text_field("scope", 64),
    _text_field("room", 200),
    _text_field("endpoint", 400),
)
ROW_ACTION_FORM = _form_schema(_row_id_field("id"))
ENDPOINT_FORM = _form_schema(_text_field("room", 200), _text_field("name", 400))
ANNOTATION_FORM = _form_schema(
    _text_field("at", 64), _text_field("label", 800), _text_field("room", 200)
)
ACCOUNT_FORM = _form_schema(
    _text_field("name", 200),
    _text_field("password", 4096),
    _text_field("again", 4096),
    _text_field("role", 64),
)


def parse_form(form: colander.SchemaNode, fields: Any) -> dict[str, Any]:
    """Return what somebody has filled in.

    :raises CrewError: with one line that says what will not do.
    """
    # What is sent as a file, or as a form within the form, is no text.
    texts = {
        node.name: value
        for node in form.children
        if isinstance(value := fields.get(node.name), str)
    }
    try:
        values: dict[str, Any] = form.deserialize(texts)
    except colander.Invalid as error:
        raise CrewError(next(iter(error.asdict().values()))) from None
    return values
