"""The graceful shutdown of the server that production.ini uses."""

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

# /slow responds after a request of /go; /jump sets the wall clock forward by an hour.
APP = """
import sys, threading, time
from streaming_system.web.server import serve

go = threading.Event()

def app(environ, start_response):
    body = environ["wsgi.input"].read()
    if environ["PATH_INFO"] == "/slow":
        print("slow request", flush=True)
        go.wait(60)
    if environ["PATH_INFO"] == "/go":
        go.set()
    if environ["PATH_INFO"] == "/jump":
        wall_clock = time.time
        time.time = lambda: wall_clock() + 3600
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]

serve(app, {}, listen=sys.argv[1], **dict(word.split("=") for word in sys.argv[2:]))
"""


@pytest.fixture
def start_app(tmp_path):
    started = []

    def start_app(code, *settings):
        port = free_port()
        program = Program(
            sys.executable, "-c", code, f"127.0.0.1:{port}", *settings, folder=tmp_path, name="app"
        )
        started.append(program)
        # This connection is closed at once, so that only the test's own remain.
        while not can_connect(port):
            assert program.process.poll() is None, program.output
            time.sleep(0.05)
        return port, program

    yield start_app
    for program in started:
        program.kill()


@pytest.fixture
def start(start_app):
    return lambda *settings: start_app(APP, *settings)


@pytest.fixture
def connect():
    with contextlib.ExitStack() as stack:

        def connect(port):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            stack.enter_context(contextlib.closing(connection))
            connection.connect()
            return connection

        yield connect


def post(connection, path="/", body=b"words"):
    connection.request("POST", path, body)
    return connection.getresponse()


def can_connect(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
    except OSError:
        return False
    return True


def test_draining_server_serves_connected_clients_and_refuses_others(start, connect):
    # Idle connections stay open.
    port, program = start("drain_idle=60")
    idle, slow = connect(port), connect(port)
    assert post(idle).read() == b"words"
    slow_bodies = []
    thread = threading.Thread(target=lambda: slow_bodies.append(post(slow, "/slow").read()))
    thread.start()
    while "slow request" not in program.output:
        assert program.process.poll() is None

    program.process.send_signal(signal.SIGTERM)
    while can_connect(port):
        assert program.process.poll() is None
    # A proxy that still uses an idle connection gets a response, which closes it.
    response = post(idle, "/go")
    assert (response.status, response.read()) == (200, b"words")
    assert response.headers["Connection"] == "close"
    thread.join()

    assert slow_bodies == [b"words"]
    assert program.process.wait(60) == 0


def test_draining_server_serves_connections_of_the_backlog(start, connect):
    port, program = start("drain_idle=1")
    # While the process is stopped, the kernel accepts connections into the backlog.
    program.process.send_signal(signal.SIGSTOP)
    waiting = [connect(port) for _ in range(20)]
    for connection in waiting:
        connection.request("POST", "/", b"words")
    program.process.send_signal(signal.SIGTERM)
    program.process.send_signal(signal.SIGCONT)

    assert [each.getresponse().read() for each in waiting] == [b"words"] * 20
    assert program.process.wait(60) == 0


def test_draining_server_closes_idle_connections(start, connect):
    port, program = start("drain_idle=0")
    idle = connect(port)
    assert post(idle).read() == b"words"

    program.process.terminate()

    assert program.process.wait(60) == 0


def test_idle_connections_stay_open_after_a_clock_jump(start, connect):
    port, _ = start()
    idle, other = connect(port), connect(port)
    assert post(idle).read() == b"words"
    for path in ("/jump", "/", "/", "/"):
        assert post(other, path).read() == b"words"
    assert post(idle).read() == b"words"


def test_draining_server_exits_at_deadline_and_logs_cut_off_requests(start, connect):
    port, program = start("drain_seconds=1")
    slow = connect(port)
    slow.request("POST", "/slow", b"words")
    while "slow request" not in program.output:
        assert program.process.poll() is None

    program.process.terminate()

    assert program.process.wait(60) == 0
    assert "1 requests cut off: not done within 1 s" in program.output


@pytest.mark.parametrize("text", ["soon", "-1", "nan"])
def test_invalid_drain_setting_stops_the_start_with_one_line(text):
    done = subprocess.run(
        [sys.executable, "-c", APP, "127.0.0.1:0", f"drain_idle={text}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (
        1,
        f"drain_idle in the ini file is '{text}'; allowed: seconds, 0 to 3600\n",
    )


def test_address_in_use_stops_the_start_with_one_line_and_a_status():
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        done = subprocess.run(
            [sys.executable, "-c", APP, address], capture_output=True, text=True, check=False
        )

    assert (done.returncode, done.stderr) == (
        1,
        f"cannot listen on {address}: Address already in use; stop the program that uses it "
        "(ss -tlnp), or change the address in the ini file\n",
    )


def test_pserve_reports_wrong_settings_of_its_server_in_one_line(tmp_path):
    ini = tmp_path / "site.ini"
    ini.write_text(
        "[app:main]\nuse = call:ping:create\n"
        "[server:main]\nuse = egg:streaming-system#server\nthreads = many\n"
        "[loggers]\nkeys = root\n[handlers]\nkeys =\n[formatters]\nkeys =\n"
        "[logger_root]\nhandlers =\n"
    )
    (tmp_path / "ping.py").write_text("def create(global_conf): return None\n")

    done = subprocess.run(
        [sys.executable, "-m", "streaming_system.web.pserve", "-q", str(ini)],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip

    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith(f"{ini}: [server:main]: key 'threads' is 'many'; allowed: a")
