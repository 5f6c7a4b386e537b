"""A machine to deploy to."""

import pytest

from ..agent.servers import needs, where
from .machine import Machine


@pytest.fixture(scope="session")
def programs():
    """Skip where something is missing that conf/setup.sh needs."""
    for program in ("nginx", "curl", "git", "flock"):
        needs(program, where(program))


@pytest.fixture
def machine(programs, tmp_path, new_database):
    machine = Machine(tmp_path, new_database)
    yield machine
    machine.stop()
