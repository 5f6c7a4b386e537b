"""An installed site with PostgreSQL, into which tests inject faults."""

import json
import os
from pathlib import Path

import pytest
from functional.conftest import migrate  # noqa: F401 - It is a fixture.
from functional.postgres import Postgres
from programs import require

from .site_under_fault import SiteUnderFault

RESULTS = []


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    """A PostgreSQL server for fault injection."""
    server = Postgres(tmp_path_factory.mktemp("faults") / "database")
    yield server
    server.stop("immediate")


@pytest.fixture(scope="session")
def site_under_fault(tmp_path_factory, postgres, migrate):  # noqa: F811
    """A site with two workers of each app, nginx and PostgreSQL."""
    require("nginx")
    migrate(postgres.url)
    site = SiteUnderFault(tmp_path_factory.mktemp("site"), database=postgres.url)
    yield site.start(frontends=2, trackers=2)
    site.close()


@pytest.fixture
def record_result():
    """Return a function that records the metrics of a fault for docs/explanation/faults.md."""

    def record_result(fault, **metrics):
        RESULTS.append({"fault": fault, **metrics})
        print(f"\n{fault}: {metrics}")  # noqa: T201 - For `pytest -s`.

    return record_result


def pytest_sessionfinish():
    """Write the results to the file that `make faults` reads."""
    if path := os.environ.get("FAULTS_FIGURES"):
        Path(path).write_text(json.dumps(RESULTS, indent=1, ensure_ascii=False) + "\n")
