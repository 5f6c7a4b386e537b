"""What the tracker does, apart from HTTP: plain classes over a session."""

from typing import Any

from streaming_system.tracker.services.endpoints import Endpoints


def includeme(config: Any) -> None:
    """Give every request its services."""
    config.add_request_method(lambda request: Endpoints(request.db), "endpoints", reify=True)
