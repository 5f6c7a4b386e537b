"""What players say of themselves: that they are there, and how well they play."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from streaming_system.tracker.audience.qoe import QoeMetrics, qoe_metrics
from streaming_system.tracker.audience.viewers import ViewerCountCache
from streaming_system.tracker.db.session import ensure_write_transaction
from streaming_system.tracker.endpoints.fallback_groups import FallbackGroups
from streaming_system.tracker.ingest.playback import PlayerReport, ReportScheduler, ingest, validity

__all__ = ["PlaybackService", "PlayerReport", "validity"]


class PlaybackService:
    """Takes the reports of players, and says how well they play.

    :param settings: the app's, for the keys ``report.*``.
    :param crowd: this process's idea of how many watch; without it, they are counted each time.
    :param stand_ins: on whose endpoints players of a room may be, besides its own.
    """

    def __init__(
        self,
        db: Session,
        settings: Mapping[str, Any],
        crowd: ViewerCountCache | None = None,
        stand_ins: FallbackGroups | None = None,
    ) -> None:
        self.db = db
        self._settings = settings
        self._crowd = crowd or ViewerCountCache()
        self._stand_ins = stand_ins or FallbackGroups()

    def report(self, report: PlayerReport, *, now: datetime) -> int:
        """Take a report within the session's transaction.

        Return in how many seconds the next one is due; 0 for never.
        """
        pace = ReportScheduler(self._settings, self._crowd)
        [seconds] = ingest(
            ensure_write_transaction(self.db), [(report, now)], pace, self._stand_ins
        )
        return seconds

    def figures(
        self, *, now: datetime, minutes: int = 5, room: str | None = None, by_endpoint: bool = True
    ) -> Sequence[QoeMetrics]:
        """Return how well players have played within the last minutes, by room and endpoint.

        :param room: only this one.
        :param by_endpoint: whether endpoints are told apart; otherwise there is one for each room.
        """
        begin = now - timedelta(minutes=minutes)
        return qoe_metrics(self.db, begin=begin, now=now, room=room, by_endpoint=by_endpoint)
