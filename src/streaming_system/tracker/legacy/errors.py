"""Errors of the legacy protocol: plain text, ``ERROR`` and a reason in one line."""

from pyramid.response import Response


class LegacyProtocolError(Exception):
    """A refused request of the legacy protocol.

    :param reason: the rest of the line, which begins with a word for programs.
    """

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


def legacy_error_response(reason: str, status: int) -> Response:
    """Return an error in the format that clients of the legacy protocol expect."""
    return Response(f"ERROR {reason}\n", status=status, content_type="text/plain", charset="utf-8")
