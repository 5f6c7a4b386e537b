"""Unmodified clients of the original go on after a refusal by a tracker in its own process."""

import contextlib
import sqlite3

import pytest

from . import original_clients
from .conftest import SECRET
from .served import Served

LINE = '192.0.2.7 - - [25/Nov/2026:04:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "VLC"\n'
# The watchdog's default: the host's name and its addresses.
IDENTIFIER = "mixer.example.org 203.0.113.7 2001:db8::7"
RESPONSE_TO_UNAVAILABLE = "ERROR DATABASE the database cannot be used now"


@pytest.fixture
def sqlite_file(tmp_path, migrate):
    path = tmp_path / "tracker.sqlite"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def server(tmp_path, conference, sqlite_file):
    settings = {"sqlalchemy.url": f"sqlite:///{sqlite_file}", "logdir": str(tmp_path / "logs")}
    server = Served(tmp_path, conference | settings)
    server.start()
    yield f"http://127.0.0.1:{server.port}"
    server.stop()


def query(path, statement):
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        return database.execute(statement).fetchall()


@contextlib.contextmanager
def broken_tables(path, *tables):
    for table in tables:
        query(path, f"ALTER TABLE {table} RENAME TO {table}_away")
    yield
    for table in tables:
        query(path, f"ALTER TABLE {table}_away RENAME TO {table}")


def test_fake_register_goes_on_after_each_refusal(server, sqlite_file):
    def register(secret=SECRET, groups="hall"):
        return original_clients.fake_register(server, secret, groups)

    assert register(secret="wrong") == ["ERROR SECRET"]
    assert register(groups="nowhere,hall") == ["ERROR GROUP", "OK"]
    with broken_tables(sqlite_file, "sample"):
        assert register() == [RESPONSE_TO_UNAVAILABLE]
    assert register(groups="hall,lab") == ["OK", "OK"]

    reports = query(sqlite_file, "SELECT room, clients, bitrate FROM sample ORDER BY room")
    assert reports == [("hall", 4, 1_000_000)] * 2 + [("lab", 4, 1_000_000)]


def test_watchdog_with_default_identifier_goes_on_after_each_refusal(server, sqlite_file):
    def report(secret=SECRET, identifier=IDENTIFIER):
        return original_clients.watchdog(server, secret, identifier)

    assert report(secret="wrong") == "ERROR SECRET"
    assert report(identifier="") == "ERROR IDENTIFIER Required"
    with broken_tables(sqlite_file, "component"):
        assert report() == RESPONSE_TO_UNAVAILABLE
    assert query(sqlite_file, "SELECT * FROM component") == []
    assert report() == "OK"
    assert report(identifier="host /path") == "OK"

    components = query(sqlite_file, "SELECT machine, name, mood FROM component ORDER BY 1, 2")
    assert components == [
        (machine, name, mood)
        for machine in ("host /path", IDENTIFIER)
        for name, mood in (("http-ogg", "happy"), ("mixer", "hungry"))
    ]


def test_log_sender_goes_on_after_each_refusal(server, sqlite_file, tmp_path):
    def send(secret=SECRET, group="hall"):
        return original_clients.send_logs(server, secret, group, LINE)

    assert send(secret="wrong") == "ERROR SECRET"
    assert send(group="nowhere") == "ERROR GROUP"
    with broken_tables(sqlite_file, "log_batch", "log_hour"):
        (tmp_path / "logs").write_text("in the way of the folder")
        assert send() == "ERROR LOGS the logs cannot be written now; send them again"
    (tmp_path / "logs").unlink()
    assert send() == "OK"

    assert len((tmp_path / "logs/hall/127.0.0.1.log").read_text().splitlines()) == 1
