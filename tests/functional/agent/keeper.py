"""A tracker of which only the logs are there, and which can be told to take none."""

import threading
import urllib.parse
from collections import Counter

from .standin import FakeServer

OK = (200, {}, b"OK\n")


class Keeper(FakeServer):
    """Keeps the lines that it has said OK to, as a tracker does."""

    def __init__(self) -> None:
        super().__init__()
        self.lines = Counter()
        self.rooms = Counter()
        self.refusing = None
        # What a proxy before it takes, and what it takes next without saying so.
        self.most = 4 * 2**20
        self.largest = 0
        self.lose_answer = False
        self.lost = []
        self.knows_batches = True
        self._batches = {}
        self._keeping = threading.Lock()
        self.says = {"/endpoint/logs": self._take}

    def _take(self, asked):
        with self._keeping:
            if self.refusing:
                return self.refusing
            if len(asked.body) > self.most:
                return (413, {}, b"<html>413 Request Entity Too Large</html>")
            self.largest = max(self.largest, len(asked.body))
            form = dict(urllib.parse.parse_qsl(asked.body.decode(), errors="surrogateescape"))
            assert form["data"].endswith("\n")
            lines = form["data"].split("\n")[:-1]
            sender, _, batch = form["batch"].partition(":")
            if self.knows_batches and self._batches.get((sender, form["group"])) == batch:
                return OK
            self._batches[sender, form["group"]] = batch
            self.lines.update(lines)
            self.rooms[form["group"]] += len(lines)
            self.asked.clear()
            if self.lose_answer:
                self.lose_answer, self.lost = False, lines
                return (502, {}, b"<html>502 Bad Gateway</html>")
            return OK
