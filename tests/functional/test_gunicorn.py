"""gunicorn serves both apps from the ini file of pserve."""

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
    """The folder of a site on SQLite."""
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


def request(url, method="GET", **options):
    with urllib3.PoolManager(retries=False, timeout=60) as pool:
        return pool.request(method, url, **options)


def test_one_process_serves_both_apps(serve):
    url, program = serve("both")

    assert b"Great Hall" in request(f"{url}/hall").data
    fields = {"secret": "s3cret of gunicorn", "group": "hall", "data": "{}"}
    response = request(
        f"{url}/tracker/endpoint/register", "POST", fields=fields, encode_multipart=False
    )
    assert (response.status, response.data) == (200, b"OK\n")
    program.stop()
    assert program.process.returncode == 0
    # The apps log JSON, as with pserve; the lines of gunicorn are text.
    lines = [line for line in program.output.splitlines() if not line.startswith("[")]
    assert [line for line in lines if not line.startswith("{")] == []


def test_endpoints_behind_the_proxy_are_identified_by_their_addresses(serve):
    url, _ = serve("both")
    fields = {"secret": "s3cret of gunicorn", "group": "hall", "data": "{}"}
    register = f"{url}/tracker/endpoint/register"

    # A client can send the header, too; nginx appends the real address.
    for addresses in ("192.0.2.1", "192.0.2.2", "198.51.100.9, 192.0.2.3"):
        headers = {"X-Forwarded-For": addresses}
        response = request(register, "POST", fields=fields, encode_multipart=False, headers=headers)
        assert response.data == b"OK\n"

    endpoints = request(f"{url}/tracker/api/v1/rooms/hall/endpoints").json()["endpoints"]
    names = {each["name"] for each in endpoints}
    assert {"192.0.2.1", "192.0.2.2", "192.0.2.3"} <= names
    assert "198.51.100.9" not in names


def test_frontend_runs_alone(serve):
    url, _ = serve("frontend")

    assert b"Great Hall" in request(f"{url}/hall").data
    assert request(f"{url}/tracker/streams.json").status == 404


def test_tracker_runs_alone_below_its_prefix(serve):
    url, _ = serve("tracker", prefix="/tracker")

    assert request(f"{url}/tracker/readyz").status == 200
    assert "/tracker/" in request(f"{url}/tracker/admin/login").data.decode()
