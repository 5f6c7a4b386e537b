"""Problem documents of the JSON API (RFC 9457), and their types."""

import http
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyramid.response import Response


class ApiError(Exception):
    """A refused request of the JSON API; it becomes a problem document.

    :param kind: the last part of the problem's type URI, such as ``unknown-room``.
    :param title: a summary that is the same for every problem of this type.
    :param detail: what is wrong with this request, and what is allowed.
    :param members: further members of the document, such as ``errors`` by field.
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

    def to_response(self, script_name: str) -> Response:
        """Return the problem document.

        :param script_name: the prefix that the tracker is mounted at.
        """
        return Response(
            json_body={
                "type": f"{script_name}/api/v1/#{self.kind}",
                "title": self.title,
                "status": self.status,
                "detail": self.detail,
                **self.members,
            },
            status=self.status,
            headerlist=[
                ("Content-Type", "application/problem+json"),
                ("Cache-Control", "no-store"),
                ("Access-Control-Allow-Origin", "*"),
                *self.headers.items(),
            ],
        )


@dataclass(frozen=True, kw_only=True)
class ProblemType:
    """A type of problem.

    :param description: what it means and what a client can do, for the API's documentation.
    """

    status: int
    title: str
    description: str


PROBLEM_TYPES: Mapping[str, ProblemType] = {
    "bad-address": ProblemType(
        status=400,
        title="The address cannot be read",
        description="The address or its query is not UTF-8. Nothing was changed.",
    ),
    "bad-json": ProblemType(
        status=400,
        title="The body is not JSON",
        description="The body must be one JSON value in UTF-8. Duplicate members, NaN and "
        "Infinity are refused, too. Nothing was changed.",
    ),
    "invalid": ProblemType(
        status=400,
        title="Values are not allowed",
        description="`errors` lists each of them, by `pointer` (a JSON Pointer into the body) or "
        "by the name of a `parameter`, with the allowed values. Nothing was changed.",
    ),
    "unauthorized": ProblemType(
        status=401,
        title="A valid token is needed",
        description="Send `Authorization: Bearer` and a token. Revoked and unknown tokens get the "
        "same response: if yours was valid before, ask the crew for a new one.",
    ),
    "forbidden": ProblemType(
        status=403,
        title="The token does not allow this",
        description="A token of a room is valid for the endpoints and components of that room, a "
        "token of an endpoint for that endpoint. Everything else needs a token of the crew.",
    ),
    "foreign-origin": ProblemType(
        status=403,
        title="The page is of another site",
        description="Only pages of the site itself may send this: those at the tracker's own host, "
        "at `frontend.url` of its ini file, and at the origins in `allowed_origins`.",
    ),
    "unknown-push-service": ProblemType(
        status=403,
        title="The push service is not allowed",
        description="The browser has a push service that `reminders.services` of the tracker's ini "
        "file does not list.",
    ),
    "not-found": ProblemType(
        status=404,
        title="Nothing is there",
        description="The API has no such address, or the resource no longer exists.",
    ),
    "unknown-room": ProblemType(
        status=404,
        title="There is no such room",
        description="`GET /rooms` lists the rooms of the conference.",
    ),
    "unknown-endpoint": ProblemType(
        status=404,
        title="There is no such endpoint",
        description="It has never reported, has stopped reporting, or was deregistered.",
    ),
    "unknown-talk": ProblemType(
        status=404,
        title="There is no such talk",
        description="The schedule has no talk of that id in a room with the site's own feedback "
        "form, or the tracker has no schedule.",
    ),
    "reminders-off": ProblemType(
        status=404,
        title="There are no reminders",
        description="The operator has not turned them on: `reminders.contact` of the ini file.",
    ),
    "unknown-version": ProblemType(
        status=404,
        title="This version of the API is not served",
        description="`supported` lists the supported versions.",
    ),
    "method-not-allowed": ProblemType(
        status=405,
        title="The address does not know this method",
        description="The header `Allow` lists the allowed methods.",
    ),
    "feedback-closed": ProblemType(
        status=409,
        title="The talk takes no feedback now",
        description="It has not begun yet, or it ended too long ago. `detail` says which.",
    ),
    "limit-reached": ProblemType(
        status=409,
        title="There are as many as there may be",
        description="`detail` names the limit and the key of the tracker's ini file. Nothing was "
        "changed. What exists already can still report.",
    ),
    "name-taken": ProblemType(
        status=409,
        title="Another agent has this name",
        description="Two agents use the same name for their endpoints. `detail` says since when "
        "the other one does. Nothing was changed. Give one of them another name. A minute after "
        "the last report of the other one, the name is free.",
    ),
    "body-too-large": ProblemType(
        status=413,
        title="The body is too large",
        description="`limit` is the maximum in bytes. Nothing was read.",
    ),
    "unsupported-media-type": ProblemType(
        status=415,
        title="The body is of another type",
        description="Send uncompressed UTF-8 with `Content-Type: application/json`.",
    ),
    "too-many-requests": ProblemType(
        status=429,
        title="Too many requests",
        description="The address or the token has exceeded its rate limit. Send the request again "
        "after the number of seconds in the header `Retry-After`.",
    ),
    "internal-server-error": ProblemType(
        status=500,
        title="Internal Server Error",
        description="A bug in the tracker; its log has the details. Please report the time to the "
        "crew.",
    ),
    "service-unavailable": ProblemType(
        status=503,
        title="Service Unavailable",
        description="The database is unavailable. Nothing was changed. Send the request again "
        "after the number of seconds in the header `Retry-After`.",
    ),
}

# The types of errors that are known by their status only.
_TYPE_BY_STATUS = {
    PROBLEM_TYPES[kind].status: kind
    for kind in (
        "bad-address",
        "not-found",
        "method-not-allowed",
        "limit-reached",
        "too-many-requests",
        "internal-server-error",
        "service-unavailable",
    )
}


def api_error(
    kind: str, detail: str, headers: Mapping[str, str] | None = None, **members: Any
) -> ApiError:
    """Return an error of a type, to be raised."""
    problem_type = PROBLEM_TYPES[kind]
    return ApiError(problem_type.status, kind, problem_type.title, detail, headers, **members)


def problem_for_status(status: int, detail: str) -> ApiError:
    """Return the error for an HTTP status; the status phrase becomes the type if there is none."""
    phrase = http.HTTPStatus(status).phrase
    kind = _TYPE_BY_STATUS.get(status, phrase.lower().replace(" ", "-"))
    title = PROBLEM_TYPES[kind].title if kind in PROBLEM_TYPES else phrase
    return ApiError(status, kind, title, detail)
