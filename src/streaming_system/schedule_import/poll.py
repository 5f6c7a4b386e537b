"""Imports again and again while an event lasts, and is no burden to whoever publishes the feed."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from streaming_system.net.ssrf import Networks
from streaming_system.schedule_import.download import READ_TIMEOUT, FeedDownloader

MAX_WAIT_SECONDS = 3600.0
MAX_DOUBLINGS = 32


class ConditionalFetcher:
    """Fetches feeds, and what has not changed since the last time only in name (RFC 9110, 13)."""

    def __init__(self, limit: int, seconds: float = READ_TIMEOUT, networks: Networks = ()) -> None:
        self._limit, self._seconds, self._networks = limit, seconds, networks
        self._known: dict[str, tuple[dict[str, str], bytes]] = {}
        self.changed = False

    def fetch(self, source: str) -> bytes:
        """Return a feed's bytes; set :attr:`changed` if they are others than the last time."""
        headers, data = self._known.get(source, ({}, b""))
        downloader = FeedDownloader(
            source,
            limit=self._limit,
            seconds=self._seconds,
            headers=headers,
            networks=self._networks,
        )
        fresh = downloader.fetch()
        if fresh is None:
            return data
        self.changed |= fresh != data
        self._known[source] = (downloader.validators, fresh)
        return fresh


@dataclass
class PollInterval:
    """How long to wait: an interval, and longer after every failure, never the same for all.

    :param interval: seconds between two looks while all goes well.
    :param longest: the most seconds between two looks, unless the interval is longer.
    """

    interval: float
    longest: float = MAX_WAIT_SECONDS
    failures: int = 0

    def next_wait(self, *, failed: bool) -> float:
        """Return the seconds to wait before the next look."""
        self.failures = self.failures + 1 if failed else 0
        # More doublings than that are longer than anybody waits, and soon no number any more.
        doubled = self.interval * 2.0 ** min(self.failures, MAX_DOUBLINGS)
        wait = min(doubled, max(self.longest, self.interval))
        return wait * random.uniform(0.8, 1.2)


def poll_feeds(
    look: Callable[[], bool],
    pace: PollInterval,
    wait: Callable[[float], object],
    rounds: Iterator[int],
) -> None:
    """Look once a round, and wait between two rounds.

    :param look: does what is to be done; returns whether it went well.
    """
    well = True
    for number in rounds:
        if number:
            wait(pace.next_wait(failed=not well))
        well = look()
