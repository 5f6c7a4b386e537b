"""When a player reports next, and how long it counts as a viewer until then."""

import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from streaming_system.tracker.audience.ended_rooms import EXTERNAL_SOURCES, EndedRooms
from streaming_system.tracker.audience.viewers import ViewerCountCache
from streaming_system.tracker.ingest.player_report import PlayerReport

# A random fraction of the interval by which a report comes earlier, to spread the reports.
JITTER = 0.2
# Tolerated delay of a report: half of its interval, and network latency.
REPORT_GRACE_FACTOR, NETWORK_GRACE_SECONDS = 1.5, 2.0


def validity(interval: int) -> timedelta:
    """Return how long a player counts as a viewer after a report.

    :param interval: seconds until its next report; 0 for a player that has left.
    """
    seconds = REPORT_GRACE_FACTOR * interval + NETWORK_GRACE_SECONDS if interval else 0
    return timedelta(seconds=seconds)


class ReportScheduler:
    """Chooses report intervals so that all players together report at the target rate.

    :param settings: the app's, for the keys ``report.*``.
    :param viewer_count: the number of open players, cached by this process.
    :param ended_rooms: returns what finds the rooms whose players are no viewers.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        viewer_count: ViewerCountCache,
        ended_rooms: Callable[[], EndedRooms] = EndedRooms,
    ) -> None:
        self._min_interval: int = settings["ingest.min_interval"]
        self._max_interval: int = settings["ingest.max_interval"]
        self._target_rate: float = settings["ingest.target_rate"]
        self._viewer_count = viewer_count
        self._ended_rooms = ended_rooms

    def next_interval(self, report: PlayerReport, connection: sa.Connection, now: datetime) -> int:
        """Return the seconds until the player's next report; 0 after its last one."""
        if report.leaving:
            return 0
        if report.hidden:
            return self._max_interval
        viewers = self._viewer_count.get(connection, now=now)
        interval = min(viewers / self._target_rate, self._max_interval)
        return max(round(interval * random.uniform(1 - JITTER, 1)), self._min_interval)

    def viewer_until(
        self, report: PlayerReport, interval: int, connection: sa.Connection, now: datetime
    ) -> datetime:
        """Return until when a player counts as a viewer without another report.

        :param interval: seconds until its next report; 0 for a player that has left.
        """
        has_ended = (
            report.endpoint not in EXTERNAL_SOURCES
            and report.room in self._ended_rooms().cached(connection, now=now)
        )
        return now if has_ended else now + validity(interval)
