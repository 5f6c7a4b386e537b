"""Viewers who look at pages all the time, and what they see."""

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
    """Threads that ask nginx for pages; every second one is new, so that an app must make it."""

    def __init__(self, site):
        self._site = site
        # So that nothing new is in nginx's cache from another time.
        self._own = uuid.uuid4().hex
        self._changed = threading.Condition()
        self._over = threading.Event()
        self.answers = Counter()
        self.failed = []
        self.cut_off = 0
        self.slowest = 0.0
        # When new pages that have been seen were asked for, and when they were there.
        self._new = []
        self._threads = [threading.Thread(target=self._look, args=(n,)) for n in range(THREADS)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self._over.set()
        for thread in self._threads:
            thread.join()

    @property
    def seen(self):
        """How many pages have been seen."""
        return self.answers[200]

    def wait_for(self, more):
        """Wait until so many more pages have been seen."""
        with self._changed:
            enough = self.seen + more
            assert self._changed.wait_for(lambda: self.seen >= enough, timeout=60), self.answers

    def back(self, since):
        """Wait for a new page that was asked for after a moment; return how long it took."""
        with self._changed:
            assert self._changed.wait_for(
                lambda: self._new and self._new[-1][0] > since, timeout=60
            ), self.answers
            return min(seen for begun, seen in self._new if begun > since) - since

    def _look(self, who):
        pool = urllib3.HTTPConnectionPool(
            "127.0.0.1", self._site.ports.site, retries=False, timeout=60, headers={"Host": NAME}
        )
        number = 0
        while not self._over.wait(PAUSE):
            number += 1
            new = number % 2 == 0
            path = PAGES[number % len(PAGES)] + (f"?{self._own}-{who}-{number}" if new else "")
            begun = time.monotonic()
            try:
                answer = pool.request("GET", path)
            except urllib3.exceptions.HTTPError:
                with self._changed:
                    self.cut_off += 1
                continue
            with self._changed:
                self.slowest = max(self.slowest, time.monotonic() - begun)
                self.answers[answer.status] += 1
                if answer.status != 200:
                    self.failed.append((path, answer.status, answer.headers.get("Retry-After")))
                elif new:
                    self._new.append((begun, time.monotonic()))
                self._changed.notify_all()
        pool.close()
