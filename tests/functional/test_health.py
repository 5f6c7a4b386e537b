"""Liveness and readiness of both apps."""

import contextlib
import logging
import os
import signal
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory
from webtest import TestApp

from streaming_system import tracker as tracker_app
from streaming_system.tracker.db.readiness import REVISION
from streaming_system.util.program_version import program_version

pytestmark = pytest.mark.both_databases

VERSION = {"version": program_version().version, "commit": program_version().commit}
SECRETS = ("postgresql", "sqlite", "/", "psycopg", "@", "Traceback")
UNUSABLE = "the database cannot be used: is it running, and is its URL right?"
SILENT = "the database has not answered within a second"


ON_POSTGRESQL = pytest.mark.parametrize("migrated_database", ["postgresql"], indirect=True)
ON_SQLITE = pytest.mark.parametrize("migrated_database", ["sqlite"], indirect=True)


def not_ready(app):
    response = app.get("/readyz", status=503)
    assert response.json.keys() == {"ready", "error", *VERSION}
    assert response.json["ready"] is False
    assert response.headers["Cache-Control"] == "no-store"
    assert "\n" not in response.json["error"]
    assert [word for word in SECRETS if word in response.json["error"]] == []
    return response.json["error"]


class TestLiveness:
    @pytest.fixture(params=["site", "tracker"])
    def app(self, request, site, tracker):
        return {"site": site, "tracker": tracker}[request.param]

    def test_healthz_responds(self, app):
        response = app.get("/healthz")

        assert (response.text, response.content_type) == ("ok\n", "text/plain")
        assert app.head("/healthz").body == b""

    @pytest.mark.parametrize("path", ["/healthz", "/readyz"])
    def test_health_responses_are_not_cached_and_set_no_cookie(self, app, path):
        headers = app.get(path).headers

        assert headers["Cache-Control"] == "no-store"
        assert "ETag" not in headers
        assert "Set-Cookie" not in headers

    @pytest.mark.parametrize("path", ["/healthz", "/readyz"])
    def test_health_checks_accept_get_and_head_only(self, app, path):
        app.post(path, status=404)


class TestFrontend:
    def test_frontend_with_schedule_is_ready_and_reports_its_age(self, site, schedule_file):
        an_hour_ago = time.time() - 3600
        os.utime(schedule_file, (an_hour_ago, an_hour_ago))

        response = site.get("/readyz")

        assert response.content_type == "application/json"
        assert response.json == {
            "ready": True,
            "schedule": {"age_seconds": pytest.approx(3600, abs=60), "rooms": 2},
            "dropped_requests": {"expired": 0, "abandoned": 0},
            **VERSION,
        }

    def test_schedule_file_from_the_future_has_age_zero(self, site, schedule_file):
        later = time.time() + 3600
        os.utime(schedule_file, (later, later))

        assert site.get("/readyz").json["schedule"]["age_seconds"] == 0

    def test_frontend_without_schedule_is_not_ready(self, make_site, schedule_file):
        schedule_file.unlink()
        site = make_site()

        assert not_ready(site) == "the schedule file cannot be read: No such file or directory"
        site.get("/healthz", status=200)

    @pytest.mark.parametrize(
        ("break_it", "reason"),
        [
            (lambda path: path.unlink(), "cannot be read: No such file or directory"),
            (lambda path: path.write_text('{"version": 4'), "is not a schedule"),
            (lambda path: path.write_text('{"version": 4}'), "has version 4"),
            (lambda path: path.write_bytes(b"\xff"), "cannot be read: it is not UTF-8"),
        ],
    )
    def test_invalid_schedule_file_is_not_ready_while_pages_show_the_last(
        self, site, schedule_file, break_it, reason
    ):
        site.get("/readyz", status=200)
        good = schedule_file.read_bytes()

        break_it(schedule_file)

        assert not_ready(site).startswith(f"the schedule file {reason}")
        assert "Keynote" in site.get("/hall").text
        schedule_file.write_bytes(good)
        site.get("/readyz", status=200)

    def test_schedule_file_is_read_again_after_permission_error(self, site, schedule_file):
        if os.geteuid() == 0:
            # Root can read every file, but not a folder in its place.
            hidden = schedule_file.rename(schedule_file.with_suffix(".hidden"))
            schedule_file.mkdir()
            assert "Is a directory" in not_ready(site)
            schedule_file.rmdir()
            hidden.rename(schedule_file)
        else:
            schedule_file.chmod(0)
            assert "Permission denied" in not_ready(site)
            schedule_file.chmod(0o644)

        site.get("/readyz", status=200)


class TestTracker:
    def test_required_revision_is_the_last_migration(self, root):
        config = Config()
        config.set_main_option("script_location", str(root / "alembic"))
        config.set_main_option("path_separator", "os")

        assert ScriptDirectory.from_config(config).get_current_head() == REVISION

    def test_tracker_with_migrated_database_is_ready(self, tracker):
        response = tracker.get("/readyz")

        assert response.content_type == "application/json"
        assert response.json == {
            "ready": True,
            "database": {"revision": REVISION},
            **VERSION,
        }

    def test_tracker_is_not_ready_while_database_is_unavailable(self, tracker, away, caplog):
        caplog.set_level(logging.INFO)
        with away():
            assert not_ready(tracker) == UNUSABLE
            assert not_ready(tracker) == UNUSABLE
            tracker.get("/healthz", status=200)

        assert tracker.get("/readyz").json["ready"] is True
        messages = [
            record.getMessage() for record in caplog.records if "ready" in record.getMessage()
        ]
        # Each change is logged once.
        assert [line.split(":")[0] for line in messages] == ["not ready", "ready again"]

    @ON_SQLITE
    def test_readiness_check_creates_no_database(self, tracker, database):
        path = Path(sa.make_url(database).database)
        hidden = path.rename(path.with_suffix(".hidden"))
        try:
            assert not_ready(tracker) == UNUSABLE
            assert not path.exists()
        finally:
            hidden.rename(path)

    @pytest.mark.parametrize(
        ("statement", "reason"),
        [
            (
                "UPDATE alembic_version SET version_num = 'c5d1f0a9e355'",
                f"the database is at revision c5d1f0a9e355, and this version needs {REVISION}: "
                "run make migrate, or streaming-system tracker migrate",
            ),
            (
                "DELETE FROM alembic_version",
                "the database has not been migrated: run make migrate, or streaming-system "
                "tracker migrate",
            ),
            (
                "ALTER TABLE alembic_version RENAME TO gone",
                "the database has not been migrated: run make migrate, or streaming-system "
                "tracker migrate",
            ),
        ],
    )
    def test_tracker_with_another_revision_is_not_ready(self, tracker, engine, statement, reason):
        with changed(engine, statement):
            assert not_ready(tracker) == reason

        tracker.get("/readyz", status=200)

    @ON_POSTGRESQL
    def test_readiness_check_does_not_wait_for_a_locked_table(self, tracker, engine):
        with engine.connect() as connection, connection.begin() as transaction:
            connection.exec_driver_sql("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE")

            assert took(lambda: not_ready(tracker)) == (SILENT, pytest.approx(1, abs=0.9))
            transaction.rollback()

        assert ready_again(tracker)

    @ON_POSTGRESQL
    def test_hung_database_blocks_neither_readiness_nor_threads(self, tracker, engine):
        tracker.get("/readyz", status=200)
        with silent(engine):
            assert took(lambda: not_ready(tracker)) == (SILENT, pytest.approx(1, abs=0.9))
            # A concurrent check fails even sooner.
            assert [not_ready(tracker) for _ in range(5)]
            looks = [one for one in threading.enumerate() if one.name == "readiness"]
            assert len(looks) == 1

        assert ready_again(tracker)

    def test_health_checks_are_excluded_from_metrics(self, tracker):
        tracker.get("/healthz")
        tracker.get("/readyz")
        tracker.get("/streams.json")

        lines = tracker.get("/metrics").text.splitlines()
        counted = [line for line in lines if line.startswith("streaming_http_requests_total{")]
        assert len(counted) == 1
        assert 'route="streams.list"' in counted[0]

    def test_health_checks_are_not_rate_limited(self, tracker_settings):
        limits = {"limit.reads": "1/hour"}
        app = TestApp(
            tracker_app.main({}, **tracker_settings | limits),
            extra_environ={"REMOTE_ADDR": "203.0.113.1"},
        )
        app.get("/api/v1/rooms")
        app.get("/api/v1/rooms", status=429)

        for _ in range(3):
            app.get("/healthz", status=200)
            app.get("/readyz", status=200)
        app.app.registry["db.sessions"].kw["bind"].dispose()


def took(call):
    """Return what a call returns, and how many seconds it took."""
    begun = time.monotonic()
    return call(), time.monotonic() - begun


def ready_again(tracker):
    """Poll until the hung probe has timed out; then the tracker must be ready."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        if tracker.get("/readyz", status="*").status_int == 200:
            return True
    return False


@contextlib.contextmanager
def changed(engine, statement):
    """Change the revision temporarily."""
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)
    try:
        yield
    finally:
        with engine.begin() as connection:
            if sa.inspect(connection).has_table("gone"):
                connection.exec_driver_sql("ALTER TABLE gone RENAME TO alembic_version")
            connection.exec_driver_sql("DELETE FROM alembic_version")
            connection.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{REVISION}')")


@contextlib.contextmanager
def silent(engine):
    """Make the server accept connections without responding."""
    with engine.connect() as connection:
        folder = connection.exec_driver_sql("SHOW data_directory").scalar_one()
    process = int((Path(folder) / "postmaster.pid").read_text().split()[0])
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)
