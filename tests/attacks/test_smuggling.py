"""Requests within requests, where nginx could see one and waitress two.

What is refused in any case stands in tests/functional/proxy/test_hostile.py. Here is what nginx
lets through, some of it odd: whatever it is, both must agree where it ends, and the next viewer,
whose request goes down the same connection to the worker, gets the answer to it.
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

# Headers of a request, and a body that is a request itself.
WHOLE = {
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
def asked(target):
    """Return a function that gives the paths that the apps were asked for."""
    return lambda: target.paths(next(NUMBERS))


@pytest.mark.parametrize("path", ["/hall", "/tracker/endpoint/register"])
@pytest.mark.parametrize("method", ["POST", "GET", "HEAD"])
def test_a_request_in_a_body_stays_a_body(target, method, path, asked):
    for name, (headers, body) in WHOLE.items():
        said = target.raw(
            f"{method} {path} HTTP/1.1\r\nHost: {NAME}\r\n{headers}\r\n\r\n{body}{LAST}"
        )

        answers = [line.split(" ")[1] for line in said.split("\r\n") if line.startswith("HTTP/1.")]
        answers = [status for status in answers if status != "100"]
        # Either it is refused and the connection ends, or there are two answers: its own, and the
        # one to the request behind it.
        assert len(answers) in (1, 2), (name, said)
        assert answers[1:] in ([], ["200"]), (name, said)
        assert len(answers) == 2 or "Connection: close" in said, (name, said)
        for room, title in (("hall", "Great Hall"), ("lab", "Lab")):
            assert f"<title>{title}".encode() in target.get(f"/{room}?{name}").data, name

    assert not [path for path in asked() if "smuggled" in path]


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
def test_one_whose_end_is_open_to_doubt_has_no_successor(target, path, asked):
    for name, headers in AMBIGUOUS.items():
        version = "1.0" if name.endswith("1.0") else "1.1"
        said = target.raw(
            f"POST {path} HTTP/{version}\r\nHost: {NAME}\r\n{headers}\r\n\r\n{END}{HIDDEN}"
        )

        assert said.count("HTTP/1.") == 1, (name, said)
        assert said.split(" ")[1] in ("400", "411", "501", "505"), (name, said)
    assert not [path for path in asked() if "smuggled" in path]


def test_a_body_that_is_never_finished_is_never_a_request(target, asked):
    """nginx hands a body on once it has it; what hangs up halfway has asked for nothing."""
    for headers, body in ((f"Content-Length: {len(HIDDEN) + 9}", HIDDEN), (CHUNKED, chunk(HIDDEN))):
        with socket.create_connection(
            ("127.0.0.1", target.ports.site), timeout=20, source_address=(VIEWER, 0)
        ) as connection:
            head = f"POST /cut-off HTTP/1.1\r\nHost: {NAME}\r\n{headers}\r\n\r\n"
            connection.sendall((head + body).encode())
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(9) in (b"", b"HTTP/1.1 ")
    found = asked()

    assert not [path for path in found if "smuggled" in path or "cut-off" in path]


# The machine's other users, and another proxy, reach a worker itself.
LEFT_TO_WAITRESS = {
    name: headers for name, headers in AMBIGUOUS.items()
    if name not in ("both", "both-the-other-way", "encoding-in-http-1.0")
} | {
    "space-before-colon": f"Transfer-Encoding : chunked\r\n{LENGTH}",
    "bare-lf": f"X: y\n{LENGTH}",
    "bare-cr": f"X: y\r{LENGTH}",
    "null": f"X: \0\r\n{LENGTH}",
}  # fmt: skip


@pytest.mark.parametrize("app", ["frontend", "tracker"])
def test_waitress_by_itself_refuses_them_too(target, app, asked):
    port = getattr(target.ports, app)[0]
    for name, headers in LEFT_TO_WAITRESS.items():
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            request = f"POST /x HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\n{END}{HIDDEN}"
            connection.sendall(request.encode("latin-1"))
            connection.shutdown(socket.SHUT_WR)
            said = b"".join(iter(lambda: connection.recv(65536), b"")).decode("latin-1")

        assert said.count("HTTP/1.") == 1, (name, said)
        assert said.split(" ")[1] in ("400", "501"), (name, said)
    assert not [path for path in asked() if "smuggled" in path]
