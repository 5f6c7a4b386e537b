"""What runs beside a streaming server, against a tracker that is served, and against bad ones."""

import json
import shutil
import time
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
import urllib3
from bs4 import BeautifulSoup
from click.testing import CliRunner
from programs import require
from sqlalchemy.orm import Session

from streaming_system.cli import main
from streaming_system.tracker.crew.tokens import Tokens
from streaming_system.tracker.db.session import make_engine
from streaming_system.tracker.models import Base

from ..conftest import SECRET
from ..served import Served
from .fake_log_tracker import FakeLogTracker
from .log_files import LogWriter, logs_section
from .running import RunningAgent, write_ini
from .servers import Icecast, NginxRtmp, free_port
from .standin import FakeServer


class RealTracker(Served):
    """A tracker, with what tests want to know of it."""

    def __init__(self, folder, settings, database) -> None:
        super().__init__(folder, settings)
        self.secret = SECRET
        self.logs = folder / "logs"
        self._database = database
        self._pool = urllib3.PoolManager(retries=False, timeout=10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def runs(self):
        return self._process is not None and self._process.poll() is None

    def forget(self):
        """Forget everything that was reported."""
        engine = make_engine({"sqlalchemy.url": self._database})
        with engine.begin() as connection:
            for table in reversed(Base.metadata.sorted_tables):
                connection.execute(sa.delete(table))
        engine.dispose()
        shutil.rmtree(self.logs, ignore_errors=True)

    def token(self, scope="room", room="hall", endpoint=""):
        engine = make_engine({"sqlalchemy.url": self._database})
        with Session(engine) as db, db.begin():
            _, text = Tokens(db).issue(
                label="Test",
                scope=scope,
                room=room,
                endpoint=endpoint,
                created_by="tests",
                now=datetime.now(UTC),
            )
        engine.dispose()
        return text

    def get(self, path):
        answer = self._pool.request("GET", self.url + path)
        assert answer.status == 200, answer.data
        return answer.json()

    def page(self, path):
        """A page as a document."""
        answer = self._pool.request("GET", self.url + path)
        assert answer.status == 200, answer.data
        return BeautifulSoup(answer.data, "html.parser")

    def rows(self, query, **values):
        """What a query finds in its database."""
        engine = make_engine({"sqlalchemy.url": self._database})
        with engine.connect() as connection:
            found = [tuple(row) for row in connection.execute(sa.text(query), values)]
        engine.dispose()
        return found

    def endpoints(self, room="hall"):
        """The endpoints of a room that are alive, by name."""
        listed = self.get(f"/api/v1/rooms/{room}/endpoints")["endpoints"]
        return {endpoint["name"]: endpoint for endpoint in listed}

    def close(self):
        self.stop()
        self._pool.clear()


@pytest.fixture(scope="session")
def tracker_process(migrate, tmp_path_factory):
    """A tracker that is served over HTTP for all these tests: starting one takes a while."""
    folder = tmp_path_factory.mktemp("tracker")
    database = f"sqlite:///{folder}/tracker.sqlite"
    migrate(database)
    rooms = {room: {"title": room.title()} for room in ("hall", "lab")}
    site = {"config": {"secret": SECRET}, "default": {"conference": "Test Conf"}}
    (folder / "config.json").write_text(json.dumps({**site, **rooms}))
    settings = {
        "config.public": str(folder / "config.json"),
        "config.private": str(folder / "none.json"),
        "sqlalchemy.url": database,
        "logdir": str(folder / "logs"),
    }
    tracker = RealTracker(folder, settings, database)
    tracker.start()
    yield tracker
    tracker.close()


@pytest.fixture
def served(tracker_process):
    """A tracker that is served over HTTP, and that knows of nothing."""
    if not tracker_process.runs():
        tracker_process.start()
    tracker_process.forget()
    return tracker_process


@pytest.fixture
def stand_in():
    """A server that says what it is told to say, and keeps what it is asked."""
    with FakeServer() as server:
        yield server


def wait_until(is_true, seconds, what):
    """Ask until the answer is true."""
    give_up = time.monotonic() + seconds
    while not (answer := is_true()):
        assert time.monotonic() < give_up, f"not within {seconds} s: {what}"
        time.sleep(0.1)
    return answer


def json_response(document, status=200, type_="application/json"):
    """Return a stand-in's answer."""
    return status, {"Content-Type": type_}, json.dumps(document).encode()


@pytest.fixture
def agent(tmp_path):
    """Return a function that starts an agent."""
    started = []

    def agent(**more):
        started.append(RunningAgent(tmp_path / f"agent{len(started)}", **more))
        return started[-1]

    yield agent
    for one in started:
        one.stop()


@pytest.fixture
def once(tmp_path, caplog):
    """Return a function that lets an agent report once; it returns the status and what was said."""

    def once(**more):
        ini = write_ini(tmp_path / "once", **more)
        result = CliRunner().invoke(main, ["agent", "register", "-c", str(ini), "--once"])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result.exit_code, caplog.text + result.output

    return once


@pytest.fixture
def icecast(tmp_path):
    """A real Icecast."""
    require("icecast2")
    require("ffmpeg")
    server = Icecast(tmp_path / "icecast")
    yield server
    server.program.stop()


@pytest.fixture
def nginx_rtmp(tmp_path):
    """A real nginx with the RTMP module."""
    require("nginx")
    require("ngx_rtmp_module")
    require("ffmpeg")
    server = NginxRtmp(tmp_path / "nginx")
    yield server
    server.program.stop()


@pytest.fixture
def encoders():
    """Return a function that keeps a program until the test ends."""
    kept = []

    def keep(program):
        kept.append(program)
        return program

    yield keep
    for program in kept:
        program.stop()


@pytest.fixture
def log(tmp_path):
    folder = tmp_path / "nginx"
    folder.mkdir()
    return folder / "access.log"


@pytest.fixture
def log_tracker():
    with FakeLogTracker() as tracker:
        yield tracker


@pytest.fixture
def writer(log):
    """Return a function that starts a process that writes."""
    started = []

    def writer(**more):
        started.append(LogWriter(log, **more))
        wait_until(log.exists, 10, "the log is written")
        return started[-1]

    yield writer
    for one in started:
        one.stop()


@pytest.fixture
def logs(tmp_path, log):
    """Return a function that starts `agent logs`; all that it starts have one state."""
    started = []

    def logs(*trackers, secret=SECRET, options=(), files=(), **more):
        port = free_port()
        one = RunningAgent(
            tmp_path / "agent",
            command="logs",
            options=options,
            status_port=port,
            trackers=[tracker.url for tracker in trackers],
            token=f"secret = {secret}",
            sources=logs_section(*(files or [log]), port=port, **more),
        )
        started.append(one)
        return one

    yield logs
    for one in started:
        one.stop()
