"""Both apps, each behind WebTest, on real databases and real files."""

import contextlib
import functools
import json
import os
import shutil
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

from .app_pool import AppPool
from .crew_pages import people  # noqa: F401 - This is a fixture.
from .pages import (  # noqa: F401 - These are fixtures.
    clock,
    live_site,
    make_site,
    schedule_file,
    site,
    stub_tracker,
    stub_tracker_server,
    write_schedule,
)
from .postgres import temporary_server
from .push_service import push_server, push_service  # noqa: F401 - These are fixtures.

SECRET = "s3cret of the tests"
# How often players report, as the ini has it by default.
REPORTING = {
    "ingest.target_rate": 20.0,
    "ingest.min_interval": 5,
    "ingest.max_interval": 60,
    "ingest.max_batch": 64,
}


QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture(scope="session")
def work_folder(tmp_path_factory):
    """The folder that the tests of this process write into, one after the other."""
    return tmp_path_factory.mktemp("work")


@pytest.fixture
def tmp_path(work_folder):
    """An empty folder, in the same place for each test: settings that name it stay the same."""
    for path in work_folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    return work_folder


@pytest.fixture(scope="session")
def app_pool(work_folder):
    """The apps of this session."""
    pool = AppPool(work_folder)
    yield pool
    pool.close()


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch):
    """Let hashes of passwords take as little time as they can: most tests log in."""
    monkeypatch.setattr(passwords, "HASHER", QUICK)


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory):
    """The URL of a real PostgreSQL server, which comes as a Python package."""
    with temporary_server(tmp_path_factory.mktemp("postgresql")) as url:
        yield url


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
    """The URL of a database without migrations; for SQLite, its folder is missing, too."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/not/yet/tracker.sqlite"
        return
    server = sa.make_url(request.getfixturevalue("postgresql"))
    name = f"new_{uuid.uuid4().hex}"
    run_sql(server, f"CREATE DATABASE {name}")
    yield server.set(database=name).render_as_string(hide_password=False)
    run_sql(server, f"DROP DATABASE {name}")


@pytest.fixture(scope="session")
def migrated_engine(migrated_database):
    """An engine on the migrated database, as the tracker makes it."""
    engine = make_engine({"sqlalchemy.url": migrated_database})
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def migrated_template(tmp_path_factory, migrate, request):
    """Return a function that gives a migrated database to copy, of SQLite or of PostgreSQL.

    Nothing connects to it any more: PostgreSQL copies no database that is in use.
    """

    @functools.cache
    def migrated_template(kind):
        if kind == "sqlite":
            url = f"sqlite:///{tmp_path_factory.mktemp('template')}/tracker.sqlite"
        else:
            server = sa.make_url(request.getfixturevalue("postgresql"))
            run_sql(server, "CREATE DATABASE migrated_template")
            url = server.set(database="migrated_template").render_as_string(hide_password=False)
        migrate(url)
        return sa.make_url(url)

    return migrated_template


@pytest.fixture(params=["sqlite", "postgresql"])
def new_migrated_database(request, tmp_path, migrated_template):
    """The URL of an empty, migrated database that no other test has."""
    template = migrated_template(request.param)
    if request.param == "sqlite":
        folder = tmp_path / "not" / "yet"
        folder.mkdir(parents=True)
        yield f"sqlite:///{shutil.copy(template.database, folder)}"
        return
    server = template.set(database="postgres")
    name = f"new_{uuid.uuid4().hex}"
    run_sql(server, f"CREATE DATABASE {name} TEMPLATE {template.database}")
    yield server.set(database=name).render_as_string(hide_password=False)
    run_sql(server, f"DROP DATABASE {name}")


def run_sql(server, statement):
    """Run a statement on a server, outside of any transaction."""
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)


@pytest.fixture
def database(migrated_database, migrated_engine):
    """The URL of an empty, migrated database."""
    with migrated_engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            if connection.scalar(sa.select(sa.exists(sa.select(sa.literal(1)).select_from(table)))):
                connection.execute(sa.delete(table))
    return migrated_database


@pytest.fixture
def engine(database, migrated_engine):
    """An engine on an empty, migrated database, as the tracker makes it."""
    yield migrated_engine
    migrated_engine.dispose()


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
def tracker(app_pool, tracker_settings):
    """The tracker; requests come from 203.0.113.1."""
    return TestApp(
        app_pool.get(tracker_app.main, tracker_settings),
        extra_environ={"REMOTE_ADDR": "203.0.113.1"},
    )


@pytest.fixture
def rows(engine):
    """Return a function that reads a table as dictionaries, in the order of their keys."""

    def rows(model):
        table = model.__table__
        with engine.connect() as connection:
            found = connection.execute(sa.select(table).order_by(*table.primary_key)).mappings()
            return [dict(row) for row in found]

    return rows


@pytest.fixture
def at(engine):
    """Return a function that moves every report some seconds into the past."""

    def at(**ago):
        with engine.begin() as connection:
            connection.execute(
                sa.update(Endpoint).values(last_seen=datetime.now(UTC) - timedelta(**ago))
            )

    return at


@pytest.fixture
def before_statement(request):
    """Return a function that lets an app call a hook before each of its SQL statements."""

    def before_statement(app, hook):
        engine = app.registry["db.sessions"].kw["bind"]
        sa.event.listen(engine, "before_cursor_execute", hook)
        request.addfinalizer(lambda: sa.event.remove(engine, "before_cursor_execute", hook))

    return before_statement


@pytest.fixture
def small_disk(tmp_path):
    """A real file system of 256 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    options = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(options, check=False).returncode:
        pytest.skip("not root, who may mount a small file system")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.fixture
def away(database):
    """Return a context manager that makes the database unreachable."""
    url = sa.make_url(database)

    def allow(allowed):
        # Connect to another database: this one refuses connections meanwhile.
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
