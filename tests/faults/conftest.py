"""A site as it is installed, with PostgreSQL, that may be harmed."""

import json
import os
from pathlib import Path

import pytest
from functional.agent.servers import needs, where
from functional.conftest import migrate  # noqa: F401 - It is a fixture.
from functional.postgres import Postgres

from .harmed import Harmed

FIGURES = []


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    """A PostgreSQL server that may be harmed."""
    server = Postgres(tmp_path_factory.mktemp("faults") / "database")
    yield server
    server.stop("immediate")


@pytest.fixture(scope="session")
def harmed(tmp_path_factory, postgres, migrate):  # noqa: F811
    """A site of two workers of each app, nginx and PostgreSQL."""
    needs("nginx", where("nginx"))
    migrate(postgres.url)
    site = Harmed(tmp_path_factory.mktemp("site"), database=postgres.url)
    yield site.start(frontends=2, trackers=2)
    site.end()


@pytest.fixture
def figures(request):
    """Return a function that notes what a fault did, for the table of docs/faults.md."""

    def note(fault, **found):
        FIGURES.append({"fault": fault, **found})
        print(f"\n{fault}: {found}")  # noqa: T201 - `-s` shows it.

    return note


def pytest_sessionfinish():
    """Write the figures where `make faults` wants them."""
    if path := os.environ.get("FAULTS_FIGURES"):
        Path(path).write_text(json.dumps(FIGURES, indent=1, ensure_ascii=False) + "\n")
