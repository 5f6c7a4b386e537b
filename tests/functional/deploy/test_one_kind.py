"""Machines that have only pages, or only the tracker."""

import pytest

pytestmark = pytest.mark.parametrize("new_database", ["postgresql"], indirect=True)
NOWHERE = "postgresql+psycopg://nobody@127.0.0.1:9/nothing"


def test_one_of_pages_needs_no_database_and_none_of_the_trackers_services(machine):
    machine.lay_out(database=NOWHERE)
    (port, _) = machine.ports.frontend

    done = machine.setup(FRONTENDS=str(port), TRACKERS="")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Database:" not in done.stderr
    assert machine.services.asked == [f"streaming-frontend@{port}", "streaming-schedule"]
    assert "an account" not in done.stdout
    # Workers may not write there.
    assert len(list((machine.website / "current").rglob("__jinja2_*.cache"))) > 30


def test_one_of_the_tracker_needs_no_schedule_and_no_frontend(machine):
    (port, _) = machine.ports.tracker

    done = machine.setup(FRONTENDS="", TRACKERS=str(port))

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Database: up to Create endpoint" in done.stderr
    assert machine.services.asked == [f"streaming-tracker@{port}", "streaming-watch"]
    assert not (machine.state / "schedule.json").exists()


def test_one_of_neither_is_a_mistake(machine):
    done = machine.setup(FRONTENDS="", TRACKERS="")

    assert done.returncode == 1
    assert "FRONTENDS and TRACKERS are both empty; name a port" in done.stderr
