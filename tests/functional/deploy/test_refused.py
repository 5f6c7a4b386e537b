"""Deployments that conf/setup.sh refuses."""

import fcntl
import re
import socket
import subprocess
from pathlib import Path

import pytest
from programs import require

from ..proxy.site import ROOT

ON_POSTGRESQL = pytest.mark.parametrize("new_database", ["postgresql"], indirect=True)


def expect_refusal(machine, text, *arguments):
    result = machine.setup(*arguments)

    assert result.returncode == 1, result.stdout
    (message,) = [line for line in result.stderr.splitlines() if not line.startswith("Database:")]
    assert text in message
    # There is no version, and no file of the attempt.
    assert [path.name for path in machine.website.iterdir() if path.is_dir()] == ["feeds"]
    assert not (machine.website / "current").is_symlink()
    assert machine.services.restarts == []


@ON_POSTGRESQL
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


@ON_POSTGRESQL
def test_concurrent_run_and_missing_prerequisites_are_refused(machine):
    with (machine.website / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        expect_refusal(machine, "another run is at work")

    expect_refusal(machine, "nothing has been deployed", "rollback")
    expect_refusal(machine, "unknown: rolback; allowed: deploy, rollback", "rolback")
    (machine.website / "config.private.json").unlink()
    expect_refusal(machine, "config.private.json is missing; copy config.private.json.example")


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
def test_cheap_checks_come_before_the_build(machine):
    machine.write_configuration(database="postgresql+psycopg://me:x@127.0.0.1:9/nothing")
    expect_refusal(machine, "the database at 127.0.0.1:9 does not respond")
    result = machine.setup(MIN_FREE_MB="99999999")
    assert "MB left; a version needs 99999999 (MIN_FREE_MB)" in result.stderr
    assert machine.setup(TRACKERS="many").stderr.endswith("many is not a port\n")
    (port, other) = machine.ports.frontend
    with socket.create_server(("127.0.0.1", other)):
        expect_refusal(machine, f"port {other} is in use by another program; stop it")
    lines = machine.setup(FRONTENDS=str(port)).stdout.splitlines()
    assert lines[-1].endswith(f"Failed: nothing is in service in {machine.website}")


# Hides systemd, if this machine runs it, from one command.
WITHOUT_SYSTEMD = ["unshare", "--map-root-user", "--mount", "sh", "-c",
                   'mount -t tmpfs none /run/systemd && exec "$0"']  # fmt: skip


def test_machine_without_systemd_is_refused_with_alternatives():
    command = WITHOUT_SYSTEMD if Path("/run/systemd/system").exists() else []
    result = subprocess.run(
        [*command, ROOT / "conf/setup.sh"], capture_output=True, text=True, check=False, timeout=20
    )

    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert "does not run systemd" in line
    assert "streaming-system serve" in line
    assert "## Without systemd" in (ROOT / "docs/how-to/deploying.md").read_text()


def test_nginx_has_the_name_and_ports_of_the_machine(tmp_path):
    result = subprocess.run(
        [ROOT / "conf/setup.sh", "nginx", "talks.example.net"],
        env={"PATH": "/usr/bin:/bin", "FRONTENDS": "8111 8112 8113", "TRACKERS": "8211"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert re.findall(r"^    server 127\.0\.0\.1:(\d+) ", result.stdout, re.MULTILINE) == [
        *("8111", "8112", "8113", "8211")
    ]
    original = (ROOT / "conf/nginx.conf").read_text()
    pattern = re.compile(r"^    server 127.*\n", re.MULTILINE)
    changed = pattern.sub("", result.stdout).replace("talks.example.net", "live.example.org")
    assert changed == pattern.sub("", original)


def test_scripts_pass_shellcheck():
    shellcheck = require("shellcheck")
    scripts = [ROOT / "conf/setup.sh", *sorted((ROOT / "conf/setup").glob("*.sh"))]

    result = subprocess.run(
        [shellcheck, "-x", "-S", "warning", *scripts],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (result.returncode, result.stdout) == (0, "")


@ON_POSTGRESQL
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
