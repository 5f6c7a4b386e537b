"""A condition variable with a version number."""

import threading


class ChangeNotifier:
    """Wakes threads that wait for a change.

    :param lock: guards the data that changes; by default a new lock.
    """

    def __init__(self, lock: "threading.RLock | None" = None) -> None:
        self._changed = threading.Condition(lock)
        self._version = 0

    def wait(self, version: int, timeout: float) -> int:
        """Wait until the version differs from ``version``, at most ``timeout`` seconds.

        :return: the current version.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._version != version, timeout)
            return self._version

    def notify(self) -> None:
        """Wake all waiting threads."""
        with self._changed:
            self._notify()

    def _notify(self) -> None:
        """Wake all waiting threads. The caller holds the lock."""
        self._version += 1
        self._changed.notify_all()
