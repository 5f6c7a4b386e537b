"""Signals that stop services."""

import signal
import threading

import pytest

from streaming_system.cli.signals import stop_on_signals


@pytest.fixture
def stop():
    """An event that SIGUSR1 sets."""
    previous = signal.getsignal(signal.SIGUSR1)
    stop = threading.Event()
    stop_on_signals(stop, signal.SIGUSR1)
    yield stop
    signal.signal(signal.SIGUSR1, previous)


def test_signal_sets_the_event(stop):
    signal.raise_signal(signal.SIGUSR1)

    assert stop.wait(10)


def test_signal_that_interrupts_a_wait_for_the_event_does_not_deadlock(stop):
    # A thread that enters or leaves wait() holds this lock for a moment.
    with stop._cond:
        signal.raise_signal(signal.SIGUSR1)

    assert stop.wait(10)
