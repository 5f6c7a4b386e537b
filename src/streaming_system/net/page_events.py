"""Notifies open pages through nginx (nchan) that data has changed; pages then fetch it."""

import contextlib
import logging
import threading
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Literal

from streaming_system.util.foreign_json import DocumentError, parse_foreign_json
from streaming_system.util.json_object import JsonObject
from streaming_system.util.log_once import LogOnce

if TYPE_CHECKING:
    import urllib3

log = logging.getLogger(__name__)

Topic = Literal["streams", "schedule"]

CONNECT_TIMEOUT, READ_TIMEOUT = 0.5, 1  # seconds
# Pages fetch at a random time within a spread that keeps their requests per second below this rate.
MAX_REFETCH_RATE = 20_000
MIN_REFETCH_SPREAD, MAX_REFETCH_SPREAD = 0.2, 30.0  # seconds


class PublishError(Exception):
    """nginx has not published an event; one line."""


class PageEventPublisher:
    """Publishes events to the subscribed pages. Failures are logged; pages poll, too.

    :param urls: the publishing URL of each nginx, separated by spaces: the ini's ``push.url``; ""
        disables publishing.
    """

    def __init__(self, urls: str) -> None:
        self._urls = urls.split()
        self._pool = _create_pool() if self._urls else None
        self._pending: set[Topic] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._warnings = LogOnce(log)

    def publish(self, topic: Topic) -> None:
        """Notify pages that the live streams, or the schedule, may have changed."""
        if self._pool is None:
            return
        subscribers: dict[str, int] = {}
        for url in self._urls:
            with self._log_failures_once(url):
                subscribers[url] = _count_subscribers(self._pool, url)
        # The pages of all sites send their requests to the same trackers.
        spread = sum(subscribers.values()) / MAX_REFETCH_RATE
        spread = min(max(spread, MIN_REFETCH_SPREAD), MAX_REFETCH_SPREAD)
        message = {"what": topic, "within": round(spread, 1)}
        for url in subscribers:
            with self._log_failures_once(url):
                response = self._pool.request("POST", url, json=message)
                _raise_for_status(response, (200, 201, 202))
                self._warnings.resolve(url)

    def publish_async(self, topic: Topic) -> None:
        """Publish from a background thread."""
        if self._pool is None:
            return
        with self._changed:
            self._pending.add(topic)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="push", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pending)
                pending, self._pending = self._pending, set()
            for topic in sorted(pending):
                self.publish(topic)

    @contextlib.contextmanager
    def _log_failures_once(self, url: str) -> Iterator[None]:
        # Imported already: see _create_pool.
        from urllib3.exceptions import HTTPError

        from streaming_system.net.http_errors import describe_http_error

        try:
            yield
        except PublishError as error:
            self._warn(url, str(error))
        except HTTPError as error:
            self._warn(url, describe_http_error(error))

    def _warn(self, url: str, problem: str) -> None:
        self._warnings.warn(url, f"{problem}; pages are not notified, and poll instead")


def _count_subscribers(pool: "urllib3.PoolManager", url: str) -> int:
    response = pool.request("GET", url, headers={"Accept": "text/json"})
    if response.status == 404:
        # nchan creates a channel with the first message or subscriber.
        return 0
    _raise_for_status(response, (200,))
    try:
        document = parse_foreign_json(response.data)
    except DocumentError as error:
        raise PublishError(f"the response {error}; is this nchan's address?") from None
    count = JsonObject(document).integer("subscribers")
    if count is None:
        raise PublishError("the response has no subscribers; is this nchan's address?")
    return count


def _raise_for_status(response: "urllib3.BaseHTTPResponse", expected: Collection[int]) -> None:
    if response.status not in expected:
        raise PublishError(f"the server responded with {response.status}")


def _create_pool() -> "urllib3.PoolManager":
    # A tracker that does not publish starts faster without this import.
    import urllib3

    timeout = urllib3.Timeout(connect=CONNECT_TIMEOUT, read=READ_TIMEOUT)
    return urllib3.PoolManager(timeout=timeout, retries=False)
