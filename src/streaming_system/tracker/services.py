"""What the tracker does, apart from HTTP: plain classes over a session."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from streaming_system.net.page_events import PageEventPublisher
from streaming_system.schedule.store import ScheduleStore
from streaming_system.tracker.audience.playback import PlaybackService
from streaming_system.tracker.audience.viewer_history import ViewerHistory
from streaming_system.tracker.audience.viewers import ViewerCountCache, Viewers
from streaming_system.tracker.crew.annotations import Annotations
from streaming_system.tracker.crew.audit import Audit
from streaming_system.tracker.crew.server_keys import ServerKeys
from streaming_system.tracker.crew.tokens import Tokens
from streaming_system.tracker.endpoints.endpoints import Endpoints
from streaming_system.tracker.endpoints.fallback_groups import FallbackGroups
from streaming_system.tracker.endpoints.regions import Regions
from streaming_system.tracker.endpoints.stream_directory import StreamDirectory
from streaming_system.tracker.history.time_series import TimeSeriesQuery
from streaming_system.tracker.incidents.incidents import CheckThrottle, Incidents
from streaming_system.tracker.logs.ingest import AccessLogs
from streaming_system.tracker.pipeline.pipeline import Pipeline

# Each service of a request, by the name that views call it by.
SERVICES: dict[str, Callable[[Any], Any]] = {
    "annotations": lambda r: Annotations(r.db),
    "audience": lambda r: ViewerHistory(r.db),
    "audit": lambda r: Audit(r.db),
    "directory": lambda r: StreamDirectory(
        r.endpoints, r.registry.settings["conference"], r.registry.settings["endpoint.url"]
    ),
    "endpoints": lambda r: Endpoints(
        r.db, changed=lambda: _notify_pages(r), stand_ins=r.registry["stand_ins"]
    ),
    "history": lambda r: TimeSeriesQuery(r.db, r.registry.settings),
    "incidents": lambda r: Incidents(
        r.db, r.registry.settings["conference"], r.registry["schedule"], r.registry.settings
    ),
    "keys": lambda r: ServerKeys(r.db),
    "logs": lambda r: AccessLogs(r.db, r.registry.settings),
    "pipeline": lambda r: Pipeline(r.db),
    "playback": lambda r: PlaybackService(
        r.db, r.registry.settings, r.registry["crowd"], r.registry["stand_ins"]
    ),
    "tokens": lambda r: Tokens(r.db),
    "viewers": lambda r: Viewers(r.db, r.registry["stand_ins"]),
}


def _notify_pages(request: Any) -> None:
    """Tell open pages, once it is in the database, that other rooms may be live now."""

    def tell(committed: bool) -> None:
        if committed:
            request.registry["push"].soon("streams")

    request.tm.get().addAfterCommitHook(tell)


def includeme(config: Any) -> None:
    """Give every request its services, and one moment that all of it happens at."""
    settings = config.get_settings()
    path = settings.get("schedule.file")
    config.registry["services"] = tuple(SERVICES)
    config.registry["schedule"] = ScheduleStore(Path(path)) if path else None
    config.registry["push"] = PageEventPublisher(settings.get("push.url", ""))
    config.registry["incidents.pace"] = CheckThrottle()
    config.registry["crowd"] = ViewerCountCache()
    config.registry["stand_ins"] = FallbackGroups(settings["conference"].rooms)
    config.registry["regions"] = Regions(
        settings["conference"].site.regions, settings["region.header"], settings["region.file"]
    )
    # Tests put another clock here.
    config.registry["clock"] = lambda: datetime.now(UTC)
    config.add_request_method(lambda request: request.registry["clock"](), "now", reify=True)
    for name, make in SERVICES.items():
        config.add_request_method(make, name, reify=True)
