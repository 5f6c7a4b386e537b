"""gunicorn serves both apps from the file that pserve reads."""

import re
import shutil
import sys
from pathlib import Path

import pytest
import urllib3

from .agent.servers import Program, free_port
from .proxy.site import ROOT

COMMANDS = {
    "both": ["production.ini#gunicorn"],
    "frontend": ["production.ini#gunicorn_frontend"],
    "tracker": ["production.ini#gunicorn_tracker"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory, migrate):
    """A site as an organiser lays it out, on SQLite."""
    folder = tmp_path_factory.mktemp("gunicorn")
    url = f"sqlite:///{folder}/tracker.sqlite"
    ini = (ROOT / "production.ini").read_text()
    ini = re.sub(r"^database = .*", f"database = {url}", ini, flags=re.MULTILINE)
    (folder / "production.ini").write_text(ini)
    shutil.copy(ROOT / "config.json", folder)
    (folder / "config.private.json").write_text(
        '{"config": {"secret": "s3cret of gunicorn"}, "hall": {"title": "Great Hall"}}'
    )
    migrate(url)
    return folder


@pytest.fixture
def serve(folder):
    started = []

    def serve(name, prefix=""):
        port = free_port()
        program = Program(
            *("env", f"SCRIPT_NAME={prefix}") if prefix else (),
            Path(sys.executable).with_name("gunicorn"),
            *("--paste", *COMMANDS[name], "--bind", f"127.0.0.1:{port}", "--workers", "1"),
            folder=folder,
            name=name,
        )
        started.append(program)
        program.wait_for(f"http://127.0.0.1:{port}{prefix}/healthz", seconds=60)
        return f"http://127.0.0.1:{port}", program

    yield serve
    for program in started:
        program.kill()


def get(url, method="GET", **more):
    with urllib3.PoolManager(retries=False, timeout=60) as pool:
        return pool.request(method, url, **more)


def test_both_apps_in_one_process(serve):
    url, program = serve("both")

    assert b"Great Hall" in get(f"{url}/hall").data
    fields = {"secret": "s3cret of gunicorn", "group": "hall", "data": "{}"}
    answer = get(f"{url}/tracker/endpoint/register", "POST", fields=fields, encode_multipart=False)
    assert (answer.status, answer.data) == (200, b"OK\n")
    program.stop()
    assert program.process.returncode == 0
    # What the apps log is JSON, as with pserve; gunicorn's own lines are text.
    own = [line for line in program.said.splitlines() if not line.startswith("[")]
    assert [line for line in own if not line.startswith("{")] == []


def test_encoders_behind_the_proxy_are_told_apart_by_their_own_addresses(serve):
    url, _ = serve("both")
    fields = {"secret": "s3cret of gunicorn", "group": "hall", "data": "{}"}
    register = f"{url}/tracker/endpoint/register"

    # What they say of themselves stands before what nginx knows.
    for said in ("192.0.2.1", "192.0.2.2", "198.51.100.9, 192.0.2.3"):
        headers = {"X-Forwarded-For": said}
        answer = get(register, "POST", fields=fields, encode_multipart=False, headers=headers)
        assert answer.status == 200

    known = get(f"{url}/tracker/api/v1/rooms/hall/endpoints").json()["endpoints"]
    names = {each["name"] for each in known}
    assert {"192.0.2.1", "192.0.2.2", "192.0.2.3"} <= names
    assert "198.51.100.9" not in names


def test_the_pages_alone(serve):
    url, _ = serve("frontend")

    assert b"Great Hall" in get(f"{url}/hall").data
    assert get(f"{url}/tracker/streams.json").status == 404


def test_the_tracker_alone_keeps_its_prefix(serve):
    url, _ = serve("tracker", prefix="/tracker")

    assert get(f"{url}/tracker/readyz").status == 200
    assert "/tracker/" in get(f"{url}/tracker/admin/login").data.decode()
