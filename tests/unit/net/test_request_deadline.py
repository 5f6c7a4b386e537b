"""Servers that drip: the whole of a request has a deadline."""

import contextlib
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from logging import WARNING

import pytest
import urllib3

from streaming_system.net.bounded_http import read_bounded
from streaming_system.net.request_deadline import (
    RequestDeadline,
    ResponseTimeoutError,
    deadline_pool_manager,
)
from streaming_system.net.ssrf import ALLOW_ALL, safe_pool_manager
from streaming_system.plugin import FeedError
from streaming_system.schedule_import.download import fetch_feed

DEADLINE = 1.0
# Much less than a response at ten bytes a second takes.
MAX_SECONDS = 10.0
HEAD = b"HTTP/1.1 200 OK\r\n"
DRIPS = {
    "status": (b"", HEAD * 50),
    "header": (HEAD, b"X: " + b"a" * 1000),
    "body": (HEAD + b"Content-Length: 1000\r\n\r\n", b"a" * 1000),
    "body to the end": (HEAD + b"Connection: close\r\n\r\n", b"a" * 1000),
    "chunk": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"0" * 1000),
    "gzip": (HEAD + b"Content-Encoding: gzip\r\n\r\n", b"\x1f\x8b\x08\x04" + b"\0" * 1000),
}


POOLS = pytest.mark.parametrize(
    "pool", [deadline_pool_manager, lambda **o: safe_pool_manager(ALLOW_ALL, **o)]
)


@contextlib.contextmanager
def dripping(start, rest):
    """A server that sends ten bytes a second to each connection; yield its port."""
    stop = threading.Event()

    def drip(connection):
        with connection, contextlib.suppress(OSError):
            connection.sendall(start)
            for byte in rest:
                if stop.wait(0.1):
                    return
                connection.sendall(bytes([byte]))

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threads.append(threading.Thread(target=drip, args=(listener.accept()[0],)))
                threads[-1].start()

    threads = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        acceptor = threading.Thread(target=accept)
        acceptor.start()
        yield listener.getsockname()[1]
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)
    for thread in [acceptor, *threads]:
        thread.join()


def fetch(pool, port, scheme="http", seconds=DEADLINE):
    with RequestDeadline(seconds):
        response = pool.request("GET", f"{scheme}://127.0.0.1:{port}/", preload_content=False)
        return read_bounded(response, max_bytes=10_000, deadline=time.monotonic() + 60)


@POOLS
@pytest.mark.parametrize("drip", DRIPS)
def test_dripping_response_ends_at_the_deadline(drip, pool):
    with dripping(*DRIPS[drip]) as port:
        started = time.monotonic()

        with pytest.raises(
            ResponseTimeoutError, match=r"^the response takes too long: more than 1 s$"
        ):
            fetch(pool(timeout=5, retries=False), port)

        assert time.monotonic() - started < MAX_SECONDS


def test_dripping_tls_handshake_ends_at_the_deadline():
    # The head of a TLS record, and its content byte by byte.
    with dripping(b"\x16\x03\x03\x40\x00", b"\x02\x00\x3f\xfc" + b"\x03" * 1000) as port:
        started = time.monotonic()

        with pytest.raises(ResponseTimeoutError):
            fetch(deadline_pool_manager(timeout=5, retries=False), port, scheme="https")

        assert time.monotonic() - started < MAX_SECONDS


def test_retries_and_redirects_share_one_deadline():
    with dripping(HEAD, b"X: " + b"a" * 1000) as port:
        started = time.monotonic()

        with pytest.raises(ResponseTimeoutError):
            fetch(deadline_pool_manager(timeout=5, retries=urllib3.Retry(3)), port)

        assert time.monotonic() - started < MAX_SECONDS


def test_reused_connection_has_the_deadline_of_its_request():
    requests = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            requests.append(self.client_address)
            self.send_response(200)
            self.send_header("Content-Length", "3")
            self.end_headers()
            self.wfile.write(b"abc"[: 4 - len(requests)])

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        pool = deadline_pool_manager(timeout=60, retries=False)
        try:
            # The second response lacks a byte.
            assert fetch(pool, server.server_port) == b"abc"
            requests.append(None)
            with pytest.raises(ResponseTimeoutError):
                fetch(pool, server.server_port)
        finally:
            pool.clear()
            server.shutdown()
            thread.join()
    assert requests[0] == requests[2]


@POOLS
def test_concurrent_requests_keep_their_connections(pool, caplog):
    barrier = threading.Barrier(4)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            barrier.wait(60)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,)).start()
        shared = pool(timeout=60, retries=False)
        with ThreadPoolExecutor(barrier.parties) as executor:
            ports = [server.server_port] * barrier.parties
            bodies = list(executor.map(partial(fetch, shared, seconds=60), ports))
        shared.clear()
        server.shutdown()

    assert bodies == [b""] * barrier.parties
    assert [record.message for record in caplog.records if record.levelno >= WARNING] == []


def test_dripping_feed_is_refused_in_one_line():
    with (
        dripping(*DRIPS["header"]) as port,
        pytest.raises(FeedError, match=r"^takes longer than 2 s to download$"),
    ):
        fetch_feed(f"http://127.0.0.1:{port}/", timeout=0.5, allowed_networks=ALLOW_ALL)
