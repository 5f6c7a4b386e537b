"""The pages for viewers. They need the configuration and one schedule file."""

import logging
from pathlib import Path
from typing import Any

from pyramid.config import Configurator
from pyramid.settings import asbool

from streaming_system.config import ConfigError, load_conference_from_settings
from streaming_system.config.ini_file import FRONTEND_KEYS, require_valid_ini
from streaming_system.frontend.i18n import DOMAIN
from streaming_system.frontend.mastodon import create_feeds
from streaming_system.frontend.page_cache import MAX_CACHE_BYTES, PageCache, add_response_cache
from streaming_system.frontend.previews import PreviewStore
from streaming_system.frontend.schedule_page.schedule_view import ScheduleViewCache
from streaming_system.frontend.schedule_page.talk_html import TalkHtmlCache
from streaming_system.frontend.theming import ThemeProvider
from streaming_system.frontend.tracker_client import (
    PUSH_REFRESH_INTERVAL,
    REFRESH_INTERVAL,
    PolledResource,
    parse_incidents,
    parse_rooms,
    parse_streams,
)
from streaming_system.net.ssrf import NetworkSettingError, parse_allowed_networks
from streaming_system.schedule.store import ScheduleStore
from streaming_system.theme import ThemeError
from streaming_system.util.renamed_settings import find_renamed_setting
from streaming_system.web.request_guard import RequestGuardMiddleware

log = logging.getLogger(__name__)

JINJA2_SETTINGS = {
    "jinja2.trim_blocks": "true",
    "jinja2.lstrip_blocks": "true",
    "jinja2.i18n.domain": DOMAIN,
    "jinja2.newstyle": "true",
    "jinja2.filters": "plain = streaming_system.frontend.social_meta:plain_summary",
}


def main(global_config: dict[str, str], **local: str) -> Any:
    """Return the frontend WSGI application.

    :raises SystemExit: with one line for each error, if the configuration is invalid.
    """
    settings: dict[str, Any] = {**global_config, **local}
    if renamed := find_renamed_setting(settings):
        raise SystemExit(renamed)
    try:
        require_valid_ini(settings, "frontend", FRONTEND_KEYS)
        settings["conference"] = load_conference_from_settings(settings)
        settings["themes"] = ThemeProvider.from_settings(settings)
        networks = parse_allowed_networks(settings)
    except (ConfigError, ThemeError, NetworkSettingError) as error:
        raise SystemExit(str(error)) from None
    for warning in settings["conference"].warnings:
        log.warning("%s", warning)
    if not settings.get("schedule.file"):
        raise SystemExit("the ini file lacks the key schedule.file in [DEFAULT]")
    settings.setdefault("tracker.url", "/tracker")
    settings.setdefault("push.url", "")
    settings |= JINJA2_SETTINGS
    with Configurator(settings=settings) as config:
        config.registry["schedule"] = ScheduleStore(Path(settings["schedule.file"]))
        config.registry["schedule_views"] = ScheduleViewCache(settings["conference"])
        reloads_templates = asbool(settings.get("pyramid.reload_templates"))
        max_bytes = 0 if reloads_templates else MAX_CACHE_BYTES
        config.registry["page_cache"] = PageCache(max_bytes)
        # Exports are the most expensive to render; pages must not evict them.
        config.registry["export_cache"] = PageCache(max_bytes)
        config.registry["talk_html"] = TalkHtmlCache(max_bytes)
        folder = settings.get("preview.folder")
        config.registry["preview_store"] = PreviewStore(Path(folder) if folder else None)
        tracker = settings.get("tracker.internal_url", "")
        # A page refetches as soon as it is notified of a change.
        interval = PUSH_REFRESH_INTERVAL if settings["push.url"] else REFRESH_INTERVAL
        config.registry["room_statuses"] = PolledResource(
            tracker, "/streams.json", parse_streams, refresh_interval=interval
        )
        config.registry["room_audiences"] = PolledResource(tracker, "/api/v1/rooms", parse_rooms)
        config.registry["open_incidents"] = PolledResource(
            tracker, "/api/v1/incidents", parse_incidents
        )
        config.registry["mastodon_feeds"] = create_feeds(settings["conference"], networks)
        config.include("pyramid_jinja2")
        config.add_jinja2_search_path("streaming_system.frontend:templates")
        config.include(".theming")
        config.include(".request_methods")
        config.include(".i18n")
        config.include(".social_meta")
        config.include(".routes")
        config.include("streaming_system.web.request_id")
        config.include("streaming_system.web.request_guard")
        config.include("streaming_system.web.telemetry")
        config.include(".metrics")
        config.include(".http_cache")
        config.include(".security_headers")
        config.scan(".views")
        config.scan(".errors")
    app = add_response_cache(config.make_wsgi_app(), config.get_settings())
    return RequestGuardMiddleware(app)
