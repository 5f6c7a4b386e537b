"""Downloads from a real HTTP server, and feeds in files."""

import gzip
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from streaming_system.net.ssrf import parse_allowed_networks
from streaming_system.plugin import FeedError
from streaming_system.schedule_import.download import fetch_feed

LOOPBACK = parse_allowed_networks({"outbound.allowed_private_networks": "127.0.0.1"})


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        getattr(self, f"respond_{self.path.strip('/')}")()

    def respond_json(self):
        self.send(200, b'{"a": 1}')

    def respond_latin1(self):
        self.send(200, b'{"a": "\xe9"}', ("Content-Type", "application/json; charset=ISO-8859-1"))

    def respond_wrong_charset(self):
        self.send(200, b'{"a": "\xc3\xa9"}', ("Content-Type", "text/xml; charset=ISO-8859-1"))

    def respond_unknown_charset(self):
        self.send(200, b'{"a": "\xe9"}', ("Content-Type", "application/json; charset=none"))

    def respond_zipped(self):
        self.send(200, gzip.compress(b"x" * 5000), ("Content-Encoding", "gzip"))

    def respond_gone(self):
        self.send(404, b"nothing here")

    def respond_moved(self):
        self.send(302, b"", ("Location", "/json"))

    def respond_circle(self):
        self.send(302, b"", ("Location", "/circle"))

    def send(self, status, body, *headers):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def server():
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("latin1", b'{"a": "\xc3\xa9"}'),
        # UTF-8 that a server labels with its default.
        ("wrong_charset", b'{"a": "\xc3\xa9"}'),
        ("unknown_charset", b'{"a": "\xe9"}'),
    ],
)
def test_charset_of_the_response_is_used_if_the_feed_has_none(server, path, data):
    assert fetch_feed(f"{server}/{path}", allowed_networks=LOOPBACK) == data


@pytest.mark.parametrize("path", ["json", "moved"])
def test_feed_is_downloaded_also_after_a_redirect(server, path):
    assert fetch_feed(f"{server}/{path}", allowed_networks=LOOPBACK) == b'{"a": 1}'


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("gone", "the server answered 404 Not Found"),
        ("circle", "cannot be downloaded: too many redirects"),
        ("zipped", "is larger than 4,000 bytes"),
    ],
)
def test_failed_download_reports_the_reason(server, path, reason):
    with pytest.raises(FeedError) as refusal:
        fetch_feed(f"{server}/{path}", max_bytes=4000, allowed_networks=LOOPBACK)

    assert str(refusal.value) == reason


def test_unreachable_server_is_reported_in_one_line():
    with pytest.raises(
        FeedError, match=r"^cannot be downloaded: no connection to the server: Connection refused$"
    ) as refusal:
        fetch_feed("http://127.0.0.1:9/feed", allowed_networks=LOOPBACK)

    assert "\n" not in str(refusal.value)


def test_feed_can_be_a_file(tmp_path):
    (tmp_path / "feed").write_bytes(b"[]")

    assert fetch_feed(str(tmp_path / "feed")) == b"[]"


def test_missing_or_too_large_file_is_refused(tmp_path):
    (tmp_path / "large").write_bytes(b"x" * 11)

    with pytest.raises(FeedError, match="cannot be read: No such file or directory"):
        fetch_feed(str(tmp_path / "none"))
    with pytest.raises(FeedError, match="is larger than 10 bytes"):
        fetch_feed(str(tmp_path / "large"), max_bytes=10)
