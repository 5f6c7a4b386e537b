"""The app of the pages, which is built again when the configuration, theme or catalogues change.

A change is noticed by the next request (:mod:`streaming_system.web.reloader`). The new app is built
completely, and then replaces the old one in one step; requests in progress end in the old one. So
whatever is derived from the configuration (routes, headers, caches, templates) has one version.
"""

import logging
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from streaming_system.config import ConfigError
from streaming_system.config.differences import describe_differences
from streaming_system.config.events import events_folder
from streaming_system.config.worker_records import WorkerRecord, trigger_file
from streaming_system.frontend.app import SharedObjects, build_app
from streaming_system.frontend.event_sites import EventSites
from streaming_system.frontend.i18n import LanguageError
from streaming_system.frontend.site_state import SiteState, load_site_state
from streaming_system.net.ssrf import Networks
from streaming_system.theme import ThemeError
from streaming_system.util.file_watch import FileWatch
from streaming_system.web.reloader import Reloader, ReloadStatus
from streaming_system.web.request_guard import RequestGuardMiddleware

log = logging.getLogger(__name__)

Version = tuple[SiteState, RequestGuardMiddleware]


class LiveSite:
    """A WSGI app that passes each request to the app of the current configuration.

    :param networks: the allowed private networks.
    :param site: the site that this one is a conference of; ``None`` for the site itself.
    :raises SystemExit: with a one-line message if the configuration is invalid.
    """

    def __init__(
        self, settings: dict[str, Any], networks: Networks, site: SharedObjects | None = None
    ) -> None:
        self._settings = settings
        self._events = (
            EventSites(
                settings,
                lambda derived: LiveSite(derived, networks, self._shared),
                lambda: self._reloader.value[0].conference.rooms,
            )
            if events_folder(settings)
            else None
        )
        self._shared = SharedObjects(settings, networks, site=site, events=self._events)
        self._record = WorkerRecord(settings, "frontend")
        self._reloader: Reloader[Version] = Reloader(
            self._load,
            "configuration",
            trigger=trigger_file(settings),
            describe=_describe,
            on_check=self._write_record,
        )

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Handle a request."""
        if self._events and (event := self._events.find(environ)):
            return event(environ, start_response)
        return self._reloader.current()[1](environ, start_response)

    @property
    def registry(self) -> Any:
        """The registry of the current app."""
        return self._reloader.value[1].registry

    @property
    def app(self) -> WSGIApplication:
        """The current app behind its cache."""
        return self._reloader.value[1].app

    @app.setter
    def app(self, app: WSGIApplication) -> None:
        self._reloader.value[1].app = app

    def _load(self, watch: FileWatch) -> Version:
        try:
            state = load_site_state(self._settings, watch)
        except (ConfigError, ThemeError, LanguageError) as error:
            raise SystemExit(str(error)) from None
        for warning in state.conference.warnings:
            log.warning("%s", warning)
        return state, build_app(self._settings, state, self._shared)

    def _write_record(self, status: ReloadStatus, version: Version) -> None:
        refusal = status.refusal or self._shared.brand.refusal
        self._record.update(status, refusal, version[0].summary)


def _describe(old: Version, new: Version) -> str:
    return "; ".join(describe_differences(old[0].summary(), new[0].summary()))
