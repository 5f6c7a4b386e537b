"""Tells open pages through nginx (nchan) that there is something new, and nothing of what it is."""

import json
import logging
import threading
from typing import Literal

import urllib3

log = logging.getLogger(__name__)

What = Literal["streams", "schedule"]

TIMEOUT = urllib3.Timeout(connect=0.5, read=1)
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
        self._pool = urllib3.PoolManager(timeout=TIMEOUT, retries=False)
        self._waiting: set[What] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._failing = False

    def publish(self, what: What) -> None:
        """Say that the live rooms, or the schedule, may be others now."""
        if not self._url:
            return
        try:
            message = {"what": what, "within": self._within()}
            answer = self._pool.request("POST", self._url, json=message)
            if answer.status not in (200, 201, 202):
                raise ValueError(f"the server answered {answer.status}")
            self._failing = False
        except (urllib3.exceptions.HTTPError, ValueError, TypeError, KeyError) as error:
            # Said once, not at every change.
            if not self._failing:
                log.warning("%s: %s; pages are not told, and ask by themselves", self._url, error)
            self._failing = True

    def soon(self, what: What) -> None:
        """Say it from a thread of our own, so that nobody waits."""
        if not self._url:
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

    def _within(self) -> float:
        """Return the seconds within which those who listen shall ask."""
        headers = {"Accept": "text/json"}
        answer = self._pool.request("GET", self._url, headers=headers)
        # Nobody has ever listened or published.
        listeners = 0 if answer.status == 404 else int(json.loads(answer.data)["subscribers"])
        return round(min(max(listeners / ASKS_A_SECOND, SHORTEST), LONGEST), 1)
