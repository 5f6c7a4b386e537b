"""The status of a response, for metrics, traces and error reports."""

from typing import Any


def outcome_status(response: Any) -> str:
    """Return the status line that describes a response, such as ``503 Service Unavailable``.

    It is that of ``refusal_status``, if the response has this attribute: clients of the legacy
    protocol get a refusal with status 200.
    """
    status: str = getattr(response, "refusal_status", response.status)
    return status
