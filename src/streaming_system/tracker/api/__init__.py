"""The JSON API: a table of operations validates and documents every request."""

from typing import Any


def includeme(config: Any) -> None:
    """Add the view deriver of the operations."""
    config.include("streaming_system.tracker.api.dispatch")
