"""The parameters in the addresses of the JSON API."""

from collections.abc import Mapping
from typing import Any

import colander

from streaming_system.tracker.api.problems import api_error
from streaming_system.tracker.schemas.types import Identifier, RoomId, Text

_ID_PATTERN = r"^[0-9]{1,9}$"

PATH_PARAMETERS: Mapping[str, colander.SchemaNode] = {
    "room": colander.SchemaNode(RoomId(), description="The room's id.", example="hall"),
    "endpoint": colander.SchemaNode(
        Identifier(),
        description="The endpoint's name, which it chooses; an endpoint that registers by the old "
        "protocol is known by its address.",
        example="edge1",
    ),
    "machine": colander.SchemaNode(
        Identifier(), description="The machine that the components run on.", example="mixer1"
    ),
    "annotation": colander.SchemaNode(
        Text(9, least=1, pattern=_ID_PATTERN, allowed="a number"),
        description="Its id.",
        example="7",
    ),
    "token": colander.SchemaNode(
        Text(9, least=1, pattern=_ID_PATTERN, allowed="a number"),
        description="Its id.",
        example="3",
    ),
}


# An endpoint need not belong to a room: it may be of a group that stands in for some.
FALLBACK_GROUP_ROUTES = frozenset({"api.endpoints", "api.endpoint", "api.draining"})


def parse_path_params(request: Any) -> dict[str, Any]:
    """Return the parameters of the address.

    :raises Problem: if one is not allowed, or there is no such room.
    """
    values, errors = {}, []
    for name, text in request.matchdict.items():
        try:
            values[name] = PATH_PARAMETERS[name].deserialize(text)
        except colander.Invalid as error:
            errors.append({"parameter": name, "detail": error.messages()[0]})
    if "room" in request.matchdict:
        conference = request.registry.settings["conference"]
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
