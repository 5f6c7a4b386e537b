"""Databases of PostgreSQL for the tests of what only it can do."""

import uuid
from contextlib import contextmanager
from datetime import timedelta

import pytest
import sqlalchemy as sa

from streaming_system.tracker.db.session import make_engine
from streaming_system.tracker.history import maintenance

from ..growth.reports import NOW


@pytest.fixture(scope="module")
def server(postgresql):
    """Return a function that makes an empty database and returns its URL; all go again."""
    admin = sa.create_engine(postgresql, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    made = []

    def make():
        made.append(f"scaling_{uuid.uuid4().hex}")
        with admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {made[-1]}")
        return admin.url.set(database=made[-1]).render_as_string(hide_password=False)

    yield make
    with admin.connect() as connection:
        for name in made:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def url(server):
    """The URL of an empty database."""
    return server()


@pytest.fixture
def sql(url):
    """Return a context manager: a transaction, of which a function returns all rows."""
    engine = make_engine({"sqlalchemy.url": url, "sqlalchemy.poolclass": sa.NullPool})

    @contextmanager
    def sql():
        with engine.begin() as connection:
            yield lambda text: connection.exec_driver_sql(text)

    return sql


@pytest.fixture
def prune(url, conference):
    """Return a function that prunes as the timer does, at some moment."""

    def prune(now=NOW, pause=lambda seconds: None, **keep):
        settings = conference | {"sqlalchemy.url": url} | keep
        return maintenance.run_maintenance(settings, clock=lambda: now, sleep=pause)

    return prune


@pytest.fixture
def sample(sql):
    """Return a function that writes a number of samples, a second apart, up to a moment."""

    def sample(count, until=NOW, gap=timedelta(seconds=1)):
        with sql() as run:
            run(
                "INSERT INTO sample (room, name, at, clients, bitrate, cbitrate, figures) "
                f"SELECT 'hall', 'a', timestamptz '{until}' - n * interval '{gap}', n, 0, 0, '{{}}'"
                f" FROM generate_series(1, {count}) n"
            )

    return sample
