"""The definition of one operation of the JSON API."""

from collections.abc import Mapping
from dataclasses import dataclass

from streaming_system.tracker.schemas.types import ApiSchema

MAX_BODY_BYTES = 64 * 1024
JSON_MEDIA_TYPE = "application/json"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A method of a path: its parameters, scopes and responses.

    :param route: the name of its route in ``routes.py``.
    :param responses: the schema of each success status; ``None`` is an empty body.
    :param query: the schema of the query parameters.
    :param body: the schema of the request body.
    :param media: the accepted content types; each means JSON.
    :param scopes: the token scopes that allow it: ``room``, ``endpoint``, ``crew``; none: public.
    :param limit: the rate limit that it counts for, without ``limit.`` of the ini key.
    :param problems: types of problems besides those that follow from the other members.
    """

    id: str
    method: str
    route: str
    summary: str
    responses: Mapping[int, ApiSchema | None]
    description: str = ""
    query: ApiSchema | None = None
    body: ApiSchema | None = None
    media: tuple[str, ...] = (JSON_MEDIA_TYPE,)
    scopes: tuple[str, ...] = ()
    limit: str = "reads"
    problems: tuple[str, ...] = ()
    max_body_bytes: int = MAX_BODY_BYTES
