"""What the tracker does, apart from HTTP: plain classes over a session."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from streaming_system.tracker.services.directory import Directory
from streaming_system.tracker.services.endpoints import Endpoints
from streaming_system.tracker.services.regions import Regions
from streaming_system.schedule.reader import ScheduleFile
from streaming_system.tracker.services.endpoints import Endpoints
from streaming_system.tracker.services.incidents import Incidents, Pace
from streaming_system.tracker.services.playback import Playback
from streaming_system.tracker.services.viewers import Crowd, Viewers


def includeme(config: Any) -> None:
    """Give every request its services, and one moment that all of it happens at."""
    path = config.get_settings().get("schedule.file")
    config.registry["schedule"] = ScheduleFile(Path(path)) if path else None
    config.registry["incidents.pace"] = Pace()
    config.add_request_method(lambda request: datetime.now(UTC), "now", reify=True)
    config.add_request_method(lambda request: Endpoints(request.db), "endpoints", reify=True)
    config.add_request_method(_directory, "directory", reify=True)
    config.registry["regions"] = _regions(config.get_settings())


def _directory(request: Any) -> Directory:
    settings = request.registry.settings
    return Directory(request.endpoints, settings["conference"], settings["endpoint.url"])


def _regions(settings: Mapping[str, Any]) -> Regions:
    return Regions(
        settings["conference"].site.regions, settings["region.header"], settings["region.file"]
    )
    config.add_request_method(_incidents, "incidents", reify=True)


def _incidents(request: Any) -> Incidents:
    settings = request.registry.settings
    return Incidents(request.db, settings["conference"], request.registry["schedule"], settings)
    config.add_request_method(lambda request: Viewers(request.db), "viewers", reify=True)
    crowd = Crowd()
    config.add_request_method(
        lambda request: Playback(request.db, request.registry.settings, crowd),
        "playback",
        reify=True,
    )
