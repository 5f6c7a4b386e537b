"""Tells open pages through nginx (nchan) that there is something new, and nothing of what it is."""

import contextlib
import json
import logging
import threading
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import urllib3

log = logging.getLogger(__name__)

Topic = Literal["streams", "schedule"]

CONNECT_TIMEOUT, READ_TIMEOUT = 0.5, 1  # seconds
# Pages that have been told ask within some seconds of their own choice, so that no more ask at
# once than would if each asked every five seconds.
MAX_REFETCH_RATE = 20_000
MIN_REFETCH_SPREAD, MAX_REFETCH_SPREAD = 0.2, 30.0


class PageEventPublisher:
    """Publishes to the pages that listen. What cannot be said is let go: pages ask by themselves.

    :param urls: where each nginx takes messages, with spaces between: the ini's ``push.url``; ""
        to say nothing.
    """

    def __init__(self, urls: str) -> None:
        self._urls = urls.split()
        self._pool = _create_pool() if self._urls else None
        self._waiting: set[Topic] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._failing: set[str] = set()

    def publish(self, what: Topic) -> None:
        """Say that the live rooms, or the schedule, may be others now."""
        if self._pool is None:
            return
        listeners: dict[str, int] = {}
        for url in self._urls:
            with self._forgiven(url):
                listeners[url] = _count_subscribers(self._pool, url)
        # However many sites there are, all ask the same trackers.
        within = min(
            max(sum(listeners.values()) / MAX_REFETCH_RATE, MIN_REFETCH_SPREAD), MAX_REFETCH_SPREAD
        )
        message = {"what": what, "within": round(within, 1)}
        for url in listeners:
            with self._forgiven(url):
                _raise_for_status(self._pool.request("POST", url, json=message), (200, 201, 202))
                self._failing.discard(url)

    def soon(self, what: Topic) -> None:
        """Say it from a thread of our own, so that nobody waits."""
        if self._pool is None:
            return
        with self._changed:
            self._waiting.add(what)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="push", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                waiting, self._waiting = self._waiting, set()
            for what in sorted(waiting):
                self.publish(what)

    @contextlib.contextmanager
    def _forgiven(self, url: str) -> Iterator[None]:
        # As in _pool: it is there by now.
        from urllib3.exceptions import HTTPError

        try:
            yield
        except (HTTPError, ValueError, TypeError, KeyError) as error:
            # Said once, not at every change.
            if url not in self._failing:
                log.warning("%s: %s; pages are not told, and ask by themselves", url, error)
            self._failing.add(url)


def _count_subscribers(pool: "urllib3.PoolManager", url: str) -> int:
    answer = pool.request("GET", url, headers={"Accept": "text/json"})
    if answer.status == 404:
        # Nobody has ever listened or published.
        return 0
    return int(json.loads(_raise_for_status(answer, (200,)).data)["subscribers"])


def _raise_for_status(
    answer: "urllib3.BaseHTTPResponse", right: Collection[int]
) -> "urllib3.BaseHTTPResponse":
    if answer.status not in right:
        raise ValueError(f"the server answered {answer.status}")
    return answer


def _create_pool() -> "urllib3.PoolManager":
    # A tracker that tells nobody need not wait for it at its start.
    import urllib3

    timeout = urllib3.Timeout(connect=CONNECT_TIMEOUT, read=READ_TIMEOUT)
    return urllib3.PoolManager(timeout=timeout, retries=False)
