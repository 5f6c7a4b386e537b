"""Polls feeds at an interval, with conditional requests and backoff."""

import itertools
import random
import time
from collections.abc import Callable, Mapping

from streaming_system.net.ssrf import Networks
from streaming_system.schedule_import.download import READ_TIMEOUT, fetch_if_changed
from streaming_system.util.backoff import exponential_delay

MAX_POLL_INTERVAL = 3600.0  # seconds
# Spreads the requests of several hosts.
JITTER = 0.2


class ConditionalFetcher:
    """Fetches feeds with conditional requests (RFC 9110, section 13), and caches their bytes."""

    def __init__(
        self, max_bytes: int, timeout: float = READ_TIMEOUT, allowed_networks: Networks = ()
    ) -> None:
        self._max_bytes, self._timeout = max_bytes, timeout
        self._allowed_networks = allowed_networks
        self._cache: dict[str, tuple[Mapping[str, str], bytes]] = {}
        self.changed = False

    def fetch(self, source: str) -> bytes:
        """Return the bytes of a feed; set :attr:`changed` if they differ from the cached ones.

        :raises FeedError: if it cannot be fetched.
        """
        validators, cached = self._cache.get(source, ({}, b""))
        feed = fetch_if_changed(
            source,
            validators=validators,
            max_bytes=self._max_bytes,
            timeout=self._timeout,
            allowed_networks=self._allowed_networks,
        )
        if feed.data is None:
            return cached
        self.changed |= feed.data != cached
        self._cache[source] = (feed.validators, feed.data)
        return feed.data


def run_poll_loop(
    poll: Callable[[], bool],
    *,
    interval: float,
    max_interval: float = MAX_POLL_INTERVAL,
    count: int | None = None,
    sleep: Callable[[float], object] = time.sleep,
) -> None:
    """Call ``poll`` at an interval with jitter, which each failure in a row doubles.

    :param poll: returns whether it succeeded.
    :param interval: seconds.
    :param max_interval: upper bound after failures, in seconds.
    :param count: number of calls; without it, the loop never ends.
    """
    failures = 0
    for number in itertools.count():
        if number == count:
            return
        if number:
            delay = exponential_delay(
                failures + 1, initial=interval, maximum=max(interval, max_interval)
            )
            sleep(delay * random.uniform(1 - JITTER, 1 + JITTER))
        failures = 0 if poll() else failures + 1
