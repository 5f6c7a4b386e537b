"""How long an answer of another server is worth something."""

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from streaming_system.frontend.tracker_client import PolledResource


class Server(HTTPServer):
    status, says, asked = 200, "first", 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked += 1
        body = json.dumps(self.server.says).encode()
        self.send_response(self.server.status)
        # Wherever that leads, it is not followed.
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def clock():
    return {"now": 1000.0}


@pytest.fixture
def asked(server, clock):
    return PolledResource(
        server.url,
        "/x",
        str,
        refresh_interval=60,
        max_staleness=900,
        max_body_bytes=1000,
        clock=lambda: clock["now"],
    )


def test_it_is_asked_again_when_its_answer_is_old(asked, server, clock):
    assert asked.get() == "first"
    server.says = "second"
    clock["now"] += 60

    assert asked.get() == "first"
    clock["now"] += 1
    assert asked.get() == "second"


@pytest.mark.parametrize("trouble", [{"status": 500}, {"status": 302}, {"says": "x" * 2000}])
def test_the_last_good_answer_is_kept_for_a_while(asked, server, clock, trouble):
    asked.get()
    vars(server).update(trouble)
    clock["now"] += 900

    assert asked.get() == "first"
    clock["now"] += 1
    assert asked.get() is None
    # What fails is asked no more often.
    assert server.asked == 2
