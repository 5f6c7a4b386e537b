"""What the tracker does, apart from HTTP: plain classes over a session."""

from datetime import UTC, datetime
from typing import Any

from streaming_system.tracker.services.endpoints import Endpoints
from streaming_system.tracker.services.keys import Keys
from streaming_system.tracker.services.logs import Logs
from streaming_system.tracker.services.pipeline import Pipeline
from streaming_system.tracker.services.playback import Playback
from streaming_system.tracker.services.viewers import Crowd, Viewers


def includeme(config: Any) -> None:
    """Give every request its services, and one moment that all of it happens at."""
    config.add_request_method(lambda request: datetime.now(UTC), "now", reify=True)
    config.add_request_method(lambda request: Endpoints(request.db), "endpoints", reify=True)
    config.add_request_method(lambda request: Keys(request.db), "keys", reify=True)
    config.add_request_method(
        lambda request: Logs(request.db, request.registry.settings), "logs", reify=True
    )
    config.add_request_method(lambda request: Pipeline(request.db), "pipeline", reify=True)
    config.add_request_method(lambda request: Viewers(request.db), "viewers", reify=True)
    crowd = Crowd()
    config.add_request_method(
        lambda request: Playback(request.db, request.registry.settings, crowd),
        "playback",
        reify=True,
    )
