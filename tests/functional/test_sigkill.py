"""What was acknowledged is there, however the process ended."""

import http.client
import itertools
import json
import sys
import threading
import urllib.parse
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.db import make_engine
from streaming_system.tracker.models import LogHour, Playback, Player, Sample
from streaming_system.tracker.services.tokens import Tokens

from .conftest import SECRET
from .served import Served

KILLS = 4
BETWEEN_KILLS = 150
THREADS_OF_A_KIND = 2


@dataclass
class Load:
    """Clients that write without a pause, and note what has been acknowledged."""

    server: Served
    token: str
    acknowledged: Counter = field(default_factory=Counter)
    refused: list = field(default_factory=list)

    def __post_init__(self):
        self._numbers = itertools.count(1)
        self._changed = threading.Condition()
        self._up = threading.Event()
        self._over = False
        self.cut_off = 0
        self.known = {kind: set() for kind in WRITES}
        self._threads = [
            threading.Thread(target=self._write, args=(kind, f"{kind}{number}"))
            for kind in WRITES
            for number in range(THREADS_OF_A_KIND)
        ]

    def __enter__(self):
        self.server.start()
        self._up.set()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self._over = True
        self._up.set()
        self.server.stop()
        for thread in self._threads:
            thread.join()

    def wait_for(self, more):
        """Wait until so many more writes of every kind together have been acknowledged."""
        with self._changed:
            enough = self.acknowledged.total() + more
            assert self._changed.wait_for(
                lambda: self.refused or self.acknowledged.total() >= enough, timeout=60
            )
        assert self.refused == []

    def kill_and_restart(self):
        self._up.clear()
        self.server.kill()
        self.server.start()
        self._up.set()

    def _write(self, kind, who):
        while not self._over:
            self._up.wait()
            connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
            try:
                while not self._over:
                    self._write_one(connection, kind, who)
            except (OSError, http.client.HTTPException):
                # It was killed before it answered: nothing was acknowledged.
                with self._changed:
                    self.cut_off += 1
            finally:
                connection.close()

    def _write_one(self, connection, kind, who):
        with self._changed:
            number = next(self._numbers)
        method, path, headers, body = WRITES[kind](self.token, who, number)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        with self._changed:
            if answer.status in (200, 201):
                self.known[kind].add(number)
                self.acknowledged[kind] += 1
            else:
                self.refused.append((kind, answer.status, text))
            self._changed.notify_all()


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


def form(**fields):
    return urllib.parse.urlencode({"secret": SECRET, "group": "hall", **fields})


def registration(token, who, number):
    data = json.dumps({"overall_clients": number})
    return "POST", "/endpoint/register", FORM, form(data=data)


def state(token, who, number):
    body = json.dumps({"url": "http://192.0.2.1/", "clients": number})
    headers = JSON | {"Authorization": f"Bearer {token}"}
    return "PUT", f"/api/v1/rooms/hall/endpoints/{who}", headers, body


def playback(token, who, number):
    body = json.dumps({"v": 2, "sid": str(uuid.UUID(int=number)), "br": number, "played": 1000})
    return "POST", "/api/v1/rooms/hall/playback", JSON, body


def logs(token, who, number):
    time = datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    line = f'203.0.113.9 - - [{time}] "GET /write-{number}-of-logs HTTP/1.1" 200 5 "-" "VLC/3.0"'
    return "POST", "/endpoint/logs", FORM, form(data=line)


WRITES = {"registration": registration, "state": state, "playback": playback, "logs": logs}


@pytest.fixture
def token(database):
    """The text of a token for the hall."""
    engine = make_engine({"sqlalchemy.url": database})
    with Session(engine) as db, db.begin():
        _, text = Tokens(db).issue(
            label="Kill", scope="room", room="hall", endpoint="", by="tests", now=datetime.now(UTC)
        )
    engine.dispose()
    return text


@pytest.fixture
def server(tmp_path, tracker_settings):
    free = {f"limit.{rate}": "off" for rate in ("reports", "writes", "reads")}
    logdir = {"logdir": str(tmp_path / "logs"), "logdir.size": "1048576"}
    server = Served(tmp_path, tracker_settings | free | logdir)
    yield server
    server.stop()


@pytest.fixture
def found(database, tmp_path):
    """Return a function that reads the numbers of all writes of each kind that are kept."""
    engine = make_engine({"sqlalchemy.url": database})

    def found():
        with engine.connect() as connection:
            samples = connection.execute(sa.select(Sample.name, Sample.clients)).all()
            players = set(connection.scalars(sa.select(Player.sid)))
            played = set(connection.scalars(sa.select(Playback.bitrate)))
        lines = "".join(path.read_text() for path in (tmp_path / "logs/hall").iterdir())
        return {
            "registration": {clients for name, clients in samples if name == "127.0.0.1"},
            "state": {clients for name, clients in samples if name.startswith("state")},
            "playback": {
                uuid.UUID(sid).int for sid in players if uuid.UUID(sid).int * 1000 in played
            },
            "logs": {int(part.split("-")[0]) for part in lines.split("/write-")[1:]},
        }

    yield found
    engine.dispose()


def test_a_killed_process_loses_nothing_that_it_has_acknowledged(
    server, token, found, database, rows
):
    with Load(server, token) as load:
        for _ in range(KILLS):
            load.wait_for(BETWEEN_KILLS)
            load.kill_and_restart()
        # It takes reports again, too.
        load.wait_for(BETWEEN_KILLS)

    kept = found()
    sys.stdout.write(
        f"\n{sa.make_url(database).drivername}: {KILLS + 1} kills, {load.cut_off} calls cut off\n"
    )
    sys.stdout.writelines(
        f"  {kind}: {len(known)} acknowledged, {len(known & kept[kind])} found\n"
        for kind, known in load.known.items()
    )
    lost = {kind: sorted(known - kept[kind]) for kind, known in load.known.items()}
    assert lost == {kind: [] for kind in WRITES}
    assert load.acknowledged.total() >= (KILLS + 1) * BETWEEN_KILLS
    assert min(load.acknowledged[kind] for kind in WRITES) >= 20
    # It was always killed while it was at work.
    assert load.cut_off > KILLS
    # What logs were counted as is as safe as the lines themselves.
    assert sum(row["hits"] for row in rows(LogHour)) >= load.acknowledged["logs"]
