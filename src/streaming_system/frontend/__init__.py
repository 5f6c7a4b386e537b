"""The pages that viewers see. They need checked configuration and one schedule file, no more."""

from pathlib import Path
from typing import Any

from pyramid.config import Configurator
from pyramid.settings import asbool

from streaming_system.config import ConfigError, load_conference_from_settings
from streaming_system.frontend.i18n import DOMAIN
from streaming_system.frontend.mastodon import sources_of_posts
from streaming_system.frontend.page_cache import MOST_PAGES, KeptPages, keep_answers
from streaming_system.frontend.previews import Previews
from streaming_system.frontend.schedule_page.schedule_view import Programmes
from streaming_system.frontend.theming import Themes
from streaming_system.frontend.tracker_client import (
    FRESH_FOR,
    FRESH_WITH_PUSH,
    Asked,
    read_live,
    read_watched,
    read_wrong,
)
from streaming_system.net.ssrf import NetworkSettingError, parse_allowed_networks
from streaming_system.schedule.store import ScheduleStore
from streaming_system.theme import ThemeError
from streaming_system.web.startup import nothing_is_garbage
from streaming_system.web.template_cache import include_templates

# How pages' templates are read.
TEMPLATES = {
    "jinja2.trim_blocks": "true",
    "jinja2.lstrip_blocks": "true",
    "jinja2.i18n.domain": DOMAIN,
    "jinja2.newstyle": "true",
    "jinja2.filters": "plain = streaming_system.frontend.social_meta:plain",
}


@nothing_is_garbage()
def main(global_config: dict[str, str], **local: str) -> Any:
    """Return the frontend WSGI application.

    A mistake in the configuration ends the process with one line.
    """
    settings: dict[str, Any] = {**global_config, **local}
    try:
        settings["conference"] = load_conference_from_settings(settings)
        settings["themes"] = Themes.from_settings(settings)
        networks = parse_allowed_networks(settings)
    except (ConfigError, ThemeError, NetworkSettingError) as error:
        raise SystemExit(str(error)) from None
    if not settings.get("schedule.file"):
        raise SystemExit("the ini file lacks the key schedule.file in [DEFAULT]")
    settings.setdefault("tracker.url", "/tracker")
    settings.setdefault("push.url", "")
    settings |= TEMPLATES
    with Configurator(settings=settings) as config:
        config.registry["schedule"] = ScheduleStore(Path(settings["schedule.file"]))
        config.registry["programmes"] = Programmes(settings["conference"])
        # Where templates are being written, pages are rendered each time.
        reloads = asbool(settings.get("pyramid.reload_templates"))
        config.registry["kept"] = KeptPages(0 if reloads else MOST_PAGES)
        folder = settings.get("preview.folder")
        config.registry["previews"] = Previews(Path(folder) if folder else None)
        tracker = settings.get("tracker.internal_url", "")
        # Pages that are told of a change ask at once.
        fresh_for = FRESH_WITH_PUSH if settings["push.url"] else FRESH_FOR
        config.registry["live"] = Asked(tracker, "/streams.json", read_live, fresh_for=fresh_for)
        config.registry["watched"] = Asked(tracker, "/api/v1/rooms", read_watched)
        config.registry["wrong"] = Asked(tracker, "/api/v1/incidents", read_wrong)
        config.registry["posts"] = sources_of_posts(settings["conference"], networks)
        include_templates(config)
        config.add_jinja2_search_path("streaming_system.frontend:templates")
        config.include(".theming")
        config.include(".request_methods")
        config.include(".i18n")
        config.include(".social_meta")
        config.include(".routes")
        config.include("streaming_system.web.request_id")
        config.include("streaming_system.web.telemetry")
        config.include("streaming_system.web.request_factory")
        config.include(".http_cache")
        config.include(".security_headers")
        config.scan(".views")
        config.scan(".errors")
    return keep_answers(config.make_wsgi_app(), config.get_settings())
