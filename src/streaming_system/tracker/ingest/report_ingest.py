"""Accepts reports of players and endpoints; concurrent ones share a transaction."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from streaming_system.tracker.audience.ended_rooms import EndedRooms
from streaming_system.tracker.audience.viewers import ViewerCountCache
from streaming_system.tracker.db.bounds import Bounds
from streaming_system.tracker.endpoints.fallback_groups import FallbackGroups
from streaming_system.tracker.ingest import endpoints, playback
from streaming_system.tracker.ingest.endpoint_report import EndpointReport
from streaming_system.tracker.ingest.endpoints import RefusedReport, RegistrationResult
from streaming_system.tracker.ingest.group_commit import GroupCommit
from streaming_system.tracker.ingest.playback import AdmitPlayer
from streaming_system.tracker.ingest.player_report import PlayerReport
from streaming_system.tracker.ingest.report_scheduler import ReportScheduler

# Transactions that PostgreSQL rolled back because of a conflict or deadlock can be retried.
_RETRYABLE_SQLSTATE_CLASS = "40"


class ReportIngest:
    """Accepts the reports that this process receives, and returns after they are committed.

    :param settings: the app's, for the keys ``report.*``.
    :param viewer_count: the number of viewers, cached by this process.
    :param on_new_endpoint: called after a new endpoint, or one that returns, is committed.
    :param bounds: of endpoints, and of the rows of tables.
    :param admit: returns why a new player is refused.
    :param ended_rooms: returns what finds the rooms whose players are no viewers.
    """

    def __init__(
        self,
        engine: sa.Engine,
        settings: Mapping[str, Any],
        viewer_count: ViewerCountCache,
        on_new_endpoint: Callable[[], None] = lambda: None,
        fallback_groups: Callable[[], FallbackGroups] = FallbackGroups,
        bounds: Bounds | None = None,
        admit: AdmitPlayer = lambda report: None,
        ended_rooms: Callable[[], EndedRooms] = EndedRooms,
    ) -> None:
        # SQLite must begin write transactions as such: see db.session.ensure_write_transaction.
        self._engine = engine.execution_options(sqlite_immediate=True)
        self._scheduler = ReportScheduler(settings, viewer_count, ended_rooms)
        self._on_new_endpoint = on_new_endpoint
        self._fallback_groups = fallback_groups
        self._bounds = bounds or Bounds({})
        self._admit = admit
        max_batch = settings["ingest.max_batch"]
        self._playback = GroupCommit(
            self._write_playback, is_fatal_error=_is_fatal, max_batch=max_batch
        )
        self._endpoints = GroupCommit(
            self._write_endpoints, is_fatal_error=_is_fatal, max_batch=max_batch
        )

    def submit_playback(self, report: PlayerReport, *, now: datetime) -> int:
        """Write a player's report, and return the seconds until its next one; 0 after the last.

        :raises Exception: the error of ``admit``, or :exc:`BoundReachedError`, for a new player.
        """
        result = self._playback.submit((report, now))
        if isinstance(result, Exception):
            raise result
        return result

    def submit_endpoint(self, report: EndpointReport) -> RegistrationResult:
        """Write an endpoint's report, and return the tracker's view of the endpoint.

        :raises BoundReachedError: for a new endpoint.
        :raises NameClashError: if another instance reports it.
        """
        result = self._endpoints.submit(report)
        if isinstance(result, Exception):
            raise result
        if result.is_new:
            self._on_new_endpoint()
        return result

    # A refusal is a result and not an exception: it must not roll back the rest of its batch.
    def _write_playback(
        self, reports: Sequence[tuple[PlayerReport, datetime]]
    ) -> list[int | Exception]:
        with self._engine.begin() as connection:
            return playback.ingest(
                connection,
                reports,
                self._scheduler,
                self._fallback_groups(),
                self._bounds,
                self._admit,
            )

    def _write_endpoints(
        self, reports: Sequence[EndpointReport]
    ) -> list[RegistrationResult | RefusedReport]:
        with self._engine.begin() as connection:
            return endpoints.ingest(connection, reports, self._bounds)


def _is_fatal(error: BaseException) -> bool:
    """Return whether every write would fail, for example because the database is unavailable."""
    if isinstance(error, sa.exc.TimeoutError) or not isinstance(error, Exception):
        return True
    if not isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError):
        return False
    return not (getattr(error.orig, "sqlstate", None) or "").startswith(_RETRYABLE_SQLSTATE_CLASS)


def includeme(config: Any) -> None:
    """Create ``request.registry["report_ingest"]``."""
    registry = config.registry
    registry["report_ingest"] = ReportIngest(
        registry["db.sessions"].kw["bind"],
        config.get_settings(),
        registry["viewer_counts"],
        on_new_endpoint=lambda: registry["page_events"].publish_async("streams"),
        fallback_groups=lambda: registry["configuration"].current().fallback_groups,
        bounds=registry["bounds"],
        admit=lambda report: registry["admit_player"](report),
        ended_rooms=lambda: registry["configuration"].current().ended_rooms,
    )
