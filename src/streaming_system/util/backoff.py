"""How long a tracker is left alone that did not hear."""

import random
import time

FIRST, LONGEST = 1.0, 30.0


class Pause:
    """A pause that becomes longer with every failure in a row."""

    def __init__(self) -> None:
        self._until, self._failures = 0.0, 0

    def begin(self, least: float | None = None) -> None:
        """Begin a pause.

        :param least: the seconds that the tracker wants to be left alone.
        """
        pause = min(FIRST * 2**self._failures, LONGEST)
        self._failures = min(self._failures + 1, 10)
        # Agents that have lost the tracker at the same moment do not come back at the same one.
        pause *= random.uniform(0.5, 1)
        self._until = time.monotonic() + max(pause, least or 0)

    def end(self) -> None:
        """Forget failures: the tracker has heard."""
        self._failures = 0

    def left(self) -> float:
        """Return for how many seconds it lasts; 0 or less if it is over."""
        return self._until - time.monotonic()
