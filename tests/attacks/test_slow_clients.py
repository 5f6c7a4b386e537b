"""Clients that send slowly: they hold no connection for long, and do not delay other clients."""

import contextlib
import socket
import time

import pytest
from functional.proxy.site import NAME, VIEWER

# The timeouts in conf/nginx.conf are 10 s.
MAX_SECONDS = 25
STARTS = {
    "head": f"GET / HTTP/1.1\r\nHost: {NAME}\r\nX: ",
    "request line": "GET /",
}


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_slow_head_ends_and_delays_no_other_client(target, start):
    address = ("127.0.0.1", target.ports.site)
    with contextlib.ExitStack() as stack:
        connections = [
            stack.enter_context(socket.create_connection(address, source_address=(VIEWER, 0)))
            for _ in range(50)
        ]
        started = time.monotonic()
        for connection in connections:
            connection.sendall(start.encode())
            connection.setblocking(False)

        assert target.get("/hall").status == 200
        while connections:
            assert time.monotonic() - started < MAX_SECONDS, len(connections)
            time.sleep(0.5)
            connections = [connection for connection in connections if drip(connection)]


def drip(connection):
    """Send one more byte; return whether the connection is still open."""
    try:
        connection.send(b"a")
        return bool(connection.recv(1000))
    except BlockingIOError:
        return True
    except OSError:
        return False
