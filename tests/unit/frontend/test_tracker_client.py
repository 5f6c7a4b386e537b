"""Polling of another server: refresh and expiry."""

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from streaming_system.frontend.tracker_client import PolledResource


class StubServer(HTTPServer):
    status, document, request_count = 200, "first", 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.request_count += 1
        body = json.dumps(self.server.document).encode()
        self.send_response(self.server.status)
        # Redirects are not followed.
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with StubServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def clock():
    return {"now": 1000.0}


@pytest.fixture
def resource(server, clock):
    return PolledResource(
        server.url,
        "/x",
        lambda document, problems: document,
        refresh_interval=60,
        max_staleness=900,
        max_body_bytes=1000,
        clock=lambda: clock["now"],
    )


def test_resource_is_refreshed_after_interval(resource, server, clock):
    assert resource.get() == "first"
    server.document = "second"
    clock["now"] += 60

    assert resource.get() == "first"
    clock["now"] += 1
    assert resource.get() == "second"


@pytest.mark.parametrize("failure", [{"status": 500}, {"status": 302}, {"document": "x" * 2000}])
def test_last_valid_value_expires_after_max_staleness(resource, server, clock, failure):
    resource.get()
    vars(server).update(failure)
    clock["now"] += 900

    assert resource.get() == "first"
    clock["now"] += 1
    assert resource.get() is None
    # A failure does not shorten the interval.
    assert server.request_count == 2
