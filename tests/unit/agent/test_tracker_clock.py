"""A tracker's time, from its responses."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from streaming_system.agent.tracker_clock import TrackerClock

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class Clocks:
    """The clocks of this machine; the tracker's clock differs by an offset."""

    def __init__(self, monkeypatch):
        self.monotonic, self.ahead = 1000.0, 0.0
        monkeypatch.setattr(time, "monotonic", lambda: self.monotonic)
        monkeypatch.setattr(time, "time", lambda: self.now.timestamp())

    @property
    def true_time(self):
        return NOON + timedelta(seconds=self.monotonic - 1000)

    @property
    def now(self):
        return self.true_time + timedelta(seconds=self.ahead)

    def respond(self, clock, round_trip=0.1):
        """Let the tracker respond now; its header has whole seconds."""
        sent = self.monotonic
        self.monotonic += round_trip / 2
        date = format_datetime(self.true_time, usegmt=True)
        self.monotonic += round_trip / 2
        clock.record(date, sent, self.monotonic)


@pytest.fixture
def clocks(monkeypatch):
    return Clocks(monkeypatch)


@pytest.mark.parametrize("ahead", [0.0, 0.4, -3.0, 37.0, -86400.0])
def test_offset_is_known_to_a_second(clocks, ahead):
    clock = TrackerClock()
    clocks.ahead = ahead
    assert clock.offset is None

    for _ in range(10):
        clocks.monotonic += 7.3
        clocks.respond(clock)

        assert clock.offset == pytest.approx(ahead, abs=1.0)


def test_slow_and_invalid_responses_are_ignored(clocks):
    clock = TrackerClock()

    clocks.respond(clock, round_trip=5)
    for date in (None, "", "yesterday", "Tue, 99 Nov 2026 12:00:00 GMT"):
        clock.record(date, 1000.0, 1000.1)

    assert clock.offset is None
    assert clock.correct(NOON, 990.0) == NOON


def test_times_of_a_right_clock_stay_as_they_are(clocks):
    clock = TrackerClock()
    clocks.respond(clock)

    assert clock.correct(NOON, 1000.0) == clock.correct(NOON) == NOON


def test_times_of_a_wrong_clock_are_corrected(clocks):
    clock = TrackerClock()
    clocks.ahead = 600
    since, started = clocks.now, clocks.monotonic
    clocks.respond(clock)

    corrected = clock.correct(since, started)

    assert abs(corrected - NOON) < timedelta(seconds=1)
    assert abs(clock.correct(since) - NOON) < timedelta(seconds=1)
    # Trackers recognise a state by its start, so it must not move.
    for _ in range(20):
        clocks.monotonic += 3.7
        clocks.respond(clock)
        assert clock.correct(since, started) == corrected


def test_step_of_the_clock_does_not_move_times(clocks):
    clock = TrackerClock()
    clocks.ahead = 600
    since, started = clocks.now, clocks.monotonic
    clocks.respond(clock)

    # The time synchronisation starts.
    clocks.ahead = 0

    assert clock.offset == pytest.approx(0, abs=1.0)
    assert abs(clock.correct(since, started) - NOON) < timedelta(seconds=1)
