"""What runs beside a streaming server, against a tracker that is served, and against bad ones."""

import json
import shutil
import time
from datetime import UTC, datetime

import pytest
import urllib3
from sqlalchemy.orm import Session

from streaming_system.tracker.db import make_engine
from streaming_system.tracker.services.tokens import Tokens

from ..conftest import SECRET
from ..served import Served
from .standin import StandIn


class RealTracker(Served):
    """A tracker, with what tests want to know of it."""

    def __init__(self, folder, settings, database) -> None:
        super().__init__(folder, settings)
        self.secret = SECRET
        self._database = database
        self._pool = urllib3.PoolManager(retries=False, timeout=10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def token(self, scope="room", room="hall", endpoint=""):
        engine = make_engine({"sqlalchemy.url": self._database})
        with Session(engine) as db, db.begin():
            _, text = Tokens(db).issue(
                label="Test",
                scope=scope,
                room=room,
                endpoint=endpoint,
                by="tests",
                now=datetime.now(UTC),
            )
        engine.dispose()
        return text

    def get(self, path):
        answer = self._pool.request("GET", self.url + path)
        assert answer.status == 200, answer.data
        return answer.json()

    def endpoints(self, room="hall"):
        """The endpoints of a room that are alive, by name."""
        listed = self.get(f"/api/v1/rooms/{room}/endpoints")["endpoints"]
        return {endpoint["name"]: endpoint for endpoint in listed}

    def close(self):
        self.stop()
        self._pool.clear()


@pytest.fixture(scope="session")
def empty_database(migrate, tmp_path_factory):
    """The file of a database that has just been made."""
    file = tmp_path_factory.mktemp("empty") / "tracker.sqlite"
    migrate(f"sqlite:///{file}")
    return file


@pytest.fixture
def served(conference, empty_database, tmp_path):
    """A tracker that is served over HTTP."""
    file = shutil.copy(empty_database, tmp_path / "tracker.sqlite")
    database = f"sqlite:///{file}"
    settings = conference | {"sqlalchemy.url": database, "logdir": str(tmp_path / "logs")}
    tracker = RealTracker(tmp_path, settings, database)
    tracker.start()
    yield tracker
    tracker.close()


@pytest.fixture
def stand_in():
    """A server that says what it is told to say, and keeps what it is asked."""
    with StandIn() as server:
        yield server


def soon(is_true, seconds, what):
    """Ask until the answer is true."""
    give_up = time.monotonic() + seconds
    while not (answer := is_true()):
        assert time.monotonic() < give_up, f"not within {seconds} s: {what}"
        time.sleep(0.1)
    return answer


def as_json(document, status=200, type_="application/json"):
    """Return a stand-in's answer."""
    return status, {"Content-Type": type_}, json.dumps(document).encode()
