"""Machines with only frontends or only trackers."""

import pytest

pytestmark = pytest.mark.parametrize("new_database", ["postgresql"], indirect=True)
NOWHERE = "postgresql+psycopg://nobody@127.0.0.1:9/nothing"


def test_frontend_machine_needs_no_database_and_no_tracker_services(machine):
    machine.write_configuration(database=NOWHERE)
    (port, _) = machine.ports.frontend

    result = machine.setup(FRONTENDS=str(port), TRACKERS="")

    assert result.returncode == 0, result.stdout + result.stderr
    assert "Database:" not in result.stderr
    assert machine.services.restarts == [f"streaming-frontend@{port}", "streaming-schedule"]
    assert "an account" not in result.stdout


def test_tracker_machine_needs_no_schedule_and_no_frontend(machine):
    (port, _) = machine.ports.tracker

    result = machine.setup(FRONTENDS="", TRACKERS=str(port))

    assert result.returncode == 0, result.stdout + result.stderr
    assert "Database: up to Create endpoint" in result.stderr
    assert machine.services.restarts == [f"streaming-tracker@{port}", "streaming-watch"]
    assert not (machine.state / "schedule.json").exists()


def test_machine_without_ports_is_refused(machine):
    result = machine.setup(FRONTENDS="", TRACKERS="")

    assert result.returncode == 1
    assert "FRONTENDS and TRACKERS are both empty; name a port" in result.stderr
