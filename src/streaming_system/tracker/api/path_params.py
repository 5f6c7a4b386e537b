"""The path parameters of the JSON API."""

from collections.abc import Mapping
from typing import Any

import colander

from streaming_system.tracker.api.problems import api_error
from streaming_system.tracker.schemas.types import Member
from streaming_system.util.validation import Identifier, RoomId, Text

# Ids are 32-bit integers; PostgreSQL rejects larger ones with an error.
MAX_ROW_ID = 2**31 - 1
_ID_CHARS = len(str(MAX_ROW_ID))


def _row_id(example: str) -> colander.SchemaNode:
    """Return the parameter for the id of a row, as text."""
    return Member(
        Text(
            _ID_CHARS,
            min_length=1,
            pattern=f"^[0-9]{{1,{_ID_CHARS}}}$",
            allowed="a number",
        ),
        validator=_validate_row_id,
        description="Its id.",
        example=example,
    )


def _validate_row_id(node: colander.SchemaNode, text: str) -> None:
    if int(text) > MAX_ROW_ID:
        raise colander.Invalid(node, f"the largest id is {MAX_ROW_ID}")


PATH_PARAMETERS: Mapping[str, colander.SchemaNode] = {
    "room": Member(RoomId(), description="The room's id.", example="hall"),
    "endpoint": Member(
        Identifier(),
        description="The endpoint's name, which it chooses. The name of an endpoint that uses the "
        "legacy protocol is its address.",
        example="edge1",
    ),
    "machine": Member(
        Identifier(), description="The machine that the components run on.", example="mixer1"
    ),
    "talk": Member(
        Text(
            200,
            min_length=1,
            pattern="^[A-Za-z0-9_-]{1,200}$",
            allowed="1 to 200 of A-Z a-z 0-9 _ -",
        ),
        description="The talk's id, as in the address of its page.",
        example="b3a1f0c2",
    ),
    "annotation": _row_id("7"),
    "token": _row_id("3"),
    "key": _row_id("3"),
}


# These routes accept fallback groups, too: an endpoint may belong to one instead of a room.
FALLBACK_GROUP_ROUTES = frozenset({"api.endpoints", "api.endpoint", "api.draining"})


def parse_path_params(request: Any) -> dict[str, Any]:
    """Return the validated path parameters.

    :raises ApiError: if one is invalid, or the room does not exist.
    """
    values, errors = {}, []
    for name, text in request.matchdict.items():
        try:
            values[name] = PATH_PARAMETERS[name].deserialize(text)
        except colander.Invalid as error:
            errors.append({"parameter": name, "detail": error.messages()[0]})
    if "room" in request.matchdict:
        conference = request.conference
        known = (
            conference.groups
            if request.matched_route.name in FALLBACK_GROUP_ROUTES
            else conference.rooms
        )
        if values.get("room") not in known:
            raise api_error("unknown-room", "the conference has no room of that id")
    if errors:
        raise api_error("invalid", "a part of the address is not allowed", errors=errors)
    return values
