"""Playback reports within a request's transaction, and the QoE metrics from them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from streaming_system.tracker.audience.ended_rooms import EndedRooms
from streaming_system.tracker.audience.qoe import QoeMetrics, qoe_metrics
from streaming_system.tracker.audience.viewers import ViewerCountCache, Viewers
from streaming_system.tracker.db.bounds import Bounds
from streaming_system.tracker.db.session import ensure_write_transaction
from streaming_system.tracker.endpoints.fallback_groups import FallbackGroups
from streaming_system.tracker.ingest.playback import AdmitPlayer, ingest
from streaming_system.tracker.ingest.player_report import PlayerReport
from streaming_system.tracker.ingest.report_scheduler import ReportScheduler


class PlaybackService:
    """Accepts reports of players, and computes QoE metrics.

    :param settings: the app's, for the keys ``report.*``.
    :param viewer_count: cached by this process; without it, each report counts viewers again.
    :param bounds: of the rows of tables.
    :param admit: returns why a new player is refused.
    :param ended_rooms: finds the rooms whose players are no viewers.
    """

    def __init__(
        self,
        db: Session,
        settings: Mapping[str, Any],
        viewer_count: ViewerCountCache | None = None,
        fallback_groups: FallbackGroups | None = None,
        bounds: Bounds | None = None,
        admit: AdmitPlayer = lambda report: None,
        ended_rooms: EndedRooms | None = None,
    ) -> None:
        self.db = db
        self._settings = settings
        self._viewer_count = viewer_count or ViewerCountCache()
        self._fallback_groups = fallback_groups or FallbackGroups()
        self._bounds = bounds
        self._admit = admit
        self._ended_rooms = ended_rooms or EndedRooms()

    def report(self, report: PlayerReport, *, now: datetime) -> int:
        """Write a report within the session's transaction.

        Return the seconds until the player's next report; 0 after its last one.

        :raises Exception: the error of ``admit``, or :exc:`BoundReachedError`, for a new player.
        """
        scheduler = ReportScheduler(self._settings, self._viewer_count, lambda: self._ended_rooms)
        connection = ensure_write_transaction(self.db)
        [result] = ingest(
            connection, [(report, now)], scheduler, self._fallback_groups, self._bounds, self._admit
        )
        if isinstance(result, Exception):
            raise result
        return result

    def qoe_metrics(
        self, *, now: datetime, minutes: int = 5, room: str | None = None, by_endpoint: bool = True
    ) -> Sequence[QoeMetrics]:
        """Return the QoE metrics of the last minutes, by room and endpoint.

        :param room: only this one.
        :param by_endpoint: whether to separate endpoints; otherwise there is one entry a room.
        """
        begin = now - timedelta(minutes=minutes)
        viewers = Viewers(self.db, self._fallback_groups, self._ended_rooms)
        return qoe_metrics(
            self.db,
            begin=begin,
            now=now,
            room=room,
            by_endpoint=by_endpoint,
            viewers=viewers.by_endpoint(now=now),
        )
