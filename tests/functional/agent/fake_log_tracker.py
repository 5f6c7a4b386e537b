"""A fake tracker that only accepts logs, and that can fail on demand."""

import threading
import urllib.parse
from collections import Counter

from .fake_server import FakeServer

OK = (200, {}, b"OK\n")


class FakeLogTracker(FakeServer):
    """Counts the lines that it accepted.

    :attr:`error_response` is sent instead of accepting lines; :attr:`lose_response` accepts the
    next lines, but responds with an error, as a proxy does after a timeout.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lines = Counter()
        self.rooms = Counter()
        self.error_response = None
        self.max_body_bytes = 4 * 2**20
        self.largest_body = 0
        self.lose_response = False
        self.lost_lines = []
        self.recognises_batches = True
        self._batches = {}
        self._lock = threading.Lock()
        self.responses = {"/endpoint/logs": self._accept}

    def _accept(self, request):
        with self._lock:
            if self.error_response:
                return self.error_response
            if len(request.body) > self.max_body_bytes:
                return (413, {}, b"<html>413 Request Entity Too Large</html>")
            self.largest_body = max(self.largest_body, len(request.body))
            form = dict(urllib.parse.parse_qsl(request.body.decode(), errors="surrogateescape"))
            assert form["data"].endswith("\n")
            lines = form["data"].split("\n")[:-1]
            sender, _, batch = form["batch"].partition(":")
            if self.recognises_batches and self._batches.get((sender, form["group"])) == batch:
                return OK
            self._batches[sender, form["group"]] = batch
            self.lines.update(lines)
            self.rooms[form["group"]] += len(lines)
            self.requests.clear()
            if self.lose_response:
                self.lose_response, self.lost_lines = False, lines
                return (502, {}, b"<html>502 Bad Gateway</html>")
            return OK
