"""Counters of requests: in this process, or in Redis or Valkey for all workers."""

import logging
import time
from collections.abc import Callable
from typing import Any

from limits import RateLimitItem
from limits.errors import ConfigurationError, StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from streaming_system.tracker.settings import StartupError

log = logging.getLogger(__name__)

STORAGE_TIMEOUT = 0.5  # seconds
# After a failure, the server is left alone for so long: requests do not wait for its timeout.
RETRY_INTERVAL = 5.0  # seconds


class RateWindows:
    """Counts requests in memory.

    A sliding window needs two counters per client, whatever the rate.
    """

    def __init__(self) -> None:
        self.storage = MemoryStorage()
        self._local = SlidingWindowCounterRateLimiter(self.storage)

    def hit(self, rate: RateLimitItem, *names: str) -> float | None:
        """Count a request.

        :return: if it exceeds the rate, when the next one is allowed: seconds since 1970.
        """
        return _hit(self._local, rate, names)


class SharedRateWindows(RateWindows):
    """Counts the requests of all workers on a server.

    While the server is unavailable, each worker counts in its own memory.

    :param url: such as ``redis://127.0.0.1:6379/0``.
    :param clock: the monotonic time in seconds.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._shared = SlidingWindowCounterRateLimiter(_connect(url))
        self._clock = clock
        self._retry_at: float | None = None

    def hit(self, rate: RateLimitItem, *names: str) -> float | None:
        if self._retry_at is not None and self._clock() < self._retry_at:
            return super().hit(rate, *names)
        try:
            allowed_at = _hit(self._shared, rate, names)
        except StorageError as error:
            if self._retry_at is None:
                reason = " ".join(str(error.storage_error).split())
                log.error("limit.storage is away: %s; each worker counts by itself", reason)
            self._retry_at = self._clock() + RETRY_INTERVAL
            return super().hit(rate, *names)
        if self._retry_at is not None:
            self._retry_at = None
            log.warning("limit.storage is back")
        return allowed_at


def _hit(
    windows: SlidingWindowCounterRateLimiter, rate: RateLimitItem, names: tuple[str, ...]
) -> float | None:
    return None if windows.hit(rate, *names) else windows.get_window_stats(rate, *names).reset_time


def _connect(url: str) -> RedisStorage:
    try:
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        options: dict[str, Any] = {
            "socket_timeout": STORAGE_TIMEOUT,
            "socket_connect_timeout": STORAGE_TIMEOUT,
            # The second attempt is for a connection that the server has closed.
            "retry": Retry(NoBackoff(), 1),
        }
        return RedisStorage(url, wrap_exceptions=True, **options)
    except ImportError:
        raise StartupError(
            "limit.storage in the ini file needs a package: pip install 'streaming-system[redis]'"
        ) from None
    except (ConfigurationError, ValueError) as error:
        raise StartupError(f"limit.storage in the ini file: {error}") from None
