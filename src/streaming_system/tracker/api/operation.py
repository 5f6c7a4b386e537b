"""What an operation of the JSON API is."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from streaming_system.tracker.schemas.types import ApiSchema

MAX_BODY_BYTES = 64 * 1024
JSON_MEDIA_TYPE = "application/json"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A method of an address: what it takes, who may call it, and what it answers.

    :param route: the name of its route in ``routes.py``.
    :param answers: by status, what comes back; ``None`` is an empty body.
    :param query: the parameters of the query.
    :param body: what must be sent.
    :param media: the content types that a body may have; each means JSON.
    :param scopes: which tokens may call it: ``room``, ``endpoint``, ``crew``; anybody if empty.
    :param limit: the rate that it counts for: ``limit.`` and this in the ini.
    :param problems: kinds of problems of its own, besides those that follow from the rest.
    """

    id: str
    method: str
    route: str
    summary: str
    answers: Mapping[int, ApiSchema | None]
    description: str = ""
    query: ApiSchema | None = None
    body: ApiSchema | None = None
    media: tuple[str, ...] = (JSON_MEDIA_TYPE,)
    scopes: tuple[str, ...] = ()
    limit: str = "reads"
    problems: tuple[str, ...] = ()
    most: int = field(default=MAX_BODY_BYTES)
