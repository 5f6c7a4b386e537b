"""Viewers and streaming servers that ask without a pause, and notice every failure."""

import http.client
import itertools
import json
import threading
import urllib.parse
from collections import Counter

from ..proxy.site import NAME
from .machine import SECRET

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
# One call in so many seconds from each of them.
PACE = 0.25


def page(number):
    """Ask for a page that nginx has not kept."""
    return "GET", f"/example?n={number}", None, {}


def streams(number):
    return "GET", "/tracker/example/streams.json", None, {}


def registration(number):
    fields = {"secret": SECRET, "group": "example", "data": json.dumps({"overall_clients": number})}
    return "POST", "/tracker/endpoint/register", urllib.parse.urlencode(fields), FORM


KINDS = {"pages": page, "streams": streams, "registrations": registration}


class Load:
    """Some threads, each with a connection to nginx that it keeps."""

    def __init__(self, port, threads_of_a_kind=2):
        self._port = port
        self._over = threading.Event()
        self._numbers = itertools.count(1)
        self._changed = threading.Condition()
        self.answered = Counter()
        self.failed = []
        self.registered = set()
        self._threads = [
            threading.Thread(target=self._run, args=(kind,))
            for kind in KINDS
            for _ in range(threads_of_a_kind)
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self._over.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, more=30):
        """Wait for so many more answers, or a failure."""
        with self._changed:
            enough = self.answered.total() + more
            assert self._changed.wait_for(
                lambda: self.failed or self.answered.total() >= enough, timeout=60
            )

    def _run(self, kind):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        while not self._over.wait(PACE):
            with self._changed:
                number = next(self._numbers)
            try:
                method, path, body, headers = KINDS[kind](number)
                connection.request(method, path, body, {"Host": NAME, **headers})
                answer = connection.getresponse()
                text = answer.read()
                good = answer.status == 200
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                good, text = False, repr(error)
            with self._changed:
                if not good:
                    self.failed.append((kind, number, text))
                else:
                    self.answered[kind] += 1
                    if kind == "registrations":
                        self.registered.add(number)
                self._changed.notify_all()
        connection.close()
