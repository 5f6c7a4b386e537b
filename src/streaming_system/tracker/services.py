"""Registers the services: plain classes over a session that know nothing of HTTP."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from streaming_system.net.page_events import PageEventPublisher
from streaming_system.tracker.audience.playback import PlaybackService
from streaming_system.tracker.audience.rated_talks import RatedTalks
from streaming_system.tracker.audience.talk_feedback import TalkFeedbackStore
from streaming_system.tracker.audience.viewer_history import ViewerHistory
from streaming_system.tracker.audience.viewers import ViewerCountCache, Viewers
from streaming_system.tracker.captions.captions import Captions
from streaming_system.tracker.crew.annotations import Annotations
from streaming_system.tracker.crew.audit import AuditLog
from streaming_system.tracker.crew.event_changes import EventChanges
from streaming_system.tracker.crew.server_keys import ServerKeys
from streaming_system.tracker.crew.tokens import Tokens
from streaming_system.tracker.endpoints.endpoints import Endpoints
from streaming_system.tracker.endpoints.stream_directory import StreamDirectory
from streaming_system.tracker.event_rooms import SiteSchedules
from streaming_system.tracker.history.time_series import TimeSeriesQuery
from streaming_system.tracker.incidents.incidents import CheckThrottle, Incidents
from streaming_system.tracker.logs.ingest import AccessLogs
from streaming_system.tracker.pipeline.pipeline import Pipeline
from streaming_system.tracker.publishing.stream_keys import StreamKeys
from streaming_system.tracker.reminders.scheduled_talks import ScheduledTalksCache
from streaming_system.tracker.reminders.subscriptions import ReminderStore

# The services by the name of the request attribute.
SERVICES: dict[str, Callable[[Any], Any]] = {
    "annotations": lambda r: Annotations(r.db),
    "audience": lambda r: ViewerHistory(r.db, r.ended_rooms),
    "audit": lambda r: AuditLog(r.db),
    "captions": lambda r: Captions(r.db, r.registry["bounds"]),
    "directory": lambda r: StreamDirectory(
        r.endpoints, r.conference, r.registry.settings["endpoint.url"]
    ),
    "endpoints": lambda r: Endpoints(
        r.db, on_change=lambda: _notify_pages(r), fallback_groups=r.fallback_groups
    ),
    "history": lambda r: TimeSeriesQuery(r.db, r.registry.settings),
    "incidents": lambda r: Incidents(
        r.db,
        r.conference,
        r.registry["schedule"],
        r.registry.settings,
        r.registry["bounds"].on_reached,
    ),
    "keys": lambda r: ServerKeys(r.db),
    "logs": lambda r: AccessLogs(r.db, r.registry.settings, r.registry["bounds"]),
    "pipeline": lambda r: Pipeline(r.db, r.registry["bounds"]),
    "playback": lambda r: PlaybackService(
        r.db,
        r.registry.settings,
        r.registry["viewer_counts"],
        r.fallback_groups,
        r.registry["bounds"],
        r.registry["admit_player"],
        r.ended_rooms,
    ),
    "reminders": lambda r: ReminderStore(r.db, r.registry["bounds"]),
    "site_changes": lambda r: EventChanges(
        r.db, r.registry.settings, account=r.identity.name if r.identity else ""
    ),
    "stream_keys": lambda r: StreamKeys(r.db),
    "talk_feedback": lambda r: TalkFeedbackStore(r.db, r.registry["bounds"]),
    "tokens": lambda r: Tokens(r.db),
    "viewers": lambda r: Viewers(r.db, r.fallback_groups, r.ended_rooms),
}


def _notify_pages(request: Any) -> None:
    """Notify open pages after the commit that the list of live rooms may have changed."""

    def notify(committed: bool) -> None:
        if committed:
            request.registry["page_events"].publish_async("streams")

    request.tm.get().addAfterCommitHook(notify)


def includeme(config: Any) -> None:
    """Add the services to requests, and ``request.now``, one time for the whole request."""
    settings = config.get_settings()
    path = settings.get("schedule.file")
    config.registry["services"] = tuple(SERVICES)
    config.registry["schedule"] = SiteSchedules(Path(path), settings) if path else None
    config.registry["rated_talks"] = RatedTalks(config.registry["schedule"], settings)
    config.registry["scheduled_talks"] = ScheduledTalksCache(config.registry["schedule"], settings)
    config.registry["page_events"] = PageEventPublisher(settings.get("push.url", ""))
    config.registry["incident_throttle"] = CheckThrottle()
    config.registry["viewer_counts"] = ViewerCountCache()
    # Tests replace the clock.
    config.registry["clock"] = lambda: datetime.now(UTC)
    config.add_request_method(lambda request: request.registry["clock"](), "now", reify=True)
    for name, factory in SERVICES.items():
        config.add_request_method(factory, name, reify=True)
