"""The pages of the conferences of a site: one app each, below ``/NAME/``.

An app is built at the first request for its conference, so that an archive costs nothing until
somebody visits it. The folders are scanned again every few seconds.
"""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from pyramid.httpexceptions import HTTPServiceUnavailable

from streaming_system.config import ConfigError
from streaming_system.config.events import (
    event_settings,
    events_folder,
    find_name_problem,
    list_event_folders,
)
from streaming_system.schedule.event_dates import load_dates
from streaming_system.util.log_once import LogOnce
from streaming_system.web.normalised_query import quote_query

log = logging.getLogger(__name__)

SCAN_INTERVAL = 2.0  # seconds
# A conference that cannot be loaded is tried again after this time.
RETRY_INTERVAL = 5.0  # seconds
REDIRECT_MAX_AGE = 3600  # seconds
# Of more archives in memory, those that were loaded first are removed.
MAX_ARCHIVES = 4


class EventSites:
    """Passes the requests for each conference to its app. Thread-safe.

    :param settings: of the site.
    :param create: builds the app of a conference from its settings; raises ``SystemExit`` if its
        folder is invalid.
    :param rooms: returns the ids of the site's own rooms, which have precedence.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        create: Callable[[dict[str, Any]], WSGIApplication],
        rooms: Callable[[], Collection[str]],
    ) -> None:
        self._settings, self._create, self._rooms = settings, create, rooms
        self._folder = events_folder(settings)
        self._lock = threading.Lock()
        self._apps: OrderedDict[str, WSGIApplication] = OrderedDict()
        self._retry_at: dict[str, float] = {}
        self._names: tuple[str, ...] = ()
        self._scanned_at = float("-inf")
        self._problems = LogOnce(log)

    def names(self) -> tuple[str, ...]:
        """Return the names of the conferences in alphabetical order."""
        now = time.monotonic()
        if self._folder and now - self._scanned_at >= SCAN_INTERVAL:
            self._scanned_at = now
            self._names = tuple(self._scan())
        return self._names

    def event_settings(self, name: str) -> dict[str, Any]:
        """Return the settings of a conference.

        :raises ConfigError: if it has been removed.
        """
        return event_settings(self._settings, name)

    def find(self, environ: WSGIEnvironment) -> WSGIApplication | None:
        """Return the app for a request; ``None`` if it is not for a conference."""
        name, slash, _ = environ["PATH_INFO"].removeprefix("/").partition("/")
        if name not in self.names():
            return None
        if not slash:
            # A form must not be sent to another address.
            is_page_request = environ["REQUEST_METHOD"] in ("GET", "HEAD")
            return _redirect_to_index if is_page_request else None
        app = self._app(name)
        return mount(app, name) if app else _unavailable

    def _scan(self) -> Iterable[str]:
        listed = list_event_folders(self._settings)
        rooms = self._rooms()
        folder = Path(self._folder or "")
        for name in listed:
            if problem := find_name_problem(name, rooms):
                self._problems.warn(str(folder / name), problem)
            else:
                self._problems.resolve(str(folder / name))
                yield name
        for name in set(self._apps) - set(listed):
            # While an editor replaces the configuration, the old one stays in service.
            if (folder / name).is_dir():
                yield name
            else:
                self._apps.pop(name, None)

    def _app(self, name: str) -> WSGIApplication | None:
        app = self._apps.get(name)
        if app is not None:
            return app
        with self._lock:
            if name not in self._apps and self._retry_at.get(name, 0.0) <= time.monotonic():
                self._build(name)
            return self._apps.get(name)

    def _build(self, name: str) -> None:
        place = str(Path(self._folder or "") / name)
        try:
            settings = self.event_settings(name)
            app = self._create(settings)
        except (ConfigError, SystemExit) as error:
            self._problems.warn(place, f"is not in service: {' '.join(str(error).split())}")
            self._retry_at[name] = time.monotonic() + RETRY_INTERVAL
            return
        self._problems.resolve(place)
        self._retry_at.pop(name, None)
        self._apps[name] = app
        self._evict_archives(datetime.now().astimezone())

    def _evict_archives(self, now: datetime) -> None:
        folder = Path(self._folder or "")
        archives = [
            name
            for name in self._apps
            if (dates := load_dates(folder / name / "var/schedule.json")) and dates.is_archive(now)
        ]
        for name in archives[:-MAX_ARCHIVES]:
            del self._apps[name]


def mount(app: WSGIApplication, name: str) -> WSGIApplication:
    """Return an app that is below ``/NAME``."""

    def mounted(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        prefix = f"/{name}"
        environ = {
            **environ,
            "SCRIPT_NAME": environ["SCRIPT_NAME"] + prefix,
            "PATH_INFO": environ["PATH_INFO"].removeprefix(prefix),
        }
        return app(environ, start_response)

    return mounted


def _redirect_to_index(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Add the slash: pages of a conference are below ``/NAME/``."""
    # A relative address depends on no header.
    path = f"{environ['SCRIPT_NAME']}{environ['PATH_INFO']}/"
    query = quote_query(environ.get("QUERY_STRING", ""))
    headers = [
        ("Location", f"{path}?{query}" if query else path),
        ("Content-Length", "0"),
        ("Cache-Control", f"public, max-age={REDIRECT_MAX_AGE}"),
    ]
    start_response("301 Moved Permanently", headers)
    return []


def _unavailable(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Respond for a conference whose folder is invalid."""
    response = HTTPServiceUnavailable("This conference is not available at the moment.")
    response.headers.update({"Retry-After": "10", "Cache-Control": "no-store"})
    app: WSGIApplication = response
    return app(environ, start_response)
