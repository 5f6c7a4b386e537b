"""Fixtures of the agent's tests: trackers, streaming servers and agents."""

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
from timeouts import extended

from streaming_system.cli import main
from streaming_system.tracker.crew.tokens import Tokens
from streaming_system.tracker.db.session import make_engine
from streaming_system.tracker.models import Base

from ..conftest import SECRET
from ..served import Served
from .fake_log_tracker import FakeLogTracker
from .fake_server import FakeServer
from .log_files import LogWriter, logs_section
from .running import RunningAgent, write_ini
from .servers import Icecast, NginxRtmp, free_port


class RealTracker(Served):
    """A tracker process with access to its database and API."""

    def __init__(self, folder, settings, database) -> None:
        super().__init__(folder, settings)
        self.secret = SECRET
        self.logs = folder / "logs"
        self.database = database
        self._pool = urllib3.PoolManager(retries=False, timeout=10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def is_running(self):
        return self._process is not None and self._process.poll() is None

    def reset(self):
        """Delete all data."""
        engine = make_engine({"sqlalchemy.url": self.database})
        with engine.begin() as connection:
            for table in reversed(Base.metadata.sorted_tables):
                connection.execute(sa.delete(table))
        engine.dispose()
        shutil.rmtree(self.logs, ignore_errors=True)

    def token(self, scope="room", room="hall", endpoint=""):
        engine = make_engine({"sqlalchemy.url": self.database})
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
        return self._fetch(path).json()

    def page(self, path):
        """Return a page as a document."""
        return BeautifulSoup(self._fetch(path).data, "html.parser")

    def _fetch(self, path):
        response = self._pool.request("GET", self.url + path)
        assert response.status == 200, response.data
        return response

    def rows(self, query, **values):
        """Return the rows of a query."""
        engine = make_engine({"sqlalchemy.url": self.database})
        with engine.connect() as connection:
            rows = [tuple(row) for row in connection.execute(sa.text(query), values)]
        engine.dispose()
        return rows

    def endpoints(self, room="hall"):
        """Return the live endpoints of a room by name."""
        endpoints = self.get(f"/api/v1/rooms/{room}/endpoints")["endpoints"]
        return {endpoint["name"]: endpoint for endpoint in endpoints}

    def close(self):
        self.stop()
        self._pool.clear()


@pytest.fixture(scope="session")
def tracker_process(migrate, tmp_path_factory):
    """A tracker process; all tests share it, because it starts slowly."""
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
    """A tracker process without data."""
    if not tracker_process.is_running():
        tracker_process.start()
    tracker_process.reset()
    return tracker_process


@pytest.fixture
def fake_server():
    """A server with configurable responses that records requests."""
    with FakeServer() as server:
        yield server


def wait_until(is_true, seconds, what):
    """Poll until the result is true, and return it."""
    deadline = time.monotonic() + extended(seconds)
    while not (result := is_true()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.1)
    return result


def json_response(document, status=200, type_="application/json"):
    """Return a response of a fake server."""
    return status, {"Content-Type": type_}, json.dumps(document).encode()


@pytest.fixture
def agent(tmp_path):
    """Return a function that starts an agent."""
    started = []

    def agent(**options):
        started.append(RunningAgent(tmp_path / f"agent{len(started)}", **options))
        return started[-1]

    yield agent
    for process in started:
        process.stop()


@pytest.fixture
def once(tmp_path, caplog):
    """Return a function that runs `agent register --once`, and returns its status and output."""

    def once(**options):
        ini = write_ini(tmp_path / "once", **options)
        result = CliRunner().invoke(main, ["agent", "register", "-c", str(ini), "--once"])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result.exit_code, caplog.text + result.output

    return once


@pytest.fixture
def icecast(tmp_path):
    """Icecast."""
    require("icecast2")
    require("ffmpeg")
    server = Icecast(tmp_path / "icecast")
    yield server
    server.program.stop()


@pytest.fixture
def nginx_rtmp(tmp_path):
    """nginx with its RTMP module."""
    require("nginx")
    require("ngx_rtmp_module")
    require("ffmpeg")
    server = NginxRtmp(tmp_path / "nginx")
    yield server
    server.program.stop()


@pytest.fixture
def encoders():
    """Return a function that registers a program to be stopped at the end of the test."""
    programs = []

    def register(program):
        programs.append(program)
        return program

    yield register
    for program in programs:
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
