"""A polled resource that another thread refreshes: pages do not wait for foreign servers."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import urllib3

from streaming_system.frontend.tracker_client import PolledResource
from streaming_system.net.ssrf import Networks, safe_pool_manager
from streaming_system.util.foreign_json import parse_foreign_json
from streaming_system.util.json_object import FieldProblems

REFRESH_INTERVAL = 10.0  # seconds
# A server may restart during an event.
MAX_STALENESS = 180.0
TIMEOUT = urllib3.Timeout(connect=3, read=5)
BODY_TIMEOUT = 10.0  # seconds
# A playlist of two days with segments of two seconds has 8 MB.
MAX_BODY_BYTES = 16 * 2**20
MAX_WORKERS = 4
REQUEST_HEADERS = {"User-Agent": "streaming-system"}

T = TypeVar("T")


class BackgroundFetcher:
    """The threads and connections that all resources share.

    :param networks: the allowed private networks.
    """

    def __init__(self, networks: Networks, *, refresh_interval: float = REFRESH_INTERVAL) -> None:
        self.refresh_interval = refresh_interval
        self.pool = safe_pool_manager(
            networks, timeout=TIMEOUT, retries=False, headers=REQUEST_HEADERS
        )
        self._executor = ThreadPoolExecutor(MAX_WORKERS, thread_name_prefix="relive")

    def submit(self, refresh: Callable[[], object]) -> Future[object]:
        """Start a refresh."""
        return self._executor.submit(refresh)


class BackgroundResource(Generic[T]):
    """The last value of a URL; a request for it starts a refresh if it is stale.

    :param parse: as in :class:`PolledResource`.
    :param decode: converts the body for ``parse``; JSON by default.
    """

    def __init__(
        self,
        fetcher: BackgroundFetcher,
        url: str,
        parse: Callable[[Any, FieldProblems], T],
        decode: Callable[[bytes], Any] = parse_foreign_json,
    ) -> None:
        self._fetcher = fetcher
        parts = urlsplit(url)
        self._resource: PolledResource[T] = PolledResource(
            f"{parts.scheme}://{parts.netloc}",
            parts._replace(scheme="", netloc="").geturl(),
            parse,
            refresh_interval=fetcher.refresh_interval,
            max_staleness=MAX_STALENESS,
            decode=decode,
            pool=fetcher.pool,
            body_timeout=BODY_TIMEOUT,
            max_body_bytes=MAX_BODY_BYTES,
        )
        self._lock = threading.Lock()
        self._refresh: Future[object] | None = None
        self._has_waited = False

    def get(self, timeout: float = 0.0) -> T | None:
        """Return the last value; ``None`` if there is none, or if it has expired.

        :param timeout: seconds to wait for the first response.
        """
        if self._resource.is_stale():
            with self._lock:
                if self._refresh is None or self._refresh.done():
                    self._refresh = self._fetcher.submit(self._resource.get)
        value = self._resource.last_value()
        if value is None and timeout and not self._has_waited and self._refresh is not None:
            wait([self._refresh], timeout)
            # A server that hangs must not occupy the threads of pages.
            self._has_waited = True
            value = self._resource.last_value()
        return value
