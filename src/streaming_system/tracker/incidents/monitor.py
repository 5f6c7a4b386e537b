"""The incident monitor, which `streaming-system tracker watch` runs."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.net.page_events import PageEventPublisher
from streaming_system.tracker.db.session import (
    is_unavailable_error,
    make_engine,
    require_tables,
)
from streaming_system.tracker.endpoints.endpoints import Endpoints
from streaming_system.tracker.event_rooms import EventRooms, SiteSchedules
from streaming_system.tracker.incidents.incidents import IncidentNotification, Incidents
from streaming_system.tracker.settings import StartupError, load_conference, load_settings
from streaming_system.web.reloader import Reloader

__all__ = ["IncidentMonitor", "IncidentNotification", "StartupError"]

log = logging.getLogger(__name__)


class IncidentMonitor:
    """Checks for incidents periodically. A tracker needs one, however many workers it has.

    :param ini: the settings of ``[app:tracker]``.
    :param notify: notifies all plugins; returns whether every plugin succeeded.
    :raises StartupError: if the configuration is invalid or the database is unusable.
    """

    def __init__(
        self, ini: Mapping[str, str], notify: Callable[[IncidentNotification], bool]
    ) -> None:
        self._settings: Mapping[str, Any] = load_settings(ini)
        self._conferences = Reloader(
            partial(load_conference, ini, events=EventRooms()), "configuration"
        )
        path = ini.get("schedule.file")
        self._schedule = SiteSchedules(Path(path), ini) if path else None
        self._engine = make_engine(ini)
        self._notify = notify
        self._is_failing = False
        self._publisher = PageEventPublisher(ini.get("push.url", ""))
        self._live_rooms: frozenset[str] | None = None
        require_tables(self._engine)

    def run_once(self) -> bool:
        """Check once, and notify plugins and pages. Return whether the database was available."""
        try:
            with self._incidents() as incidents:
                incidents.check(now=datetime.now(UTC))
            with self._incidents() as incidents:
                notifications = incidents.pending_notifications(now=datetime.now(UTC))
            for notification in notifications:
                # Plugins run between two transactions, so that no lock waits for them. After a
                # crash between both, a plugin is notified twice rather than never.
                if self._notify(notification):
                    with self._incidents() as incidents:
                        incidents.mark_notified(notification)
            self._notify_pages()
        except sa.exc.DBAPIError as error:
            if not is_unavailable_error(error):
                raise
            # One line for an outage, not one for each attempt.
            if not self._is_failing:
                log.error("the database failed: %s; trying again", error.orig or error)
            self._is_failing = True
            return False
        if self._is_failing:
            log.warning("the database is back")
        self._is_failing = False
        return True

    def _notify_pages(self) -> None:
        """Notify open pages of rooms that went live or silent.

        No request reports a silent room, so only the monitor notices.
        """
        with Session(self._engine) as db:
            endpoints = Endpoints(db).alive(now=datetime.now(UTC))
            live_rooms = frozenset(endpoint.room for endpoint in endpoints)
        self._engine.dispose()
        if live_rooms != self._live_rooms and self._live_rooms is not None:
            self._publisher.publish("streams")
        self._live_rooms = live_rooms

    @contextmanager
    def _incidents(self) -> Iterator[Incidents]:
        conference = self._conferences.current()
        try:
            with Session(self._engine) as db, db.begin():
                yield Incidents(db, conference, self._schedule, self._settings)
        finally:
            # Plugins run in forked processes, which must not inherit a connection.
            self._engine.dispose()
