"""What a worker is told all the time: reports of players and endpoints, written together."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from streaming_system.tracker.audience.viewers import ViewerCountCache
from streaming_system.tracker.db.persistent_connection import PersistentConnection
from streaming_system.tracker.endpoints.fallback_groups import FallbackGroups
from streaming_system.tracker.ingest import endpoints, playback
from streaming_system.tracker.ingest.endpoints import EndpointReport, RegistrationResult
from streaming_system.tracker.ingest.group_commit import GroupCommit
from streaming_system.tracker.ingest.playback import PlayerReport

# PostgreSQL ends one of several transactions that cannot all be done: that one can be tried again.
_RETRYABLE_SQLSTATE_CLASS = "40"


class ReportIngest:
    """Takes the reports that come to this process; those that come at once share a transaction.

    Each is in the database before it is answered.

    :param settings: the app's, for the keys ``report.*``.
    :param crowd: this process's idea of how many watch.
    :param changed: is called when an endpoint has come.
    :param stand_ins: on whose endpoints players of a room may be, besides its own.
    """

    def __init__(
        self,
        engine: sa.Engine,
        settings: Mapping[str, Any],
        crowd: ViewerCountCache,
        changed: Callable[[], None] = lambda: None,
        stand_ins: FallbackGroups | None = None,
    ) -> None:
        # The transactions are those of writers from the beginning: see db.begin_writing.
        self._engine = engine.execution_options(sqlite_immediate=True)
        self._pace = playback.ReportScheduler(settings, crowd)
        self._changed = changed
        self._stand_ins = stand_ins or FallbackGroups()
        most = settings["report.together"]
        self._players = GroupCommit(self._write_players, hopeless=_is_fatal, most=most)
        self._endpoints = GroupCommit(self._write_endpoints, hopeless=_is_fatal, most=most)
        # SQLite has no round trips to save, and a distributed database wants one row at a time.
        self._goes_on = engine.dialect.name == "postgresql" and most > 1
        self._for_players, self._for_endpoints = (
            PersistentConnection(engine),
            PersistentConnection(engine),
        )
        self._steady_players = GroupCommit(self._players_go_on, hopeless=_is_fatal, most=most)
        self._steady_endpoints = GroupCommit(self._endpoints_go_on, hopeless=_is_fatal, most=most)

    def player(self, report: PlayerReport, *, now: datetime) -> int:
        """Take a player's report, and return in how many seconds the next is due; 0 for never."""
        # Who has played nothing yet has just come.
        due = self._steady_players.do((report, now)) if self._goes_on and report.played_ms else None
        return self._players.do((report, now)) if due is None else due

    def endpoint(self, report: EndpointReport) -> RegistrationResult:
        """Take an endpoint's report, and return what is known of it besides."""
        registered = self._steady_endpoints.do(report) if self._goes_on else None
        if registered is None:
            registered = self._endpoints.do(report)
        if registered.came:
            self._changed()
        return registered

    def _write_players(self, reports: Sequence[tuple[PlayerReport, datetime]]) -> list[int]:
        with self._engine.begin() as connection:
            return playback.ingest(connection, reports, self._pace, self._stand_ins)

    def _write_endpoints(self, reports: Sequence[EndpointReport]) -> list[RegistrationResult]:
        with self._engine.begin() as connection:
            return endpoints.ingest(connection, reports)

    def _players_go_on(
        self, reports: Sequence[tuple[PlayerReport, datetime]]
    ) -> Sequence[int | None]:
        return self._for_players.run(
            lambda standing: playback.ingest_heartbeats(standing, reports, self._pace)
        )

    def _endpoints_go_on(
        self, reports: Sequence[EndpointReport]
    ) -> Sequence[RegistrationResult | None]:
        return self._for_endpoints.run(
            lambda standing: endpoints.ingest_heartbeats(standing, reports)
        )


def _is_fatal(error: BaseException) -> bool:
    """Tell whether the database cannot be used now, whatever is written."""
    if isinstance(error, sa.exc.TimeoutError) or not isinstance(error, Exception):
        return True
    if not isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError):
        return False
    return not (getattr(error.orig, "sqlstate", None) or "").startswith(_RETRYABLE_SQLSTATE_CLASS)


def includeme(config: Any) -> None:
    """Give the app its ``request.registry["reports"]``."""
    registry = config.registry
    registry["reports"] = ReportIngest(
        registry["db.sessions"].kw["bind"],
        config.get_settings(),
        registry["viewer_counts"],
        changed=lambda: registry["page_events"].publish_async("streams"),
        stand_ins=registry["fallback_groups"],
    )
