"""What `streaming-system tracker watch` does: looks what is wrong, and has it told."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.net.page_events import PageEventPublisher
from streaming_system.schedule.store import ScheduleStore
from streaming_system.tracker.db.session import is_unavailable_error, make_engine, require_tables
from streaming_system.tracker.endpoints.endpoints import Endpoints
from streaming_system.tracker.incidents.incidents import IncidentNotification, Incidents
from streaming_system.tracker.settings import StartupError, load_settings

__all__ = ["IncidentMonitor", "IncidentNotification", "StartupError"]

log = logging.getLogger(__name__)


class IncidentMonitor:
    """Looks again and again. One is enough for a tracker, however many processes serve it.

    :param ini: what the ini says to ``[app:tracker]``.
    :param tell: tells whoever wants to hear it; returns whether all of them have heard it.
    :raises StartError: if the configuration is wrong or the database cannot be used.
    """

    def __init__(
        self, ini: Mapping[str, str], tell: Callable[[IncidentNotification], bool]
    ) -> None:
        self._settings: Mapping[str, Any] = load_settings(ini)
        path = ini.get("schedule.file")
        self._schedule = ScheduleStore(Path(path)) if path else None
        self._engine = make_engine(ini)
        self._tell = tell
        self._failing = False
        self._push = PageEventPublisher(ini.get("push.url", ""))
        self._live: frozenset[str] | None = None
        require_tables(self._engine)

    def look(self) -> bool:
        """Look once, and tell what is new. Return whether the database could be used."""
        try:
            with self._incidents() as incidents:
                incidents.check(now=datetime.now(UTC))
            with self._incidents() as incidents:
                news = incidents.news(now=datetime.now(UTC))
            for item in news:
                # Nothing waits for plugins: they are told between two transactions. One that is
                # killed between telling and remembering tells once more, which beats never.
                if self._tell(item):
                    with self._incidents() as incidents:
                        incidents.told(item)
            self._tell_pages()
        except sa.exc.DBAPIError as error:
            if not is_unavailable_error(error):
                raise
            # Said once, not every ten seconds.
            if not self._failing:
                log.error("the database failed: %s; trying again", error.orig or error)
            self._failing = True
            return False
        if self._failing:
            log.warning("the database is back")
        self._failing = False
        return True

    def _tell_pages(self) -> None:
        """Tell open pages when a room has come or gone; nobody else sees that one falls silent."""
        with Session(self._engine) as db:
            endpoints = Endpoints(db).alive(now=datetime.now(UTC))
            live = frozenset(endpoint.room for endpoint in endpoints)
        self._engine.dispose()
        if live != self._live and self._live is not None:
            self._push.publish("streams")
        self._live = live

    @contextmanager
    def _incidents(self) -> Iterator[Incidents]:
        conference = self._settings["conference"]
        try:
            with Session(self._engine) as db, db.begin():
                yield Incidents(db, conference, self._schedule, self._settings)
        finally:
            # Plugins run in forks, which must not share a connection with us.
            self._engine.dispose()
