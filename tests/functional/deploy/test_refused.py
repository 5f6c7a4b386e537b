"""What conf/setup.sh does not do."""

import fcntl

import pytest

pytestmark = pytest.mark.parametrize("new_database", ["postgresql"], indirect=True)


def refused(machine, line, *words):
    done = machine.setup(*words)

    assert done.returncode == 1, done.stdout
    (said,) = [each for each in done.stderr.splitlines() if not each.startswith("Database:")]
    assert line in said
    # Nothing is in service, and nothing is left of the attempt.
    assert [path.name for path in machine.website.iterdir() if path.is_dir()] == []
    assert not (machine.website / "current").is_symlink()
    assert machine.services.asked == []


def test_sqlite_and_the_secret_of_the_example(machine):
    machine.lay_out(database="sqlite:///%(var)s/tracker.sqlite")
    refused(machine, "is an SQLite database, which is for trials")

    # The ini may allow it elsewhere; not here.
    machine.lay_out(secret="move me to config.private.json")
    ini = machine.website / "production.ini"
    ini.write_text(
        ini.read_text().replace("[app:tracker]", "[app:tracker]\nsecret.allow_example = true")
    )
    refused(machine, "'secret': is the example's, which everybody knows")


def test_a_second_run_at_once_and_what_is_not_there(machine):
    with (machine.website / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused(machine, "another run is at work")

    refused(machine, "nothing has been deployed", "rollback")
    refused(machine, "unknown: rolback; allowed: deploy, rollback", "rolback")
    (machine.website / "config.private.json").unlink()
    refused(machine, "config.private.json is missing; copy config.private.json.example")


def test_a_ready_worker_whose_pages_fail_is_not_taken(machine):
    page = "src/streaming_system/frontend/views/pages.py"
    machine.change(
        page, "    events = overviews(", "    raise LookupError\n    events = overviews("
    )
    machine.commit("A version whose pages fail")
    (port,) = machine.ports.frontend[:1]

    done = machine.setup(FRONTENDS=str(port), TRACKERS="")

    assert done.returncode == 1
    assert f"streaming-frontend@{port} is not ready" in done.stdout
    assert "/ is answered with 500" in done.stdout
    assert "there is no version to go back to" in done.stdout
    assert not (machine.website / "current").is_symlink()
