"""Viewers and streaming servers that send requests continuously, and record failures."""

import http.client
import itertools
import json
import threading
import urllib.parse
from collections import Counter

from ..proxy.site import NAME
from .machine import SECRET

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
# Seconds between two requests of a thread.
REQUEST_INTERVAL = 0.25


def page(number):
    """Request a page past nginx's cache."""
    return "GET", f"/example?told={number}", None, {}


def streams(number):
    return "GET", "/tracker/example/streams.json", None, {}


def registration(number):
    fields = {"secret": SECRET, "group": "example", "data": json.dumps({"overall_clients": number})}
    return "POST", "/tracker/endpoint/register", urllib.parse.urlencode(fields), FORM


REQUESTS = {"pages": page, "streams": streams, "registrations": registration}


class Load:
    """Threads that each use a persistent connection to nginx."""

    def __init__(self, port, threads_per_kind=2):
        self._port = port
        self._stopped = threading.Event()
        self._numbers = itertools.count(1)
        self._changed = threading.Condition()
        self.succeeded = Counter()
        self.failed = []
        self.registered = set()
        self._threads = [
            threading.Thread(target=self._run, args=(kind,))
            for kind in REQUESTS
            for _ in range(threads_per_kind)
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, more=30):
        """Wait for ``more`` further responses, or a failure."""
        with self._changed:
            target = self.succeeded.total() + more
            assert self._changed.wait_for(
                lambda: self.failed or self.succeeded.total() >= target, timeout=60
            )

    def _run(self, kind):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        while not self._stopped.wait(REQUEST_INTERVAL):
            with self._changed:
                number = next(self._numbers)
            try:
                method, path, body, headers = REQUESTS[kind](number)
                connection.request(method, path, body, {"Host": NAME, **headers})
                response = connection.getresponse()
                text = response.read()
                success = response.status == 200 and not text.startswith(b"ERROR")
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                success, text = False, repr(error)
            with self._changed:
                if not success:
                    self.failed.append((kind, number, text))
                else:
                    self.succeeded[kind] += 1
                    if kind == "registrations":
                        self.registered.add(number)
                self._changed.notify_all()
        connection.close()
