"""A streaming server of one WebM file, which can stall."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

# 10 s of VP8: ffmpeg -f lavfi -i testsrc2=size=160x90:rate=10 -t 10 -c:v libvpx -b:v 150k …
TEST_VIDEO = Path(__file__).parent / "data" / "moving.webm"
# Chromium starts after some blocks of 32 KiB; this is half of the stream.
FIRST_BYTES = 3 * 32 * 1024


class WebmHandler(BaseHTTPRequestHandler):
    """A streaming server that holds back the rest of a stream until an event is set."""

    resume_streams = threading.Event()

    def do_GET(self):
        stream = TEST_VIDEO.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", "video/webm")
        self.end_headers()
        try:
            self.wfile.write(stream[:FIRST_BYTES])
            self.wfile.flush()
            self.resume_streams.wait(30)
            self.wfile.write(stream[FIRST_BYTES:])
        except OSError:
            # The client has disconnected.
            pass

    def log_message(self, *args):
        pass


@pytest.fixture
def resume_streams():
    """An event: while it is cleared, streams stall after :data:`FIRST_BYTES`."""
    WebmHandler.resume_streams.set()
    yield WebmHandler.resume_streams
    WebmHandler.resume_streams.set()


@pytest.fixture(scope="session")
def streams():
    """The port of a streaming server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), WebmHandler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()
