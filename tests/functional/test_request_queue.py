"""Requests that wait for a thread of the server that production.ini uses."""

import json
import time

import pytest

from .test_server import connect, start_app  # noqa: F401 - These are fixtures.

# /slow responds once the file "go" exists; /state has the paths that the app saw, and what the
# server dropped.
APP = """
import json, sys, time
from pathlib import Path
from streaming_system.web.request_queue import dropped_requests
from streaming_system.web.server import serve

paths = []

def app(environ, start_response):
    paths.append(environ["PATH_INFO"])
    while environ["PATH_INFO"] == "/slow" and not Path("go").exists():
        time.sleep(0.02)
    body = json.dumps({"paths": paths, "dropped": dropped_requests.counts()}).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]

serve(app, {}, listen=sys.argv[1], threads="1", **dict(word.split("=") for word in sys.argv[2:]))
"""
# More than the queue timeout of the tests.
WAIT_SECONDS = 1.5


@pytest.fixture
def start(start_app):  # noqa: F811
    return lambda *settings: start_app(APP, *settings)


def get(connection, path="/state"):
    connection.request("GET", path)
    return connection.getresponse()


@pytest.fixture
def busy(start, connect, tmp_path):  # noqa: F811
    """Return a function that starts a server whose only thread waits, and one that frees it."""

    def busy(*settings):
        port, program = start(*settings)
        slow = connect(port)
        slow.request("GET", "/slow")

        def free():
            (tmp_path / "go").touch()
            assert slow.getresponse().read()

        return port, program, free

    return busy


def test_request_that_waited_too_long_gets_503_without_work(busy, connect):  # noqa: F811
    port, program, free = busy("queue_timeout=0.3")
    waiting = connect(port)
    waiting.request("GET", "/expensive")
    sent_at = time.monotonic()
    while time.monotonic() < sent_at + WAIT_SECONDS:
        assert program.process.poll() is None

    free()
    response = waiting.getresponse()

    assert response.status == 503
    assert response.read() == b"ERROR BUSY at the moment; send it again in 5 s\n"
    assert response.headers["Retry-After"] == "5"
    assert response.headers["Cache-Control"] == "no-store"
    state = json.loads(get(connect(port)).read())
    assert state == {"paths": ["/slow", "/state"], "dropped": {"expired": 1, "abandoned": 0}}
    assert "overload: since the start, 1 requests waited too long" in program.output


def test_request_of_a_client_that_hung_up_is_dropped(busy, connect):  # noqa: F811
    port, _, free = busy()
    patient = connect(port)
    for _ in range(20):
        abandoned = connect(port)
        abandoned.request("GET", "/expensive")
        abandoned.close()
    patient.request("GET", "/patient")

    free()

    assert patient.getresponse().status == 200
    state = json.loads(get(connect(port)).read())
    assert state == {
        "paths": ["/slow", "/patient", "/state"],
        "dropped": {"expired": 0, "abandoned": 20},
    }


def test_waiting_request_is_served_within_the_deadline(busy, connect):  # noqa: F811
    port, _, free = busy("queue_timeout=60")
    waiting = [connect(port) for _ in range(5)]
    for connection in waiting:
        connection.request("GET", "/patient")

    free()

    assert [connection.getresponse().status for connection in waiting] == [200] * 5


def test_long_path_and_long_headers_are_refused_without_work(start, connect):  # noqa: F811
    port, _ = start()

    long_path = get(connect(port), "/" + "x" * 1024)
    long_query = get(connect(port), "/state?" + "x" * 8000)
    connection = connect(port)
    connection.request("GET", "/", headers={"Accept-Language": "x" * 41_000})

    assert long_path.status == 414
    assert long_path.read() == b"ERROR PATH the path of the address is longer than 1024 bytes\n"
    assert json.loads(long_query.read())["paths"] == ["/state"]
    assert connection.getresponse().status == 431
