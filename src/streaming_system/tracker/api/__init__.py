"""The machinery of the JSON API: a table of operations that checks and documents every call."""

from typing import Any


def includeme(config: Any) -> None:
    """Teach views the option ``operation``."""
    config.include("streaming_system.tracker.api.dispatch")
