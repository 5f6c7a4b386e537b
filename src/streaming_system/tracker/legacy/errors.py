"""Errors of the legacy protocol: plain text, ``ERROR`` and a reason in one line."""

from typing import Any

from pyramid.response import Response

# The routes of form reports. Programs of the original stop after any status other than 200.
REPORT_ROUTES = frozenset({"endpoint.register", "endpoint.logs", "pipeline.report"})
# Too large, and too often: a proxy in front of the original responded with these statuses.
UNCHANGED_STATUSES = frozenset({413, 429})


class LegacyProtocolError(Exception):
    """A refused request of the legacy protocol.

    :param reason: the rest of the line, which begins with a word for programs.
    :param status: the status of the refusal; see :func:`set_report_status`.
    """

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


def legacy_error_response(reason: str, status: int) -> Response:
    """Return an error in the format that clients of the legacy protocol expect."""
    return Response(f"ERROR {reason}\n", status=status, content_type="text/plain", charset="utf-8")


def set_report_status(request: Any, response: Response) -> None:
    """Give a refused report the status 200, as the original did; ``ERROR`` tells it apart.

    ``refusal_status`` of the response is the status line that describes the refusal.
    """
    route = getattr(request, "matched_route", None)
    is_report = request.method == "POST" and route is not None and route.name in REPORT_ROUTES
    if is_report and response.status_int not in UNCHANGED_STATUSES:
        response.refusal_status = response.status
        response.status_int = 200
