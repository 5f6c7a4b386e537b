"""A worker that is told to end, by the server that production.ini uses."""

import contextlib
import http.client
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from .agent.servers import Program, free_port

# It says when it is asked, and answers once it is told.
APP = """
import sys, threading
from streaming_system.web.server import serve

go = threading.Event()

def app(environ, start_response):
    body = environ["wsgi.input"].read()
    if environ["PATH_INFO"] == "/slow":
        print("asked", flush=True)
        go.wait(60)
    if environ["PATH_INFO"] == "/go":
        go.set()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]

serve(app, {}, listen=sys.argv[1], **dict(word.split("=") for word in sys.argv[2:]))
"""


@pytest.fixture
def start(tmp_path):
    started = []

    def start(*settings):
        port = free_port()
        program = Program(
            sys.executable, "-c", APP, f"127.0.0.1:{port}", *settings, folder=tmp_path, name="app"
        )
        started.append(program)
        # Nobody stays connected who is not of the test.
        while not can_connect(port):
            assert program.process.poll() is None, program.said
            time.sleep(0.05)
        return port, program

    yield start
    for program in started:
        program.kill()


@pytest.fixture
def connect():
    with contextlib.ExitStack() as stack:

        def connect(port):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            stack.enter_context(contextlib.closing(connection))
            connection.connect()
            return connection

        yield connect


def ask(connection, path="/", body=b"words"):
    connection.request("POST", path, body)
    return connection.getresponse()


def can_connect(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
    except OSError:
        return False
    return True


def test_it_does_what_it_has_taken_on_and_takes_on_nothing_more(start, connect):
    # Silent connections stay, so that one can be used.
    port, program = start("drain_idle=60")
    kept, slow = connect(port), connect(port)
    assert ask(kept).read() == b"words"
    told = []
    thread = threading.Thread(target=lambda: told.append(ask(slow, "/slow").read()))
    thread.start()
    while "asked" not in program.said:
        assert program.process.poll() is None

    program.process.send_signal(signal.SIGTERM)
    while can_connect(port):
        assert program.process.poll() is None
    # A proxy that uses a kept connection now is answered, and uses it no more.
    answer = ask(kept, "/go")
    assert (answer.status, answer.read(), answer.headers["Connection"]) == (200, b"words", "close")
    thread.join()

    assert told == [b"words"]
    assert program.process.wait(60) == 0


def test_who_has_connected_and_not_been_accepted_is_served(start, connect):
    port, program = start("drain_idle=1")
    # While it is stopped, the system connects for it.
    program.process.send_signal(signal.SIGSTOP)
    waiting = [connect(port) for _ in range(20)]
    for connection in waiting:
        connection.request("POST", "/", b"words")
    program.process.send_signal(signal.SIGTERM)
    program.process.send_signal(signal.SIGCONT)

    assert [each.getresponse().read() for each in waiting] == [b"words"] * 20
    assert program.process.wait(60) == 0


def test_silent_connections_do_not_keep_it(start, connect):
    port, program = start("drain_idle=0")
    kept = connect(port)
    assert ask(kept).read() == b"words"

    program.process.terminate()

    assert program.process.wait(60) == 0


def test_it_ends_in_time_and_says_what_it_cut_off(start, connect):
    port, program = start("drain_seconds=1")
    slow = connect(port)
    slow.request("POST", "/slow", b"words")
    while "asked" not in program.said:
        assert program.process.poll() is None

    program.process.terminate()

    assert program.process.wait(60) == 0
    assert "1 requests cut off: not done within 1 s" in program.said


@pytest.mark.parametrize("text", ["soon", "-1", "nan"])
def test_a_time_that_is_none_stops_the_start_with_one_line(text):
    done = subprocess.run(
        [sys.executable, "-c", APP, "127.0.0.1:0", f"drain_idle={text}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (
        1,
        f"drain_idle in the ini file is '{text}'; allowed: seconds, 0 to 3600\n",
    )
