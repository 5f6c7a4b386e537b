"""Files of the programs are hidden from other users, whatever the umask is."""

import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import urllib3

from .agent.log_files import append_lines
from .agent.servers import free_port

BIN = Path(sys.executable).parent
PASSWORD = "correct horse"


@pytest.fixture
def site(root, tmp_path):
    """A checkout without its var, whose site has a port of its own."""
    for name in ("config.json", "config.private.json.example"):
        shutil.copy(root / name, tmp_path)
    for name in ("alembic", "conf", "brand", "plugins"):
        (tmp_path / name).symlink_to(root / name)
    text = (root / "development.ini").read_text()
    ini = re.sub("^address = .*", f"address = 127.0.0.1:{free_port()}", text, flags=re.MULTILINE)
    (tmp_path / "development.ini").write_text(ini)
    return tmp_path


@pytest.fixture
def run(site):
    """Return a function that runs a program with no umask; it returns the new files below var."""

    def run(*command, stdin="", status=0):
        before = file_modes(site)
        completed = subprocess.run(
            [BIN / command[0], *command[1:]],
            cwd=site,
            input=stdin,
            text=True,
            capture_output=True,
            check=False,
            umask=0,
        )
        assert status in (None, completed.returncode), completed.stderr
        return {name: mode for name, mode in file_modes(site).items() if name not in before}

    return run


def file_modes(site):
    """Return the permissions of all files and folders below var, by their path."""
    modes = {}
    for path in (site / "var", *(site / "var").rglob("*")):
        # Programs remove temporary files meanwhile.
        if path.exists():
            modes[str(path.relative_to(site))] = path.stat().st_mode & 0o777
    return modes


def migrate(run):
    return run("alembic", "-c", "development.ini", "upgrade", "head")


def streaming_system(*arguments):
    return ("streaming-system", "-c", "development.ini", *arguments)


def test_migration_creates_a_private_database(run):
    assert migrate(run) == {"var": 0o750, "var/tracker.sqlite": 0o640}


def test_commands_create_private_files(run):
    migrate(run)

    assert run(*streaming_system("schedule", "import")) == {
        "var/plugins.json": 0o640,
        "var/schedule.json": 0o640,
        "var/schedule.report.json": 0o640,
    }
    assert (
        run(*streaming_system("admin", "create", "ada", "--password-stdin"), stdin=PASSWORD) == {}
    )
    assert run(*streaming_system("tracker", "prune")) == {"var/tracker.sqlite-prune": 0o640}
    assert run(*streaming_system("tracker", "watch", "--count", "1")) == {}
    assert run(*streaming_system("tracker", "backup", "var/backup.gz")) == {"var/backup.gz": 0o600}
    assert run(*streaming_system("tracker", "restore", "--replace", "var/backup.gz")) == {}


def test_import_creates_a_private_folder(run):
    assert run(*streaming_system("schedule", "import")) == {
        "var": 0o750,
        "var/plugins.json": 0o640,
        "var/schedule.json": 0o640,
        "var/schedule.report.json": 0o640,
    }


def test_workers_create_private_files(run, site):
    migrate(run)
    run(*streaming_system("schedule", "import"))
    secret = re.search(r'"secret": "([^"]+)"', (site / "config.private.json.example").read_text())
    line = (
        f'192.0.2.7 - - [{datetime.now(UTC):%d/%b/%Y:%H:%M:%S %z}] "GET /a HTTP/1.1" 200 9 "-" "x"'
    )
    process = subprocess.Popen(
        [BIN / "pserve", "development.ini"],
        cwd=site,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        umask=0,
    )
    try:
        url = next(m[1] for m in map(re.compile(r"(http://[\d.:]+)").search, process.stderr) if m)
        fields = {"secret": secret[1], "group": "example", "data": line}
        response = urllib3.PoolManager().request(
            "POST", f"{url}/tracker/endpoint/logs", fields=fields, encode_multipart=False
        )
        assert (response.status, response.data) == (200, b"OK\n")
        modes = file_modes(site)
    finally:
        process.terminate()
        process.communicate(timeout=60)

    assert modes.pop("var/endpoint-logs/example/127.0.0.1.log") == 0o640
    assert {"var/tracker.sqlite-wal", "var/tracker.sqlite-shm"} <= set(modes)
    assert {name: oct(mode) for name, mode in modes.items() if mode & 0o007} == {}


def test_agent_creates_a_private_spool(run, site):
    append_lines(site / "access.log", range(3))
    (site / "agent.ini").write_text(
        "[agent]\ntrackers = http://127.0.0.1:9\nname = edge1\nurl = http://127.0.0.1/{room}/\n"
        "secret = not-the-real-one\nstatus = off\nstate = var/agent\n"
        "[logs]\nfiles = access.log = example\nspool = 1M\ninterval = 0.2\nstatus = off\n"
    )

    modes = run("streaming-system", "agent", "logs", "-c", "agent.ini", "--once", status=None)

    assert modes["var/agent/logs.sqlite"] == 0o640
    assert {name: oct(mode) for name, mode in modes.items() if mode & 0o007} == {}


def test_start_hides_a_database_of_an_earlier_version(run, site):
    migrate(run)
    database = site / "var/tracker.sqlite"
    database.chmod(0o644)

    run(*streaming_system("admin", "list"))
    assert database.stat().st_mode & 0o777 == 0o640

    database.chmod(0o664)
    migrate(run)
    assert database.stat().st_mode & 0o777 == 0o660


def test_stricter_umask_applies(site):
    subprocess.run(
        [BIN / "alembic", "-c", "development.ini", "upgrade", "head"],
        cwd=site,
        check=True,
        capture_output=True,
        umask=0o077,
        env=os.environ,
    )

    assert file_modes(site) == {"var": 0o700, "var/tracker.sqlite": 0o600}
