"""What the tracker does, apart from HTTP: plain classes over a session."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from streaming_system.tracker.services.directory import Directory
from streaming_system.tracker.services.endpoints import Endpoints
from streaming_system.tracker.services.regions import Regions


def includeme(config: Any) -> None:
    """Give every request its services, and one moment that all of it happens at."""
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
