"""An HTTP server with configurable responses, also invalid and endless ones."""

import contextlib
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from timeouts import extended


@dataclass
class RecordedRequest:
    """A request to the fake server."""

    method: str
    path: str
    headers: dict
    body: bytes = field(repr=False)


class FakeServer:
    """A server on a free local port.

    ``responses`` maps a path (or "*") to a response: ``(status, headers, body)``, a function that
    takes a :class:`RecordedRequest` and returns one, or a :func:`raw_handler`.
    """

    def __init__(self, host="127.0.0.1", certificate=None) -> None:
        self._host, self._certificate = host, certificate
        self.responses = {"*": (404, {}, b"")}
        self.requests = []
        self.stopped = threading.Event()
        self._changed = threading.Condition()

    def __enter__(self):
        self._server = ThreadingHTTPServer((self._host, 0), _create_handler(self))
        if self._certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self._certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        # Endless responses must not delay the end of a test.
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *error):
        self.stopped.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def socket(self):
        """The listening socket; that of TLS has a ``context``."""
        return self._server.socket

    @property
    def url(self):
        scheme = "https" if self._certificate else "http"
        return f"{scheme}://{self._host}:{self._server.server_port}"

    def respond(self, handler):
        length = int(handler.headers.get("Content-Length") or 0)
        request = RecordedRequest(
            handler.command,
            handler.path,
            {name.title(): value for name, value in handler.headers.items()},
            handler.rfile.read(length),
        )
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
        response = self.responses.get(handler.path.partition("?")[0], self.responses.get("*"))
        if getattr(response, "is_raw", False):
            response(handler)
            return
        status, headers, body = response(request) if callable(response) else response
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        if status != 204:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if status != 204:
            handler.wfile.write(body)

    def wait_for(self, count, seconds=10):
        """Wait until ``count`` requests have arrived."""
        with self._changed:
            limit = extended(seconds)
            has_arrived = self._changed.wait_for(lambda: len(self.requests) >= count, limit)
            assert has_arrived, self.requests


def _create_handler(fake_server):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            with contextlib.suppress(OSError):
                fake_server.respond(self)

        def do_PUT(self):
            self.do_GET()

        def do_POST(self):
            self.do_GET()

        def do_DELETE(self):
            self.do_GET()

        def log_message(self, *args):
            pass

    return Handler


def raw_handler(function):
    """Mark a function that takes the request handler and writes the response itself."""
    function.is_raw = True
    return function


def endless_response(stopped, chunk=b"x" * 65536, pause=0.0):
    """Return a response that ends when ``stopped`` is set."""

    @raw_handler
    def respond(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.close_connection = True
        while not stopped.wait(pause):
            handler.wfile.write(chunk)

    return respond
