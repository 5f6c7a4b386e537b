"""Tells threads that wait for it that something is new."""

import threading


class ChangeNotifier:
    """Where there is something new now and then.

    :param lock: under which it becomes new; one of its own if not given.
    """

    def __init__(self, lock: "threading.RLock | None" = None) -> None:
        self._changed = threading.Condition(lock)
        self._version = 0

    def wait(self, version: int, seconds: float) -> int:
        """Wait until something is new, or so long; return the version that there is."""
        with self._changed:
            self._changed.wait_for(lambda: self._version != version, seconds)
            return self._version

    def wake(self) -> None:
        """Let everybody look who waits."""
        with self._changed:
            self._tell()

    def _tell(self) -> None:
        self._version += 1
        self._changed.notify_all()
