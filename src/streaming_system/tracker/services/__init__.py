"""What the tracker does, apart from HTTP: plain classes over a session."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from streaming_system.schedule.reader import ScheduleFile
from streaming_system.tracker.services.annotations import Annotations
from streaming_system.tracker.services.audit import Audit
from streaming_system.tracker.services.endpoints import Endpoints
from streaming_system.tracker.services.history import History
from streaming_system.tracker.services.incidents import Incidents, Pace
from streaming_system.tracker.services.keys import Keys
from streaming_system.tracker.services.logs import Logs
from streaming_system.tracker.services.pipeline import Pipeline
from streaming_system.tracker.services.playback import Playback
from streaming_system.tracker.services.tokens import Tokens
from streaming_system.tracker.services.viewers import Crowd, Viewers


def includeme(config: Any) -> None:
    """Give every request its services, and one moment that all of it happens at."""
    # Tests put another clock here.
    config.registry["clock"] = lambda: datetime.now(UTC)
    path = config.get_settings().get("schedule.file")
    config.registry["schedule"] = ScheduleFile(Path(path)) if path else None
    config.registry["incidents.pace"] = Pace()
    config.add_request_method(lambda request: request.registry["clock"](), "now", reify=True)
    config.add_request_method(lambda request: Endpoints(request.db), "endpoints", reify=True)
    config.add_request_method(lambda request: Keys(request.db), "keys", reify=True)
    config.add_request_method(lambda request: Tokens(request.db), "tokens", reify=True)
    config.add_request_method(lambda request: Annotations(request.db), "annotations", reify=True)
    config.add_request_method(lambda request: Audit(request.db), "audit", reify=True)
    config.add_request_method(
        lambda request: Logs(request.db, request.registry.settings), "logs", reify=True
    )
    config.add_request_method(lambda request: Pipeline(request.db), "pipeline", reify=True)
    config.add_request_method(
        lambda request: History(request.db, request.registry.settings), "history", reify=True
    )
    config.add_request_method(lambda request: Viewers(request.db), "viewers", reify=True)
    crowd = Crowd()
    config.add_request_method(
        lambda request: Playback(request.db, request.registry.settings, crowd),
        "playback",
        reify=True,
    )
    config.add_request_method(_incidents, "incidents", reify=True)


def _incidents(request: Any) -> Incidents:
    settings = request.registry.settings
    return Incidents(request.db, settings["conference"], request.registry["schedule"], settings)
