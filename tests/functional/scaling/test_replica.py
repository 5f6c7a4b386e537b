"""A read replica answers graphs and figures, and nobody notices when it is gone."""

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
        answer = self._pool.request("GET", self.url + path)
        assert answer.status == 200, answer.data
        return answer

    def register(self, room):
        fields = {"secret": SECRET, "group": room, "data": json.dumps({"overall_clients": 7})}
        answer = self._pool.request(
            "POST", f"{self.url}/endpoint/register", fields=fields, encode_multipart=False
        )
        assert answer.status == 200, answer.data

    def live(self):
        """Return which rooms players are told to be live."""
        rooms = self.get("/streams.json").json()["rooms"]
        return {name for name, room in rooms.items() if room["live"]}

    def drawn(self):
        """Return which rooms the graphs show."""
        # A question of its own, whose answer nobody has kept.
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


def test_graphs_are_the_replicas_and_players_are_sent_by_the_database_itself(tracker, standby):
    tracker.register("hall")
    standby.catch_up()
    assert tracker.drawn() == {"hall"}
    assert "lab" not in tracker.live()

    # The replica stands still: it shows what is read from it.
    standby.ask("SELECT pg_wal_replay_pause()")
    tracker.register("lab")
    assert "lab" in tracker.live()
    assert tracker.drawn() == {"hall"}
    assert b"Lab" not in tracker.get("/endpoint/stats").data
    standby.ask("SELECT pg_wal_replay_resume()")
    standby.catch_up()
    assert tracker.drawn() == {"hall", "lab"}

    standby.kill()
    tracker.register("tube")
    for _ in range(5):
        assert tracker.drawn() == {"hall", "lab", "tube"}
        assert "database" in tracker.get("/readyz").data.decode()
    assert tracker.program.said.count("is away") == 1

    standby.start()
    wait_until_back(tracker, {"hall", "lab", "tube"})
    assert tracker.program.said.count("is away") == 1
    # It is read again, and only read.
    standby.ask("SELECT pg_wal_replay_pause()")
    assert tracker.drawn() == {"hall", "lab", "tube"}
    standby.ask("SELECT pg_wal_replay_resume()")


def test_one_that_hangs_costs_one_answer_two_seconds(tracker, standby):
    tracker.register("hall")
    standby.catch_up()
    # There are connections that were good until now.
    assert tracker.drawn() == {"hall"}

    with standby.frozen():
        tracker.register("lab")
        for _ in range(3):
            assert tracker.drawn() == {"hall", "lab"}
        assert tracker.program.said.count("is away") == 1

    wait_until_back(tracker, {"hall", "lab"})


def test_a_question_that_does_not_end_is_asked_the_database_itself(tracker, standby, url):
    tracker.register("hall")
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        # The replica takes over locks; it keeps this one, for it does not hear of its end.
        connection.exec_driver_sql("LOCK TABLE annotation IN ACCESS EXCLUSIVE MODE")
        tracker.register("lab")
        standby.catch_up()
        standby.ask("SELECT pg_wal_replay_pause()")
        while standby.ask("SELECT pg_get_wal_replay_pause_state()") != "paused":
            time.sleep(0.05)

    assert tracker.drawn() == {"hall", "lab"}
    assert "statement timeout" in tracker.program.said

    standby.ask("SELECT pg_wal_replay_resume()")
    wait_until_back(tracker, {"hall", "lab"})


def wait_until_back(tracker, rooms):
    """Wait until the replica is asked again; the graphs show all rooms all the time."""
    give_up = time.monotonic() + 60
    while "sqlalchemy.replica.url is back" not in tracker.program.said:
        assert tracker.drawn() == rooms
        assert time.monotonic() < give_up, tracker.program.said
        time.sleep(0.1)


def test_a_replica_that_was_never_there_is_no_reason_not_to_start(url, migrate, conference):
    migrate(url)
    nowhere = "postgresql+psycopg://x:x@127.0.0.1:9/x"
    keys = {"sqlalchemy.url": url, "sqlalchemy.replica.url": nowhere}

    app = TestApp(tracker_app.main({}, **conference, **keys))

    assert app.get("/overall-stats.json").status_int == 200
    app.app.registry["db.sessions"].kw["bind"].dispose()
    app.app.registry["replica"].dispose()


def test_nothing_is_written_over_it_even_if_it_is_the_database_itself(url, migrate):
    migrate(url)
    replica = Replica({"sqlalchemy.url": url, "sqlalchemy.replica.url": url})

    with replica.session() as db, pytest.raises(sa.exc.InternalError, match="read-only"):
        db.execute(sa.text("DELETE FROM sample"))
    replica.dispose()


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("sqlalchemy.replica.url", "sqlite:////x", "sqlalchemy.replica.url in the ini file is no"),
        ("sqlalchemy.replica.retry", "soon", "sqlalchemy.replica.retry in the ini file is 'soon'"),
    ],
)
def test_a_mistake_in_the_ini_is_one_line(url, migrate, conference, key, value, says):
    migrate(url)
    good = {"sqlalchemy.url": url, "sqlalchemy.replica.url": url}

    with pytest.raises(SystemExit, match=says) as ended:
        tracker_app.main({}, **conference, **(good | {key: value}))

    assert "\n" not in str(ended.value)
