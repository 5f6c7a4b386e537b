"""Clients that write continuously, and the writes that are stored afterwards."""

import http.client
import itertools
import json
import threading
import time
import urllib.parse
import uuid
from collections import Counter
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.crew.tokens import Tokens
from streaming_system.tracker.models import Playback, Player, Sample

from .conftest import SECRET

THREADS_PER_KIND = 2
# Refusals of the legacy protocol, with status 200, after which a client may retry.
RETRYABLE_LINES = (b"ERROR DATABASE ", b"ERROR LOGS ", b"ERROR AWAY ")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


class Writers:
    """Threads that write, and record the acknowledged writes.

    :param port: returns the current port of the tracker.
    :param prefix: of the tracker's URLs.
    :param headers: of each request.
    :param retry_unavailable: whether a 503 with Retry-After is retried, or its form in the legacy
        protocol; otherwise it is a refusal.
    """

    def __init__(
        self, port, token, *, secret=SECRET, prefix="", headers=(), retry_unavailable=False
    ):
        self._port, self._prefix, self._headers = port, prefix, dict(headers)
        self.token, self.secret = token, secret
        self._numbers = itertools.count(1)
        self._changed = threading.Condition()
        self._running = threading.Event()
        self._stopped = threading.Event()
        self._retry_unavailable = retry_unavailable
        self.acknowledged = Counter()
        self.unavailable = Counter()
        self.refused = []
        self.cut_off = 0
        self.slowest = 0.0
        self.known = {kind: set() for kind in WRITES}
        # The times at which acknowledged requests began and ended.
        self._times = {kind: [] for kind in WRITES}
        self._threads = [
            threading.Thread(target=self._write, args=(kind, f"{kind}{number}"))
            for kind in WRITES
            for number in range(THREADS_PER_KIND)
        ]

    def __enter__(self):
        self._running.set()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self.end()
        self.join()

    def end(self):
        self._stopped.set()
        self._running.set()

    def join(self):
        for thread in self._threads:
            thread.join()

    def pause(self):
        self._running.clear()

    def resume(self):
        self._running.set()

    def wait_for(self, more):
        """Wait until this number of further writes is acknowledged."""
        with self._changed:
            enough = self.acknowledged.total() + more
            assert self._changed.wait_for(
                lambda: self.refused or self.acknowledged.total() >= enough, timeout=60
            )
        assert self.refused == [], self.refused[:3]

    def wait_for_recovery(self, since):
        """Wait for an acknowledged write of each kind after a time; return the duration."""

        def after(kind):
            return [done for begun, done in self._times[kind] if begun > since]

        with self._changed:
            assert self._changed.wait_for(
                lambda: self.refused or all(after(kind) for kind in WRITES), timeout=60
            ), (self.acknowledged, self.unavailable)
            assert self.refused == []
            return max(min(after(kind)) for kind in WRITES) - since

    def wait_until_unavailable(self):
        """Wait until a write of each kind is refused with Retry-After."""
        before = self.unavailable.copy()
        with self._changed:
            assert self._changed.wait_for(
                lambda: (
                    self.refused or all(self.unavailable[kind] > before[kind] for kind in WRITES)
                ),
                timeout=60,
            ), (self.acknowledged, self.unavailable)
        assert self.refused == []

    def wait_for_refusals(self, kind, more):
        """Wait until this number of further writes of a kind are refused with Retry-After."""
        with self._changed:
            enough = self.unavailable[kind] + more
            assert self._changed.wait_for(
                lambda: self.refused or self.unavailable[kind] >= enough, timeout=60
            ), (self.acknowledged, self.unavailable)
        assert self.refused == []

    def _write(self, kind, who):
        while not self._stopped.is_set():
            self._running.wait()
            connection = http.client.HTTPConnection("127.0.0.1", self._port(), timeout=60)
            try:
                while not self._stopped.is_set():
                    self._write_one(connection, kind, who)
            except (OSError, http.client.HTTPException):
                # The worker was killed before its response: nothing was acknowledged.
                with self._changed:
                    self.cut_off += 1
                if self._retry_unavailable:
                    self._stopped.wait(0.05)
            finally:
                connection.close()

    def _write_one(self, connection, kind, who):
        with self._changed:
            number = next(self._numbers)
        method, path, headers, body = WRITES[kind](self.token, who, number, self.secret)
        begun = time.monotonic()
        connection.request(method, self._prefix + path, body, headers | self._headers)
        response = connection.getresponse()
        text = response.read()
        with self._changed:
            self.slowest = max(self.slowest, time.monotonic() - begun)
            is_unavailable = (
                self._retry_unavailable
                and (response.status == 503 or text.startswith(RETRYABLE_LINES))
                and response.headers["Retry-After"]
            )
            if response.status in (200, 201) and not text.startswith(b"ERROR"):
                self.known[kind].add(number)
                self.acknowledged[kind] += 1
                self._times[kind].append((begun, time.monotonic()))
            elif is_unavailable:
                self.unavailable[kind] += 1
            else:
                self.refused.append((kind, response.status, text))
            self._changed.notify_all()
        if is_unavailable:
            # A real client waits for five seconds.
            self._stopped.wait(0.1)


def form(secret, **fields):
    return urllib.parse.urlencode({"secret": secret, "group": "hall", **fields})


def registration(token, who, number, secret):
    data = json.dumps({"overall_clients": number})
    return "POST", "/endpoint/register", FORM, form(secret, data=data)


def state(token, who, number, secret):
    body = json.dumps({"url": "http://192.0.2.1/", "clients": number})
    headers = JSON | {"Authorization": f"Bearer {token}"}
    return "PUT", f"/api/v1/rooms/hall/endpoints/{who}", headers, body


def playback(token, who, number, secret):
    body = json.dumps({"v": 2, "sid": str(uuid.UUID(int=number)), "br": number, "played": 1000})
    return "POST", "/api/v1/rooms/hall/playback", JSON, body


def logs(token, who, number, secret):
    time = datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    line = f'203.0.113.9 - - [{time}] "GET /write-{number}-of-logs HTTP/1.1" 200 5 "-" "VLC/3.0"'
    return "POST", "/endpoint/logs", FORM, form(secret, data=line)


WRITES = {"registration": registration, "state": state, "playback": playback, "logs": logs}


def token_of(engine):
    """Issue a token for the hall; return its text."""
    with Session(engine) as db, db.begin():
        _, text = Tokens(db).issue(
            label="Kill",
            scope="room",
            room="hall",
            endpoint="",
            created_by="tests",
            now=datetime.now(UTC),
        )
    return text


def stored_writes(engine, folder):
    """Return the numbers of all stored writes of each kind."""
    with engine.connect() as connection:
        samples = connection.execute(sa.select(Sample.name, Sample.clients)).all()
        players = set(connection.scalars(sa.select(Player.sid)))
        played = set(connection.scalars(sa.select(Playback.bitrate)))
    lines = "".join(path.read_text() for path in folder.iterdir())
    return {
        "registration": {clients for name, clients in samples if name.startswith("127.")},
        "state": {clients for name, clients in samples if name.startswith("state")},
        "playback": {uuid.UUID(sid).int for sid in players if uuid.UUID(sid).int * 1000 in played},
        "logs": {int(part.split("-")[0]) for part in lines.split("/write-")[1:]},
    }
