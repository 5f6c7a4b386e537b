"""Versions of a machine: their configuration, rollback, restarts, and what is left in the end."""

import json

import pytest
import urllib3

from ..proxy.site import NAME, wait_until
from .load import Load

pytestmark = [
    pytest.mark.exhaustive,
    pytest.mark.parametrize("new_database", ["postgresql"], indirect=True),
]


@pytest.fixture
def organiser(machine):
    """Changes the title of the room; the site shows it."""

    class Organiser:
        def retitle(self, title):
            path = machine.website / "config.private.json"
            config = json.loads(path.read_text())
            config["example"]["title"] = title
            path.write_text(json.dumps(config))

        def titles(self):
            """Return the room's title as each worker of the pages has it."""
            pages = [
                urllib3.request("GET", f"http://127.0.0.1:{port}/example")
                for port in machine.ports.frontend
            ]
            names = ("First", "Second", "Third")
            return {name for name in names for page in pages if name.encode() in page.data}

    return Organiser()


def run(machine, *arguments, code=0, **environ):
    result = machine.setup(*arguments, **environ)
    assert result.returncode == code, result.stdout + result.stderr
    return result.stdout


@pytest.mark.timeout(900)
def test_versions_have_their_configuration_and_restarts_drop_no_request(machine, organiser):
    # The disk of logs is full from the beginning.
    (machine.folder / "logs").mkdir()
    (machine.folder / "logs/setup.log").symlink_to("/dev/full")
    organiser.retitle("First")
    run(machine)
    first = machine.current
    organiser.retitle("Second")
    machine.commit("Another")
    run(machine)
    second = machine.current
    assert organiser.titles() == {"Second"}

    assert f"{first} is in service" in run(machine, "rollback")
    assert organiser.titles() == {"First"}

    # A finished version needs no build.
    folders = set(machine.website.iterdir())
    assert f"{second} is in service" in run(machine, "activate", second)
    assert organiser.titles() == {"Second"}
    assert set(machine.website.iterdir()) == folders
    assert run(machine, "versions").splitlines() == [first, f"{second} (in service)"]

    # A change is live after a reload, and only a valid one.
    organiser.retitle("Third")
    assert organiser.titles() == {"Second"}
    run(machine, "reload")
    wait_until(lambda: organiser.titles() == {"Third"}, 30, "the change is live")
    organiser.retitle("First")
    private = machine.website / "config.private.json"
    valid = private.read_text()
    private.write_text(valid.replace('"title"', '"titel"'))
    lines = run(machine, "reload", code=1).splitlines()
    assert lines[-1].endswith(f"Failed: {second} stays in service")
    assert organiser.titles() == {"Third"}
    private.write_text(valid)

    machine.start_nginx()
    machine.services.restarts.clear()
    with Load(machine.ports.site) as load:
        run(machine, "restart")
        load.wait_for()
    assert load.failed == []
    assert {name for name in machine.services.restarts if "@" in name} == set(
        machine.services.programs
    )

    # Without the nginx of the machine, none of this is left.
    out = run(machine, "uninstall")
    assert str(machine.state) in out
    assert list((machine.folder / "etc").rglob("*streaming*")) == []
    assert {path.name for path in machine.website.iterdir()} == {
        *("config.private.json", "production.ini", "feeds", ".lock")
    }
    assert machine.services.stopped >= set(machine.services.programs)
    assert (machine.state / "schedule.json").exists()


def test_last_line_of_a_failure_names_the_version_in_service(machine):
    (port, _) = machine.ports.frontend
    run(machine, FRONTENDS=str(port), TRACKERS="")
    version = machine.current
    ini = machine.website / "production.ini"
    ini.write_text(ini.read_text().replace("[app:frontend]\n", "[app:frontend]\nwrong.key = 1\n"))

    lines = run(machine, FRONTENDS=str(port), TRACKERS="", code=1).splitlines()

    assert lines[-1].endswith(f"Failed: {version} stays in service")
    assert machine.current == version
    page = urllib3.request("GET", f"http://127.0.0.1:{port}/", headers={"Host": NAME})
    assert page.status == 200
