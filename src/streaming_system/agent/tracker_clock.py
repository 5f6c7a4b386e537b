"""Compares this machine's clock with that of a tracker."""

import threading
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# A slow response says little about the time at which the tracker wrote its header.
MAX_ROUND_TRIP = 1.0
# Two estimates of the same clock differ by less: the header has whole seconds, and a response
# takes up to a round trip.
ESTIMATE_TOLERANCE = 2.0
# Times are corrected from this difference on.
MAX_CLOCK_OFFSET = 5.0


class TrackerClock:
    """Estimates a tracker's time from the header ``Date`` of its responses.

    The estimate depends on the monotonic clock only, so that it survives a step of the wall clock.
    It stays the same until the clocks really diverge: corrected times are the same in each report.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # The tracker's Unix time at the monotonic time 0.
        self._epoch: float | None = None

    def record(self, date: str | None, sent: float, received: float) -> None:
        """Record a response.

        :param date: its header ``Date``.
        :param sent: monotonic time of the request.
        :param received: monotonic time of the response.
        """
        if not date or received - sent > MAX_ROUND_TRIP:
            return
        try:
            timestamp = parsedate_to_datetime(date).timestamp()
        except (TypeError, ValueError, OverflowError):
            return
        # On average, a time is half a second after its whole second.
        epoch = timestamp + 0.5 - (sent + received) / 2
        with self._lock:
            if self._epoch is None or abs(epoch - self._epoch) > ESTIMATE_TOLERANCE:
                self._epoch = epoch

    @property
    def is_known(self) -> bool:
        """Whether the tracker's time is known."""
        return self._epoch is not None

    @property
    def offset(self) -> float | None:
        """The seconds that this machine's clock is ahead; ``None`` if unknown."""
        epoch = self._epoch
        return None if epoch is None else time.time() - time.monotonic() - epoch

    def correct(self, at: datetime, monotonic: float | None = None) -> datetime:
        """Return a time of this machine's clock, corrected if that clock was wrong.

        :param monotonic: the same time by the monotonic clock, if known.
        """
        epoch, offset = self._epoch, self.offset
        if epoch is None or offset is None:
            return at
        expected = at.timestamp() - offset if monotonic is None else monotonic + epoch
        if abs(at.timestamp() - expected) <= MAX_CLOCK_OFFSET:
            return at
        return datetime.fromtimestamp(expected, UTC)
