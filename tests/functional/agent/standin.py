"""A server of any kind, as bad as it is told to be."""

import contextlib
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class RecordedRequest:
    """A request that came."""

    method: str
    path: str
    headers: dict
    body: bytes = field(repr=False)


class FakeServer:
    """A server on a free port of this machine.

    ``says`` maps a path (or "*") to an answer: ``(status, headers, body)``, a function that takes
    an :class:`RecordedRequest` and returns one, or one that takes the raw handler (``raw``).
    """

    def __init__(self) -> None:
        self.says = {"*": (404, {}, b"")}
        self.asked = []
        self.over = threading.Event()
        self._changed = threading.Condition()

    def __enter__(self):
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        # Whoever is still being tormented when the test ends is let go.
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *error):
        self.over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, handler):
        length = int(handler.headers.get("Content-Length") or 0)
        asked = RecordedRequest(
            handler.command,
            handler.path,
            {name.title(): value for name, value in handler.headers.items()},
            handler.rfile.read(length),
        )
        with self._changed:
            self.asked.append(asked)
            self._changed.notify_all()
        said = self.says.get(handler.path.partition("?")[0], self.says.get("*"))
        if getattr(said, "raw", False):
            said(handler)
            return
        status, headers, body = said(asked) if callable(said) else said
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        if status != 204:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if status != 204:
            handler.wfile.write(body)

    def wait_for(self, count, seconds=10):
        """Wait until so many requests have come."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.asked) >= count, seconds), self.asked


def _handler(stand_in):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            with contextlib.suppress(OSError):
                stand_in.answer(self)

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
    """Mark an answer that writes to the connection by itself."""
    function.raw = True
    return function


def endless_response(over, piece=b"x" * 65536, pause=0.0):
    """Return an answer that never ends."""

    @raw_handler
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.close_connection = True
        while not over.wait(pause):
            handler.wfile.write(piece)

    return answer
