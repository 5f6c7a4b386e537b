"""Conversions between Python values and the JSON of the API."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from streaming_system.tracker.api.problems import api_error


def format_utc(time: datetime) -> str:
    """Return a time in UTC in the format of RFC 3339, in milliseconds."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def nest_by_stream(metrics: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Return ``{"webm_high_clients": 3}`` as ``{"webm_high": {"clients": 3}}``."""
    nested: dict[str, dict[str, int]] = {}
    for name, value in metrics.items():
        stream, _, metric = name.rpartition("_")
        nested.setdefault(stream, {})[metric] = value
    return nested


def flatten_by_stream(nested: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """Return ``{"webm_high": {"clients": 3}}`` as ``{"webm_high_clients": 3}``."""
    return {
        f"{stream}_{metric}": value
        for stream, metrics in nested.items()
        for metric, value in metrics.items()
    }


def require_room(request: Any, room: str | None) -> None:
    """Check that the conference has the room of a body; ``None`` means no room.

    :raises ApiError: if it has not.
    """
    if room is not None and room not in request.conference.rooms:
        raise api_error(
            "unknown-room",
            "the body names a room that the conference does not have",
            errors=[{"pointer": "/room", "detail": "allowed: the id of a room, or null"}],
        )


def record_audit(request: Any, action: str, subject: str) -> None:
    """Record an action of the client in the audit log."""
    request.audit.record(
        account=request.client.account, action=action, subject=subject, now=request.now
    )
