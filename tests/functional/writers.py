"""Clients that write without a pause, and what of it is kept afterwards."""

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

THREADS_OF_A_KIND = 2
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


class Writers:
    """Threads that write, and note what has been acknowledged.

    :param port: says where the tracker is at the moment.
    :param prefix: of the tracker's addresses.
    :param headers: of each request.
    :param away: whether "not now" (503 with Retry-After) is an answer; it is sent anew then.
    """

    def __init__(self, port, token, *, secret=SECRET, prefix="", headers=(), away=False):
        self._port, self._prefix, self._headers = port, prefix, dict(headers)
        self.token, self.secret = token, secret
        self._numbers = itertools.count(1)
        self._changed = threading.Condition()
        self._up = threading.Event()
        self._over = threading.Event()
        self._away = away
        self.acknowledged = Counter()
        self.away = Counter()
        self.refused = []
        self.cut_off = 0
        self.slowest = 0.0
        self.known = {kind: set() for kind in WRITES}
        # When calls that have been acknowledged began, and when they were.
        self._times = {kind: [] for kind in WRITES}
        self._threads = [
            threading.Thread(target=self._write, args=(kind, f"{kind}{number}"))
            for kind in WRITES
            for number in range(THREADS_OF_A_KIND)
        ]

    def __enter__(self):
        self._up.set()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self.end()
        self.join()

    def end(self):
        self._over.set()
        self._up.set()

    def join(self):
        for thread in self._threads:
            thread.join()

    def pause(self):
        self._up.clear()

    def go_on(self):
        self._up.set()

    def wait_for(self, more):
        """Wait until so many more writes of every kind together have been acknowledged."""
        with self._changed:
            enough = self.acknowledged.total() + more
            assert self._changed.wait_for(
                lambda: self.refused or self.acknowledged.total() >= enough, timeout=60
            )
        assert self.refused == [], self.refused[:3]

    def back(self, since):
        """Wait for an acknowledged call of each kind that began after a moment; return how long."""

        def after(kind):
            return [done for begun, done in self._times[kind] if begun > since]

        with self._changed:
            assert self._changed.wait_for(
                lambda: self.refused or all(after(kind) for kind in WRITES), timeout=60
            ), (self.acknowledged, self.away)
            assert self.refused == []
            return max(min(after(kind)) for kind in WRITES) - since

    def wait_until_away(self):
        """Wait until writes of each kind have been told to come back later."""
        before = self.away.copy()
        with self._changed:
            assert self._changed.wait_for(
                lambda: self.refused or all(self.away[kind] > before[kind] for kind in WRITES),
                timeout=60,
            ), (self.acknowledged, self.away)
        assert self.refused == []

    def wait_for_refusals(self, kind, more):
        """Wait until so many more writes of a kind have been told to come back later."""
        with self._changed:
            enough = self.away[kind] + more
            assert self._changed.wait_for(
                lambda: self.refused or self.away[kind] >= enough, timeout=60
            ), (self.acknowledged, self.away)
        assert self.refused == []

    def _write(self, kind, who):
        while not self._over.is_set():
            self._up.wait()
            connection = http.client.HTTPConnection("127.0.0.1", self._port(), timeout=60)
            try:
                while not self._over.is_set():
                    self._write_one(connection, kind, who)
            except (OSError, http.client.HTTPException):
                # It was killed before it answered: nothing was acknowledged.
                with self._changed:
                    self.cut_off += 1
                if self._away:
                    self._over.wait(0.05)
            finally:
                connection.close()

    def _write_one(self, connection, kind, who):
        with self._changed:
            number = next(self._numbers)
        method, path, headers, body = WRITES[kind](self.token, who, number, self.secret)
        begun = time.monotonic()
        connection.request(method, self._prefix + path, body, headers | self._headers)
        answer = connection.getresponse()
        text = answer.read()
        with self._changed:
            self.slowest = max(self.slowest, time.monotonic() - begun)
            away = self._away and answer.status == 503 and answer.headers["Retry-After"]
            if answer.status in (200, 201):
                self.known[kind].add(number)
                self.acknowledged[kind] += 1
                self._times[kind].append((begun, time.monotonic()))
            elif away:
                self.away[kind] += 1
            else:
                self.refused.append((kind, answer.status, text))
            self._changed.notify_all()
        if away:
            # A real one waits for five seconds.
            self._over.wait(0.1)


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
    """Return the text of a new token for the hall."""
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


def what_is_kept(engine, folder):
    """Return the numbers of all writes of each kind that are kept."""
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
