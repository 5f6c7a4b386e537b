"""Tells open pages through nginx (nchan) that there is something new, and nothing of what it is."""

import json
import logging
import threading
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import urllib3

log = logging.getLogger(__name__)

What = Literal["streams", "schedule"]

CONNECT_WITHIN, READ_WITHIN = 0.5, 1  # seconds
# Pages that have been told ask within some seconds of their own choice, so that no more ask at
# once than would if each asked every five seconds.
ASKS_A_SECOND = 20_000
SHORTEST, LONGEST = 0.2, 30.0


class Push:
    """Publishes to the pages that listen. What cannot be said is let go: pages ask by themselves.

    :param url: where nginx takes messages: the ini's ``push.url``; "" to say nothing.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool = _pool() if url else None
        self._waiting: set[What] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._failing = False

    def publish(self, what: What) -> None:
        """Say that the live rooms, or the schedule, may be others now."""
        if self._pool is None:
            return
        # As in _pool: it is there by now.
        from urllib3.exceptions import HTTPError

        try:
            message = {"what": what, "within": self._within(self._pool)}
            answer = self._pool.request("POST", self._url, json=message)
            if answer.status not in (200, 201, 202):
                raise ValueError(f"the server answered {answer.status}")
            self._failing = False
        except (HTTPError, ValueError, TypeError, KeyError) as error:
            # Said once, not at every change.
            if not self._failing:
                log.warning("%s: %s; pages are not told, and ask by themselves", self._url, error)
            self._failing = True

    def soon(self, what: What) -> None:
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

    def _within(self, pool: "urllib3.PoolManager") -> float:
        """Return the seconds within which those who listen shall ask."""
        headers = {"Accept": "text/json"}
        answer = pool.request("GET", self._url, headers=headers)
        # Nobody has ever listened or published.
        listeners = 0 if answer.status == 404 else int(json.loads(answer.data)["subscribers"])
        return round(min(max(listeners / ASKS_A_SECOND, SHORTEST), LONGEST), 1)


def _pool() -> "urllib3.PoolManager":
    # A tracker that tells nobody need not wait for it at its start.
    import urllib3

    timeout = urllib3.Timeout(connect=CONNECT_WITHIN, read=READ_WITHIN)
    return urllib3.PoolManager(timeout=timeout, retries=False)
