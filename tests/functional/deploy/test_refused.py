"""Deployments that conf/setup.sh refuses."""

import fcntl

import pytest

pytestmark = pytest.mark.parametrize("new_database", ["postgresql"], indirect=True)


def expect_refusal(machine, text, *arguments):
    result = machine.setup(*arguments)

    assert result.returncode == 1, result.stdout
    (message,) = [line for line in result.stderr.splitlines() if not line.startswith("Database:")]
    assert text in message
    # There is no version, and no file of the attempt.
    assert [path.name for path in machine.website.iterdir() if path.is_dir()] == ["feeds"]
    assert not (machine.website / "current").is_symlink()
    assert machine.services.restarts == []


def test_sqlite_and_example_secret_are_refused(machine):
    machine.write_configuration(database="sqlite:///%(var)s/tracker.sqlite")
    expect_refusal(machine, "is an SQLite database, which is for trials")

    # setup.sh refuses the secret even if the ini allows it.
    machine.write_configuration(secret="move me to config.private.json")
    ini = machine.website / "production.ini"
    ini.write_text(
        ini.read_text().replace("[app:tracker]", "[app:tracker]\nsecret.allow_example = true")
    )
    expect_refusal(machine, "'secret': is the example's, which everybody knows")


def test_concurrent_run_and_missing_prerequisites_are_refused(machine):
    with (machine.website / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        expect_refusal(machine, "another run is at work")

    expect_refusal(machine, "nothing has been deployed", "rollback")
    expect_refusal(machine, "unknown: rolback; allowed: deploy, rollback", "rolback")
    (machine.website / "config.private.json").unlink()
    expect_refusal(machine, "config.private.json is missing; copy config.private.json.example")


def test_deployment_fails_if_pages_of_a_ready_worker_fail(machine):
    page = "src/streaming_system/frontend/views/pages.py"
    machine.change(
        page,
        "    events = event_overviews(",
        "    raise LookupError\n    events = event_overviews(",
    )
    machine.commit("A version whose pages fail")
    (port,) = machine.ports.frontend[:1]

    result = machine.setup(FRONTENDS=str(port), TRACKERS="")

    assert result.returncode == 1
    assert f"streaming-frontend@{port} is not ready" in result.stdout
    assert "/ is answered with 500" in result.stdout
    assert "there is no version to go back to" in result.stdout
    assert not (machine.website / "current").is_symlink()
