"""The tracker stores endpoints, viewers and their history. Other programs reach it by HTTP only."""

from typing import Any

from pyramid.config import Configurator

from streaming_system.tracker.response_cache import add_response_cache
from streaming_system.tracker.settings import StartupError, load_settings
from streaming_system.web.request_guard import RequestGuardMiddleware


def main(global_config: dict[str, str], **local: str) -> Any:
    """Return the tracker WSGI application.

    An invalid configuration ends the process with one line for each error.
    """
    try:
        settings = load_settings({**global_config, **local})
        # It would become outdated: requests have the current one.
        del settings["conference"]
        with Configurator(settings=settings) as config:
            config.include("pyramid_jinja2")
            # The database is opened after every other check, so that a failed start has nothing to
            # close.
            config.include("streaming_system.web.request_id")
            config.include("streaming_system.web.request_guard")
            config.include("streaming_system.web.telemetry")
            config.include(".live_configuration")
            config.include(".services")
            config.include(".metrics")
            config.include(".db.replica")
            config.include(".db.session")
            config.include(".db.bounds")
            config.include(".ingest.player_networks")
            config.include(".ingest.report_ingest")
            config.include(".db.outage_log")
            config.include(".db.readiness")
            config.include(".admin.security")
            config.include(".site_shell")
            config.include(".error_pages")
            config.include(".routes")
            config.include(".rate_limiting")
            config.include(".cors")
            config.include(".api")
            config.scan(".views")
        return RequestGuardMiddleware(add_response_cache(config.make_wsgi_app(), settings))
    except StartupError as error:
        raise SystemExit(str(error)) from None
