"""Viewers that request pages without a pause, and record the responses."""

import threading
import time
import uuid
from collections import Counter

import urllib3
from functional.proxy.site import NAME

THREADS = 3
PAUSE = 0.02
PAGES = ("/", "/hall", "/lab", "/schedule", "/schedule.json", "/hall/rss")


class Viewers:
    """Threads that request pages from nginx; every second page is uncached."""

    def __init__(self, site):
        self._site = site
        # Makes the URLs of uncached pages unique.
        self._run_id = uuid.uuid4().hex
        self._changed = threading.Condition()
        self._stopped = threading.Event()
        self.statuses = Counter()
        self.failed = []
        self.cut_off = 0
        self.slowest = 0.0
        # The times of request and response of uncached pages.
        self._uncached = []
        self._threads = [
            threading.Thread(target=self._request_pages, args=(n,)) for n in range(THREADS)
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    @property
    def seen(self):
        """The number of pages that were delivered."""
        return self.statuses[200]

    def wait_for(self, more):
        """Wait until ``more`` further pages have been delivered."""
        with self._changed:
            target = self.seen + more
            assert self._changed.wait_for(lambda: self.seen >= target, timeout=60), self.statuses

    def wait_for_recovery(self, since):
        """Wait for an uncached page that was requested after ``since``; return the seconds."""
        with self._changed:
            assert self._changed.wait_for(
                lambda: self._uncached and self._uncached[-1][0] > since, timeout=60
            ), self.statuses
            return min(done for start, done in self._uncached if start > since) - since

    def _request_pages(self, thread):
        pool = urllib3.HTTPConnectionPool(
            "127.0.0.1", self._site.ports.site, retries=False, timeout=60, headers={"Host": NAME}
        )
        number = 0
        while not self._stopped.wait(PAUSE):
            number += 1
            uncached = number % 2 == 0
            path = PAGES[number % len(PAGES)] + (
                f"?told={self._run_id}-{thread}-{number}" if uncached else ""
            )
            start = time.monotonic()
            try:
                response = pool.request("GET", path)
            except urllib3.exceptions.HTTPError:
                with self._changed:
                    self.cut_off += 1
                continue
            with self._changed:
                self.slowest = max(self.slowest, time.monotonic() - start)
                self.statuses[response.status] += 1
                if response.status != 200:
                    self.failed.append((path, response.status, response.headers.get("Retry-After")))
                elif uncached:
                    self._uncached.append((start, time.monotonic()))
                self._changed.notify_all()
        pool.close()
