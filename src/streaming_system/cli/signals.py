"""Stops services on signals."""

import signal
import threading


def stop_on_signals(stop: threading.Event, *numbers: int) -> None:
    """Set ``stop`` when one of the signals arrives.

    A handler runs in the main thread. If it set the event itself while the main thread waits for
    the event, it could wait for a lock that the main thread holds: a deadlock.
    """

    def set_in_thread(*_: object) -> None:
        threading.Thread(target=stop.set, daemon=True).start()

    for number in numbers:
        signal.signal(number, set_in_thread)
