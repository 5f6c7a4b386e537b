"""Exponential backoff."""

import pytest

from streaming_system.util.backoff import Backoff, exponential_delay


@pytest.mark.parametrize(
    ("failures", "delay"),
    [(0, 0), (1, 2), (2, 4), (3, 8), (5, 30), (10_000, 30)],
)
def test_delay_doubles_up_to_the_maximum(failures, delay):
    assert exponential_delay(failures, initial=2, maximum=30) == delay


def test_backoff_grows_with_each_failure_and_ends_with_a_success():
    now = 100.0
    backoff = Backoff(initial=1, maximum=4, jitter=0, clock=lambda: now)
    assert backoff.remaining() == 0

    assert [backoff.record_failure() for _ in range(4)] == [1, 2, 4, 4]
    assert backoff.remaining() == 4
    now = 103.0
    assert backoff.remaining() == 1
    now = 200.0
    assert backoff.remaining() == 0

    backoff.record_failure()
    backoff.reset()
    assert backoff.remaining() == 0
    assert backoff.record_failure() == 1


def test_backoff_honours_a_longer_retry_after():
    backoff = Backoff(initial=1, maximum=4)
    assert backoff.record_failure(60) == 60
    assert backoff.record_failure(0.1) >= 1


def test_jitter_spreads_clients_that_failed_together():
    delays = {Backoff(initial=8, maximum=8, jitter=0.5).record_failure() for _ in range(50)}
    assert 4 <= min(delays) <= max(delays) <= 8
    assert len(delays) > 25
