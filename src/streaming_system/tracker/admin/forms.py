"""The schemas of the crew's forms: every field has a maximum length."""

from typing import Any

import colander

from streaming_system.tracker.crew.errors import CrewError

# Larger than all fields of a form together. Larger bodies are rejected unread.
MAX_BODY_BYTES = 64 * 1024

# The errors that WebOb raises for a body that is no form: apart from ValueError, for an unknown
# charset of a field, a body charset other than UTF-8, a nested multipart form, and deep nesting.
INVALID_BODY_ERRORS = (
    ValueError,
    LookupError,
    DeprecationWarning,
    AttributeError,
    RecursionError,
)


def _text_field(name: str, max_chars: int) -> colander.SchemaNode:
    """Return an optional text; the services validate its content."""
    return colander.SchemaNode(
        colander.String(allow_empty=True),
        name=name,
        missing="",
        validator=colander.Length(max=max_chars, max_err=f"the field {name} is too long"),
    )


class _RowIdType(colander.SchemaType):
    """The id of a row, as text."""

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        if cstruct is colander.null:
            return cstruct
        # The largest id has ten digits.
        if not (cstruct.isascii() and cstruct.isdigit() and len(cstruct) <= 10):
            raise colander.Invalid(node, f"the field {node.name} is no number")
        return int(cstruct)


def _row_id_field(name: str) -> colander.SchemaNode:
    """Return the id of a row; a missing one is 0, which no row has."""
    return colander.SchemaNode(_RowIdType(), name=name, missing=0)


def _form_schema(*fields: colander.SchemaNode) -> colander.SchemaNode:
    return colander.SchemaNode(colander.Mapping(), *fields)


LOGIN_FORM = _form_schema(
    _text_field("name", 200),
    _text_field("password", 4096),
    _text_field("code", 64),
    _text_field("next", 2000),
)
PASSWORD_FORM = _form_schema(
    _text_field("old", 4096), _text_field("new", 4096), _text_field("again", 4096)
)
SECOND_FACTOR_FORM = _form_schema(
    _text_field("secret", 64), _text_field("password", 4096), _text_field("code", 64)
)
TOKEN_FORM = _form_schema(
    _text_field("label", 400),
    _text_field("scope", 64),
    _text_field("room", 200),
    _text_field("endpoint", 400),
)
STREAM_KEY_FORM = _form_schema(
    _text_field("room", 200), _text_field("label", 400), _text_field("expires", 64)
)
ROW_ACTION_FORM = _form_schema(_row_id_field("id"))
ENDPOINT_FORM = _form_schema(_text_field("room", 200), _text_field("name", 400))
ANNOTATION_FORM = _form_schema(
    _text_field("at", 64), _text_field("label", 800), _text_field("room", 200)
)
ACCOUNT_FORM = _form_schema(
    _text_field("name", 200),
    _text_field("old", 4096),
    _text_field("password", 4096),
    _text_field("again", 4096),
    _text_field("role", 64),
)


ROOM_FORM = _form_schema(
    _text_field("room", 64),
    _text_field("title", 800),
    _text_field("message", 1200),
    _text_field("sources", 20_000),
)
FEEDBACK_EXPORT_FORM = _form_schema(_text_field("conference", 64), _text_field("talk", 200))
NO_FIELDS_FORM = _form_schema()


def parse_form(form: colander.SchemaNode, fields: Any) -> dict[str, Any]:
    """Return the values of a form.

    :raises CrewError: for the first invalid field.
    """
    # Uploaded files are not texts, and are ignored.
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
