"""The proxy that decides where ffmpeg connects to."""

import contextlib
import ipaddress
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import urllib3

from streaming_system.net.filtering_proxy import FilteringProxy

LOOPBACK = ipaddress.ip_network("127.0.0.0/8")


@pytest.fixture
def server():
    """A web server that records requests."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.requests.append((self.path, dict(self.headers)))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"a" * 200_000)

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.requests = []
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@contextlib.contextmanager
def proxied(admits):
    """A proxy, and a pool that uses it."""
    with (
        FilteringProxy(admits, timeout=5) as proxy,
        urllib3.ProxyManager(proxy.url, retries=False, timeout=10) as pool,
    ):
        yield proxy, pool


def admit_loopback(host, port, address):
    return address in LOOPBACK


def admit_nothing(host, port, address):
    return False


def test_request_to_an_admitted_address_is_forwarded(server):
    with proxied(admit_loopback) as (proxy, pool):
        response = pool.request("GET", f"http://127.0.0.1:{server.server_port}/a?b=c")

    assert (response.status, len(response.data), proxy.refused) == (200, 200_000, "")
    ((path, headers),) = server.requests
    assert path == "/a?b=c"
    assert headers["Host"] == f"127.0.0.1:{server.server_port}"
    assert headers["Connection"] == "close"


def test_tunnel_to_an_admitted_address_carries_data(server):
    with (
        FilteringProxy(admit_loopback, timeout=5) as proxy,
        socket.create_connection(("127.0.0.1", int(proxy.url.rpartition(":")[2]))) as client,
    ):
        client.sendall(b"CONNECT 127.0.0.1:%d HTTP/1.1\r\n\r\n" % server.server_port)
        assert client.recv(100).startswith(b"HTTP/1.1 200 ")
        client.sendall(b"GET /through HTTP/1.0\r\n\r\n")
        received = b"".join(iter(lambda: client.recv(65536), b""))

    assert received.endswith(b"a" * 200_000)
    assert [path for path, _ in server.requests] == ["/through"]


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "2130706433", "[::ffff:7f00:1]"]
)
@pytest.mark.parametrize("method", ["GET", "CONNECT"])
def test_other_addresses_are_refused_without_a_connection(server, host, method):
    target = f"{host}:{server.server_port}"
    with FilteringProxy(admit_nothing, timeout=5) as proxy:
        response = send(proxy, method, target if method == "CONNECT" else f"http://{target}/")

    assert response == "HTTP/1.1 403 the address is not admitted"
    assert host.strip("[]") in proxy.refused
    assert server.requests == []


def test_name_is_resolved_once(server, monkeypatch):
    """A second lookup could return another address (DNS rebinding)."""
    lookups = []

    def resolve(host, port, **options):
        lookups.append(host)
        address = "127.0.0.1" if len(lookups) == 1 else "169.254.169.254"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    with proxied(admit_loopback) as (_, pool):
        real = socket.getaddrinfo
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda host, *more, **options: (
                resolve(host, *more) if host == "stream.example" else real(host, *more, **options)
            ),
        )
        response = pool.request("GET", f"http://stream.example:{server.server_port}/")

    assert (response.status, lookups) == (200, ["stream.example"])


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/path"),
        ("GET", "ftp://127.0.0.1/"),
        ("GET", "http://[::1/"),
        ("GET", "http://127.0.0.1:99999/"),
        ("CONNECT", ""),
        ("GET", "http://\xff\xfe.invalid/"),
        ("GET", "http://a b/"),
    ],
)
def test_malformed_request_is_refused(method, target):
    with FilteringProxy(admit_loopback, timeout=5) as proxy:
        assert send(proxy, method, target).startswith("HTTP/1.1 403 ")


def test_endless_head_is_refused():
    with FilteringProxy(admit_loopback, timeout=5) as proxy:
        assert send(proxy, "GET", "http://127.0.0.1/" + "a" * 100_000).startswith("HTTP/1.1 403 ")


def send(proxy, method, target):
    """Send a request to the proxy; return the status line."""
    port = int(proxy.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        with contextlib.suppress(ConnectionError):
            client.sendall(f"{method} {target} HTTP/1.1\r\n\r\n".encode("latin-1"))
        return client.recv(1000).decode("latin-1").partition("\r\n")[0]
