"""How the JSON API writes what is not JSON by itself."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from streaming_system.tracker.api.problems import api_error


def format_utc(moment: datetime) -> str:
    """Return a moment as RFC 3339 writes it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def nest_by_stream(figures: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Return ``{"webm_high_clients": 3}`` as ``{"webm_high": {"clients": 3}}``."""
    nested: dict[str, dict[str, int]] = {}
    for name, value in figures.items():
        stream, _, figure = name.rpartition("_")
        nested.setdefault(stream, {})[figure] = value
    return nested


def flatten_by_stream(nested: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """Return ``{"webm_high": {"clients": 3}}`` as ``{"webm_high_clients": 3}``."""
    return {
        f"{stream}_{figure}": value
        for stream, figures in nested.items()
        for figure, value in figures.items()
    }


def require_room(request: Any, room: str | None) -> None:
    """Make sure that the room that a body names is one of the conference's.

    :raises Problem: if it is not; ``None`` is about no room.
    """
    if room is not None and room not in request.registry.settings["conference"].rooms:
        raise api_error(
            "unknown-room",
            "the body names a room that the conference does not have",
            errors=[{"pointer": "/room", "detail": "allowed: the id of a room, or null"}],
        )


def record_audit(request: Any, action: str, subject: str) -> None:
    """Write down that the caller's token did something."""
    request.audit.note(
        account=request.caller.account, action=action, subject=subject, now=request.now
    )
