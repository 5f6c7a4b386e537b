"""Exponential backoff with jitter."""

import random
import time
from collections.abc import Callable

# 2**MAX_DOUBLINGS initial delays are longer than any maximum, and still a finite number.
MAX_DOUBLINGS = 32


def exponential_delay(failures: int, *, initial: float, maximum: float) -> float:
    """Return the seconds to wait: ``initial`` after the first failure, doubled by each further one.

    :param failures: consecutive failures; 0 means no delay.
    """
    if failures < 1:
        return 0.0
    return min(initial * 2.0 ** min(failures - 1, MAX_DOUBLINGS), maximum)


class Backoff:
    """Counts consecutive failures and says when the next attempt is due. Times are monotonic.

    :param initial: seconds to wait after the first failure.
    :param maximum: upper bound of the delay, in seconds.
    :param jitter: fraction of the delay that is random, so that clients that failed together do
        not retry together: the wait is between ``delay * (1 - jitter)`` and ``delay``.
    """

    def __init__(
        self,
        *,
        initial: float = 1.0,
        maximum: float = 30.0,
        jitter: float = 0.5,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._initial, self._maximum, self._jitter = initial, maximum, jitter
        self._clock = clock
        self._retry_at = float("-inf")
        self.failures = 0

    def record_failure(self, min_delay: float | None = None) -> float:
        """Schedule the next attempt, and return the delay in seconds.

        :param min_delay: seconds that the server requested (``Retry-After``).
        """
        self.failures += 1
        delay = exponential_delay(self.failures, initial=self._initial, maximum=self._maximum)
        delay = max(delay * random.uniform(1 - self._jitter, 1), min_delay or 0)
        self._retry_at = self._clock() + delay
        return delay

    def reset(self) -> None:
        """Record a success: the next failure waits ``initial`` seconds again."""
        self.failures, self._retry_at = 0, float("-inf")

    def remaining(self) -> float:
        """Return the seconds until the next attempt; 0 if it is due."""
        return max(0.0, self._retry_at - self._clock())
