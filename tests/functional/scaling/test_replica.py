"""Graphs are queried on a read replica, and on the primary while the replica is unavailable."""

import itertools
import json
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
import urllib3
from webtest import TestApp

from streaming_system import tracker as tracker_app
from streaming_system.tracker.db.replica import Replica

from ..agent.servers import Program, free_port
from ..conftest import SECRET
from ..served import INI
from .standby import Standby

# Ranges of graphs, of which no response is cached.
MINUTES = itertools.count(10)


@pytest.fixture
def standby(url, migrate):
    migrate(url)
    standby = Standby(url)
    try:
        standby.start()
        yield standby
    finally:
        standby.remove()


class Tracker:
    """A worker that reads from the replica."""

    def __init__(self, folder, settings):
        self.url = f"http://127.0.0.1:{free_port()}"
        lines = [f"{key} = {value}".replace("%", "%%") for key, value in settings.items()]
        ini = folder / "replica.ini"
        ini.write_text(
            INI.format(app="tracker", settings="\n".join(lines), port=self.url.rpartition(":")[2])
        )
        pserve = Path(sys.executable).with_name("pserve")
        self.program = Program(pserve, ini, folder=folder, name="tracker")
        self.program.wait_for(f"{self.url}/healthz", seconds=60)
        self._pool = urllib3.PoolManager(retries=False, timeout=60)

    def get(self, path):
        response = self._pool.request("GET", self.url + path)
        assert response.status == 200, response.data
        return response

    def register(self, room):
        fields = {"secret": SECRET, "group": room, "data": json.dumps({"overall_clients": 7})}
        response = self._pool.request(
            "POST", f"{self.url}/endpoint/register", fields=fields, encode_multipart=False
        )
        assert response.data == b"OK\n"

    def live(self):
        """Return the live rooms of the stream directory."""
        rooms = self.get("/streams.json").json()["rooms"]
        return {name for name, room in rooms.items() if room["live"]}

    def rooms_in_graphs(self):
        """Return which rooms the graphs show."""
        # A unique length, so that no cached response is used.
        path = f"/overall-stats.json?range={next(MINUTES)}"
        [_, clients] = self.get(path).json()["graphs"][:2]
        return {series["label"] for series in clients["series"]}


@pytest.fixture
def tracker(standby, url, conference, tmp_path):
    replica = standby.url.render_as_string(hide_password=False)
    keys = {"sqlalchemy.url": url, "sqlalchemy.replica.url": replica,
            "sqlalchemy.replica.retry": "1"}  # fmt: skip
    tracker = Tracker(tmp_path, conference | keys)
    yield tracker
    tracker.program.stop()


def test_graphs_use_the_replica_and_assignments_use_the_primary(tracker, standby):
    tracker.register("hall")
    standby.catch_up()
    assert tracker.rooms_in_graphs() == {"hall"}
    assert "lab" not in tracker.live()

    # A paused replica shows which queries use it.
    standby.scalar("SELECT pg_wal_replay_pause()")
    tracker.register("lab")
    assert "lab" in tracker.live()
    assert tracker.rooms_in_graphs() == {"hall"}
    assert b"Lab" not in tracker.get("/endpoint/stats").data
    standby.scalar("SELECT pg_wal_replay_resume()")
    standby.catch_up()
    assert tracker.rooms_in_graphs() == {"hall", "lab"}

    standby.kill()
    tracker.register("tube")
    for _ in range(5):
        assert tracker.rooms_in_graphs() == {"hall", "lab", "tube"}
        assert "database" in tracker.get("/readyz").data.decode()
    assert tracker.program.output.count("is away") == 1

    standby.start()
    wait_until_back(tracker, {"hall", "lab", "tube"})
    assert tracker.program.output.count("is away") == 1
    # The replica is used again.
    standby.scalar("SELECT pg_wal_replay_pause()")
    assert tracker.rooms_in_graphs() == {"hall", "lab", "tube"}
    standby.scalar("SELECT pg_wal_replay_resume()")


def test_a_hanging_replica_delays_one_response(tracker, standby):
    tracker.register("hall")
    standby.catch_up()
    # The pool now has working connections.
    assert tracker.rooms_in_graphs() == {"hall"}

    with standby.frozen():
        tracker.register("lab")
        for _ in range(3):
            assert tracker.rooms_in_graphs() == {"hall", "lab"}
        assert tracker.program.output.count("is away") == 1

    wait_until_back(tracker, {"hall", "lab"})


def test_a_query_that_times_out_on_the_replica_runs_on_the_primary(tracker, standby, url):
    tracker.register("hall")
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        # The replica replays this lock and, since it is paused, not its release.
        connection.exec_driver_sql("LOCK TABLE annotation IN ACCESS EXCLUSIVE MODE")
        tracker.register("lab")
        standby.catch_up()
        standby.scalar("SELECT pg_wal_replay_pause()")
        while standby.scalar("SELECT pg_get_wal_replay_pause_state()") != "paused":
            time.sleep(0.05)

    assert tracker.rooms_in_graphs() == {"hall", "lab"}
    assert "statement timeout" in tracker.program.output

    standby.scalar("SELECT pg_wal_replay_resume()")
    wait_until_back(tracker, {"hall", "lab"})


def wait_until_back(tracker, rooms):
    """Wait until the replica is used again; the graphs must show all rooms meanwhile."""
    give_up = time.monotonic() + 60
    while "sqlalchemy.replica.url is back" not in tracker.program.output:
        assert tracker.rooms_in_graphs() == rooms
        assert time.monotonic() < give_up, tracker.program.output
        time.sleep(0.1)


def test_the_app_starts_without_its_replica(url, migrate, conference):
    migrate(url)
    nowhere = "postgresql+psycopg://x:x@127.0.0.1:9/x"
    keys = {"sqlalchemy.url": url, "sqlalchemy.replica.url": nowhere}

    app = TestApp(tracker_app.main({}, **conference, **keys))

    assert app.get("/overall-stats.json").status_int == 200
    app.app.registry["db.sessions"].kw["bind"].dispose()
    app.app.registry["replica"].dispose()


def test_replica_sessions_are_read_only(url, migrate):
    migrate(url)
    replica = Replica({"sqlalchemy.url": url, "sqlalchemy.replica.url": url})

    with replica.session() as db, pytest.raises(sa.exc.InternalError, match="read-only"):
        db.execute(sa.text("DELETE FROM sample"))
    replica.dispose()


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("sqlalchemy.replica.url", "sqlite:////x", "sqlalchemy.replica.url in the ini file is no"),
        ("sqlalchemy.replica.retry", "soon", "sqlalchemy.replica.retry in the ini file is 'soon'"),
    ],
)
def test_an_invalid_replica_setting_is_one_line(url, migrate, conference, key, value, message):
    migrate(url)
    good = {"sqlalchemy.url": url, "sqlalchemy.replica.url": url}

    with pytest.raises(SystemExit, match=message) as exit_info:
        tracker_app.main({}, **conference, **(good | {key: value}))

    assert "\n" not in str(exit_info.value)
