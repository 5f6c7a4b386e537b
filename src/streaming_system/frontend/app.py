"""Builds the app of the pages for one state of the site."""

from pathlib import Path
from typing import Any

from pyramid.config import Configurator
from pyramid.settings import asbool

from streaming_system.config import MastodonFeed
from streaming_system.config.events import EVENT_KEY, room_prefix
from streaming_system.frontend.brand import BrandFolder
from streaming_system.frontend.event_list import EventList
from streaming_system.frontend.event_resources import event_resources
from streaming_system.frontend.event_sites import EventSites
from streaming_system.frontend.i18n import DOMAIN
from streaming_system.frontend.mastodon import Timeline, create_feeds
from streaming_system.frontend.page_cache import MAX_CACHE_BYTES, PageCache, add_response_cache
from streaming_system.frontend.previews import PreviewStore
from streaming_system.frontend.relive.background_resource import BackgroundFetcher
from streaming_system.frontend.relive.watch_again import RecordingSources, TalkRecordings
from streaming_system.frontend.request_methods import utc_now
from streaming_system.frontend.schedule_page.schedule_view import ScheduleViewCaches
from streaming_system.frontend.schedule_page.talk_html import TalkHtmlCache
from streaming_system.frontend.site_state import SiteState
from streaming_system.frontend.tracker_client import (
    PUSH_REFRESH_INTERVAL,
    REFRESH_INTERVAL,
    PolledResource,
    parse_incidents,
    parse_rooms,
    parse_streams,
)
from streaming_system.net.ssrf import Networks
from streaming_system.schedule.event_dates import ArchiveCheck
from streaming_system.schedule.recordings import RecordingsStore, recordings_file
from streaming_system.schedule.store import ScheduleStore
from streaming_system.web.request_guard import RequestGuardMiddleware

JINJA2_SETTINGS = {
    "jinja2.trim_blocks": "true",
    "jinja2.lstrip_blocks": "true",
    "jinja2.i18n.domain": DOMAIN,
    "jinja2.newstyle": "true",
    "jinja2.filters": "plain = streaming_system.frontend.social_meta:plain_summary",
}
# What an app creates once, for all later versions of itself as well: counters go on, and the
# exporter of traces has a thread.
CREATED_ONCE = ("metrics", "assets", "telemetry")


class SharedObjects:
    """Objects that outlive a change of the configuration; they depend on the ini file only.

    :param networks: the allowed private networks.
    :param site: the objects of the site, for one of its conferences.
    :param events: the conferences of the site.
    """

    def __init__(
        self,
        settings: dict[str, Any],
        networks: Networks,
        *,
        site: "SharedObjects | None" = None,
        events: EventSites | None = None,
    ) -> None:
        brand, previews = settings.get("brand.folder"), settings.get("preview.folder")
        self.brand = BrandFolder(Path(brand) if brand else None)
        self._networks = networks
        self._feeds: dict[MastodonFeed, Timeline] = {}
        self._recording_sources = RecordingSources(BackgroundFetcher(networks))
        self._recordings = RecordingsStore(recordings_file(Path(settings["schedule.file"])))
        schedule = ScheduleStore(Path(settings["schedule.file"]))
        prefix = room_prefix(settings.get(EVENT_KEY, ""))
        self._objects: dict[str, Any] = {
            "brand": self.brand,
            "schedule": schedule,
            "events": events,
            "event_list": EventList(events) if events else None,
            "preview_store": PreviewStore(Path(previews) if previews else None, prefix),
        }
        if site is None:
            self._objects |= _tracker_resources(settings)
            return
        is_archive = ArchiveCheck(schedule, settings.get("clock", utc_now))
        self._objects["is_archive"] = is_archive
        self._objects |= event_resources(site._objects, prefix, is_archive)
        self._objects |= {
            name: site._objects[name] for name in CREATED_ONCE if name in site._objects
        }

    def add_to(self, registry: Any, state: SiteState) -> None:
        """Add the objects to the registry of an app that is being built."""
        registry.update(self._objects)
        # The posts of a feed that is still configured stay.
        self._feeds = {
            feed: self._feeds.get(feed) or timeline
            for feed, timeline in create_feeds(state.conference, self._networks).items()
        }
        registry["mastodon_feeds"] = self._feeds
        registry["talk_recordings"] = TalkRecordings(
            self._recording_sources.of_rooms(state.conference), self._recordings
        )

    def take_from(self, registry: Any) -> None:
        """Take over what the first app has created."""
        for name in CREATED_ONCE:
            if name in registry:
                self._objects.setdefault(name, registry[name])


def _tracker_resources(settings: dict[str, Any]) -> dict[str, PolledResource[Any]]:
    tracker = settings.get("tracker.internal_url", "")
    # A page refetches as soon as it is notified of a change.
    interval = PUSH_REFRESH_INTERVAL if settings["push.url"] else REFRESH_INTERVAL
    return {
        "room_statuses": PolledResource(
            tracker, "/streams.json", parse_streams, refresh_interval=interval
        ),
        "room_audiences": PolledResource(tracker, "/api/v1/rooms", parse_rooms),
        "open_incidents": PolledResource(tracker, "/api/v1/incidents", parse_incidents),
    }


def build_app(
    settings: dict[str, Any], state: SiteState, shared: SharedObjects
) -> RequestGuardMiddleware:
    """Return the app of a state."""
    settings = settings | JINJA2_SETTINGS
    settings |= {"conference": state.conference, "site_state": state}
    with Configurator(settings=settings) as config:
        shared.add_to(config.registry, state)
        config.registry["schedule_views"] = ScheduleViewCaches()
        max_bytes = 0 if asbool(settings.get("pyramid.reload_templates")) else MAX_CACHE_BYTES
        config.registry["page_cache"] = PageCache(max_bytes)
        # Exports are the most expensive to render; pages must not evict them.
        config.registry["export_cache"] = PageCache(max_bytes)
        config.registry["talk_html"] = TalkHtmlCache(max_bytes)
        config.include("pyramid_jinja2")
        config.add_jinja2_search_path("streaming_system.frontend:templates")
        config.include("streaming_system.frontend.theming")
        config.include("streaming_system.frontend.request_methods")
        config.include("streaming_system.frontend.i18n")
        config.include("streaming_system.frontend.social_meta")
        config.include("streaming_system.frontend.routes")
        config.include("streaming_system.frontend.address_redirects")
        config.include("streaming_system.web.request_id")
        config.include("streaming_system.web.request_guard")
        config.include("streaming_system.web.telemetry")
        config.include("streaming_system.frontend.metrics")
        config.include("streaming_system.frontend.http_cache")
        config.include("streaming_system.frontend.security_headers")
        # A conference has neither the list of all of them nor what belongs to the process.
        modules = ("health", "metrics", "events") if EVENT_KEY in settings else ("events",)
        others = () if config.registry["events"] else modules
        views = "streaming_system.frontend.views"
        config.scan(views, ignore=[f"{views}.{name}" for name in others])
        config.scan("streaming_system.frontend.errors")
    app = config.make_wsgi_app()
    shared.take_from(config.registry)
    return RequestGuardMiddleware(add_response_cache(app, config.get_settings()))
