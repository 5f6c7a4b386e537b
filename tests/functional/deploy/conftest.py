"""A test machine for deployments."""

import pytest
from programs import require

from .machine import Machine


@pytest.fixture(scope="session")
def programs():
    """Skip without the programs that conf/setup.sh needs."""
    require("nginx", "curl", "git", "flock")


@pytest.fixture
def machine(programs, tmp_path, new_database):
    machine = Machine(tmp_path, new_database)
    yield machine
    machine.stop()
