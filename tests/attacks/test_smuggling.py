"""Request smuggling: nginx and waitress must agree where each request ends.

``tests/functional/proxy/test_hostile.py`` has the requests that nginx always refuses. nginx
forwards the unusual requests of this module, and the next viewer, whose request uses the same
connection to the worker, must get its own response.
"""

import itertools
import socket

import pytest
from functional.proxy.site import NAME, VIEWER

HIDDEN = f"GET /smuggled HTTP/1.1\r\nHost: {NAME}\r\n\r\n"
LAST = f"GET /robots.txt HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n"
NUMBERS = itertools.count()


def chunk(text, size=""):
    return f"{size or format(len(text), 'x')}\r\n{text}\r\n"


END = "0\r\n\r\n"
LENGTH = f"Content-Length: {len(HIDDEN)}"
CHUNKED = "Transfer-Encoding: chunked"

# Headers of a request, and a body that contains another request.
REQUESTS_IN_BODIES = {
    "length": (LENGTH, HIDDEN),
    "length-with-zeros": (f"Content-Length: 000{len(HIDDEN)}", HIDDEN),
    "length-after-tab": (f"Content-Length:\t{len(HIDDEN)}", HIDDEN),
    "length-before-space": (f"{LENGTH}  ", HIDDEN),
    "length-in-capitals": (LENGTH.upper(), HIDDEN),
    "length-in-bare-lf": (f"{LENGTH}\nX: y", HIDDEN),
    "chunks": (CHUNKED, chunk(HIDDEN) + END),
    "chunks-in-capitals": ("TRANSFER-ENCODING: CHUNKED", chunk(HIDDEN) + END),
    "chunks-after-tab": ("Transfer-Encoding:\tchunked", chunk(HIDDEN) + END),
    "chunks-in-bare-lf": (f"X: y\n{CHUNKED}", chunk(HIDDEN) + END),
    "chunk-with-zeros": (CHUNKED, chunk(HIDDEN, f"000{len(HIDDEN):x}") + END),
    "chunk-with-extension": (CHUNKED, chunk(HIDDEN, f"{len(HIDDEN):x};a=b") + END),
    "chunk-with-odd-extension": (CHUNKED, chunk(HIDDEN, f'{len(HIDDEN):x};a="\\\rb"') + END),
    "chunk-with-lf-in-extension": (CHUNKED, chunk(HIDDEN, f"{len(HIDDEN):x};\nx") + END),
    "chunks-with-trailer": (CHUNKED, chunk(HIDDEN) + "0\r\nContent-Length: 9\r\n\r\n"),
    "chunks-of-bare-lf": (CHUNKED, f"{len(HIDDEN):x}\n{HIDDEN}\n0\n\n"),
    "chunk-size-in-0x": (CHUNKED, chunk(HIDDEN, f"0x{len(HIDDEN):x}") + END),
    "chunk-size-with-sign": (CHUNKED, chunk(HIDDEN, f"+{len(HIDDEN):x}") + END),
    "chunk-size-with-underscore": (CHUNKED, chunk(HIDDEN, f"0_{len(HIDDEN):x}") + END),
    "chunk-size-without-end": (CHUNKED, chunk(HIDDEN, "f" * 17) + END),
    "chunk-that-ends-early": (CHUNKED, f"3\r\nabcdef\r\n{END}{HIDDEN}"),
    "underscores": (f"{LENGTH}\r\nTransfer_Encoding: chunked", HIDDEN),
    "underscores-of-length": (f"{CHUNKED}\r\nContent_Length: 3", chunk(HIDDEN) + END),
    "space-before-colon": (f"Transfer-Encoding : chunked\r\n{LENGTH}", HIDDEN),
    "folded": (f"X: y\r\n Transfer-Encoding: chunked\r\n{LENGTH}", HIDDEN),
    "null": (f"X: \0\r\n{LENGTH}", HIDDEN),
    "expectation": (f"Expect: 100-continue\r\n{LENGTH}", HIDDEN),
    "upgrade": (f"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAAA\r\n"
                f"{LENGTH}", HIDDEN),
    "websocket": (f"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 9\r\n"
                  f"{LENGTH}", HIDDEN),
    "hop-by-hop": (f"Connection: close, Content-Length, X-Forwarded-For, Host\r\n{LENGTH}", HIDDEN),
    "length-of-nothing": ("Content-Length: 0\r\nX-Override: 1", ""),
}  # fmt: skip


@pytest.fixture
def requested_paths(target):
    """Return a function that returns the paths of all requests to the apps."""
    return lambda: target.paths(next(NUMBERS))


@pytest.mark.parametrize("path", ["/hall", "/tracker/endpoint/register"])
@pytest.mark.parametrize("method", ["POST", "GET", "HEAD"])
def test_request_in_a_body_is_not_executed(target, method, path, requested_paths):
    for name, (headers, body) in REQUESTS_IN_BODIES.items():
        response = target.raw(
            f"{method} {path} HTTP/1.1\r\nHost: {NAME}\r\n{headers}\r\n\r\n{body}{LAST}"
        )

        statuses = [
            line.split(" ")[1] for line in response.split("\r\n") if line.startswith("HTTP/1.")
        ]
        statuses = [status for status in statuses if status != "100"]
        # The request is refused and the connection closed, or there are two responses: to this
        # request, and to the one after it.
        assert len(statuses) in (1, 2), (name, response)
        assert statuses[1:] in ([], ["200"]), (name, response)
        assert len(statuses) == 2 or "Connection: close" in response, (name, response)
        for room, title in (("hall", "Great Hall"), ("lab", "Lab")):
            assert f"<title>{title}".encode() in target.get(f"/{room}?{name}").data, name

    assert not [path for path in requested_paths() if "smuggled" in path]


AMBIGUOUS = {
    "both": f"{CHUNKED}\r\n{LENGTH}",
    "both-the-other-way": f"{LENGTH}\r\n{CHUNKED}",
    "two-lengths": f"{LENGTH}\r\nContent-Length: 0",
    "two-lengths-in-one": f"Content-Length: 0, {len(HIDDEN)}",
    "two-encodings": f"{CHUNKED}\r\nTransfer-Encoding: identity",
    "unknown-encoding": "Transfer-Encoding: xchunked",
    "encoding-in-a-list": "Transfer-Encoding: gzip, chunked",
    "encoding-with-form-feed": "Transfer-Encoding: \x0cchunked",
    "encoding-in-quotes": 'Transfer-Encoding: "chunked"',
    "length-with-sign": f"Content-Length: +{len(HIDDEN)}",
    "length-with-underscore": "Content-Length: 1_0",
    "length-in-hexadecimal": f"Content-Length: 0x{len(HIDDEN):x}",
    "length-with-other-digits": "Content-Length: \xb2\xb9",
    "length-without-digits": "Content-Length:",
    "encoding-in-http-1.0": CHUNKED,
}


@pytest.mark.parametrize("path", ["/hall", "/tracker/endpoint/register"])
def test_ambiguous_request_is_refused_and_closes_the_connection(target, path, requested_paths):
    for name, headers in AMBIGUOUS.items():
        version = "1.0" if name.endswith("1.0") else "1.1"
        response = target.raw(
            f"POST {path} HTTP/{version}\r\nHost: {NAME}\r\n{headers}\r\n\r\n{END}{HIDDEN}"
        )

        assert response.count("HTTP/1.") == 1, (name, response)
        assert response.split(" ")[1] in ("400", "411", "501", "505"), (name, response)
    assert not [path for path in requested_paths() if "smuggled" in path]


def test_unfinished_body_is_not_forwarded(target, requested_paths):
    """nginx forwards a request when its body is complete."""
    for headers, body in ((f"Content-Length: {len(HIDDEN) + 9}", HIDDEN), (CHUNKED, chunk(HIDDEN))):
        with socket.create_connection(
            ("127.0.0.1", target.ports.site), timeout=20, source_address=(VIEWER, 0)
        ) as connection:
            head = f"POST /cut-off HTTP/1.1\r\nHost: {NAME}\r\n{headers}\r\n\r\n"
            connection.sendall((head + body).encode())
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(9) in (b"", b"HTTP/1.1 ")
    paths = requested_paths()

    assert not [path for path in paths if "smuggled" in path or "cut-off" in path]


# Requests that reach waitress without nginx, from users of the machine or another proxy.
DIRECT_REQUESTS = {
    name: headers for name, headers in AMBIGUOUS.items()
    if name not in ("both", "both-the-other-way", "encoding-in-http-1.0")
} | {
    "space-before-colon": f"Transfer-Encoding : chunked\r\n{LENGTH}",
    "bare-lf": f"X: y\n{LENGTH}",
    "bare-cr": f"X: y\r{LENGTH}",
    "null": f"X: \0\r\n{LENGTH}",
}  # fmt: skip


@pytest.mark.parametrize("app", ["frontend", "tracker"])
def test_waitress_refuses_ambiguous_requests(target, app, requested_paths):
    port = getattr(target.ports, app)[0]
    for name, headers in DIRECT_REQUESTS.items():
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            request = f"POST /x HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\n{END}{HIDDEN}"
            connection.sendall(request.encode("latin-1"))
            connection.shutdown(socket.SHUT_WR)
            response = b"".join(iter(lambda: connection.recv(65536), b"")).decode("latin-1")

        # A worker may drop the request of a client that has closed its half of the connection.
        assert response.count("HTTP/1.") <= 1, (name, response)
        assert response.split(" ")[1:2] in ([], ["400"], ["501"]), (name, response)
    assert not [path for path in requested_paths() if "smuggled" in path]
