"""The kinds of problems that the JSON API answers with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class ApiError(Exception):
    """A call of the JSON API that is refused, as RFC 9457 describes it.

    :param kind: what went wrong, as the last part of the problem's type, such as ``unknown-room``.
    :param title: the same in words, the same for every problem of this kind.
    :param detail: what was wrong with this call, and what to do.
    :param members: further facts for programs, such as ``errors`` by field.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        title: str,
        detail: str,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.status, self.kind, self.title, self.detail = status, kind, title, detail
        self.headers = dict(headers or {})
        self.members = members


@dataclass(frozen=True, kw_only=True)
class ProblemType:
    """A kind of problem: the last part of its type, and what it means for who calls."""

    status: int
    title: str
    meaning: str


PROBLEM_TYPES: Mapping[str, ProblemType] = {
    "bad-address": ProblemType(
        status=400,
        title="The address cannot be read",
        meaning="The address or its query is not in UTF-8. Nothing was done.",
    ),
    "bad-json": ProblemType(
        status=400,
        title="The body is not JSON",
        meaning="The body must be one JSON value in UTF-8. A member that is there twice, NaN and "
        "Infinity are refused, too. Nothing was done.",
    ),
    "invalid": ProblemType(
        status=400,
        title="Values are not allowed",
        meaning="`errors` lists each of them: by `pointer` (a JSON Pointer) in the body, or by the "
        "name of a `parameter`, with what is allowed. Nothing was done.",
    ),
    "unauthorized": ProblemType(
        status=401,
        title="A valid token is needed",
        meaning="Send `Authorization: Bearer` and a token. It is not said whether a token was once "
        "valid: if yours was, the crew may have revoked it; ask for a new one.",
    ),
    "forbidden": ProblemType(
        status=403,
        title="The token does not allow this",
        meaning="A room's token is for the endpoints and components of that room, an endpoint's "
        "for that endpoint only; what is the crew's needs a token of the crew.",
    ),
    "not-found": ProblemType(
        status=404,
        title="Nothing is there",
        meaning="The API has no such address, or the thing at it is not there any more.",
    ),
    "unknown-room": ProblemType(
        status=404,
        title="There is no such room",
        meaning="`GET /rooms` lists the rooms of the conference.",
    ),
    "unknown-endpoint": ProblemType(
        status=404,
        title="There is no such endpoint",
        meaning="It has never reported, has fallen silent, or has said goodbye.",
    ),
    "unknown-version": ProblemType(
        status=404,
        title="This version of the API is not served",
        meaning="`supported` lists the versions that are.",
    ),
    "method-not-allowed": ProblemType(
        status=405,
        title="The address does not know this method",
        meaning="The header `Allow` lists those that it knows.",
    ),
    "body-too-large": ProblemType(
        status=413,
        title="The body is too large",
        meaning="`limit` is what is allowed, in bytes. Nothing was read.",
    ),
    "unsupported-media-type": ProblemType(
        status=415,
        title="The body is of another type",
        meaning="Send `Content-Type: application/json`, in UTF-8 and not compressed.",
    ),
    "too-many-requests": ProblemType(
        status=429,
        title="Too many requests",
        meaning="The address or the token has used up its share. The header `Retry-After` says "
        "after how many seconds the call can be sent again.",
    ),
    "internal-server-error": ProblemType(
        status=500,
        title="Internal Server Error",
        meaning="It is our fault, and in our log. Please tell the crew when it happened.",
    ),
    "service-unavailable": ProblemType(
        status=503,
        title="Service Unavailable",
        meaning="The database cannot be used at the moment. Nothing was done; send the call again "
        "after the seconds of `Retry-After`.",
    ),
}


def api_error(
    kind: str, detail: str, headers: Mapping[str, str] | None = None, **members: Any
) -> ApiError:
    """Return a problem of a kind, to be raised."""
    known = PROBLEM_TYPES[kind]
    return ApiError(known.status, kind, known.title, detail, headers, **members)
