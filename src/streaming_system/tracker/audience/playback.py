"""What players say of themselves: that they are there, and how well they play."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from streaming_system.tracker.audience.qoe import PlaybackFigures, figures
from streaming_system.tracker.audience.viewers import Crowd
from streaming_system.tracker.db.session import begin_writing
from streaming_system.tracker.endpoints.fallback_groups import StandIns
from streaming_system.tracker.ingest.playback import Pace, PlayerReport, counts_for, take

__all__ = ["Playback", "PlayerReport", "counts_for"]


class Playback:
    """Takes the reports of players, and says how well they play.

    :param settings: the app's, for the keys ``report.*``.
    :param crowd: this process's idea of how many watch; without it, they are counted each time.
    :param stand_ins: on whose endpoints players of a room may be, besides its own.
    """

    def __init__(
        self,
        db: Session,
        settings: Mapping[str, Any],
        crowd: Crowd | None = None,
        stand_ins: StandIns | None = None,
    ) -> None:
        self.db = db
        self._settings = settings
        self._crowd = crowd or Crowd()
        self._stand_ins = stand_ins or StandIns()

    def report(self, report: PlayerReport, *, now: datetime) -> int:
        """Take a report within the session's transaction.

        Return in how many seconds the next one is due; 0 for never.
        """
        pace = Pace(self._settings, self._crowd)
        [seconds] = take(begin_writing(self.db), [(report, now)], pace, self._stand_ins)
        return seconds

    def figures(
        self, *, now: datetime, minutes: int = 5, room: str | None = None, by_endpoint: bool = True
    ) -> Sequence[PlaybackFigures]:
        """Return how well players have played within the last minutes, by room and endpoint.

        :param room: only this one.
        :param by_endpoint: whether endpoints are told apart; otherwise there is one for each room.
        """
        begin = now - timedelta(minutes=minutes)
        return figures(self.db, begin=begin, now=now, room=room, by_endpoint=by_endpoint)
