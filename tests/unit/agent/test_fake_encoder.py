"""The fake encoder and the legacy client, against an HTTP server."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import pytest

from streaming_system.agent.fake_encoder import fake_stats
from streaming_system.agent.legacy_tracker_client import LegacyTrackerClient
from streaming_system.agent.tracker_http import (
    PayloadTooLargeError,
    ReportRejectedError,
    TrackerError,
    TrackerUnavailableError,
    UnauthorizedError,
)


@pytest.fixture
def tracker():
    """A server that records forms and sends a configured response."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            server.posts.append((self.path, parse_qs(body)))
            status, text = server.response
            self.send_response(status)
            self.send_header("Retry-After", "7")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.posts, server.response = [], (200, b"OK\n")
        server.url = f"http://127.0.0.1:{server.server_port}/tracker/"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_registration_is_a_form_of_the_legacy_protocol(tracker):
    message = LegacyTrackerClient(tracker.url, "s").register(
        "hall", {"overall_clients": 3}, ip="::1"
    )

    assert message == "OK"
    [(path, form)] = tracker.posts
    assert path == "/tracker/endpoint/register"
    assert json.loads(form.pop("data")[0]) == {"overall_clients": 3}
    assert form == {"secret": ["s"], "group": ["hall"], "REMOTE_ADDR": ["::1"]}


def test_registration_without_an_address_omits_it(tracker):
    LegacyTrackerClient(tracker.url, "s").register("hall", {})

    assert "REMOTE_ADDR" not in tracker.posts[0][1]


@pytest.mark.parametrize(
    ("status", "text", "line"),
    [
        (200, b"ERROR SECRET\n", "hall is refused: 200 ERROR SECRET"),
        (403, b"ERROR SECRET\n", "hall is refused: 403 ERROR SECRET"),
        (200, b"ERROR GROUP\n", "hall is refused: 200 ERROR GROUP"),
        (502, b"", "hall is refused: 502 Bad Gateway"),
        (500, b"first\nsecond", "hall is refused: 500 first"),
    ],
)
def test_error_is_one_line(tracker, status, text, line):
    tracker.response = status, text

    with pytest.raises(TrackerError) as error:
        LegacyTrackerClient(tracker.url, "s").register("hall", {})

    assert str(error.value) == f"{tracker.url}endpoint/register: {line}"


@pytest.mark.parametrize(
    ("status", "line", "expected"),
    [
        (200, "ERROR SECRET", UnauthorizedError),
        (403, "ERROR SECRET", UnauthorizedError),
        *(
            (status, f"ERROR {code} something is wrong", ReportRejectedError)
            for status in (200, 400, 404, 409)
            for code in ("GROUP", "DATA", "BATCH", "REMOTE_ADDR", "IDENTIFIER", "LIMIT", "FORM")
        ),
        (413, "ERROR SIZE a report has at most 65536 bytes", PayloadTooLargeError),
        (413, "<html>", PayloadTooLargeError),
        *(
            (200, f"ERROR {code} for a moment", TrackerUnavailableError)
            for code in ("DATABASE", "AWAY", "LOGS", "INTERNAL", "OperationalError", "SECRETS")
        ),
        (200, "ERROR", TrackerUnavailableError),
        (200, "", TrackerUnavailableError),
        (200, "OK and more", TrackerUnavailableError),
        (200, "<html>ERROR GROUP", TrackerUnavailableError),
        (503, "ERROR the database cannot be used now", TrackerUnavailableError),
        (503, "ERROR LOGS the logs cannot be written now", TrackerUnavailableError),
        (429, "ERROR TOO MANY calls; send it again in 5 s", TrackerUnavailableError),
        (502, "<html>Bad Gateway", TrackerUnavailableError),
    ],
)
def test_refusal_is_an_error_of_its_kind(tracker, status, line, expected):
    tracker.response = status, f"{line}\n".encode()
    client = LegacyTrackerClient(tracker.url, "s")

    for call in (
        lambda: client.register("hall", {}),
        lambda: client.send_logs("hall", "a line\n"),
        lambda: client.report_components("mix1", {"kind": "mixer"}),
    ):
        with pytest.raises(TrackerError) as error:
            call()
        assert type(error.value) is expected
        if expected is TrackerUnavailableError:
            assert error.value.retry_after == 7


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "gopher://x", "http://[::1"])
def test_unreachable_tracker_is_one_line(url):
    with pytest.raises(TrackerError, match="cannot be reached") as error:
        LegacyTrackerClient(url, "s").register("hall", {})

    assert "\n" not in str(error.value)


@pytest.mark.parametrize("viewers", [0, 1, 31, 1000])
def test_stats_add_up(viewers):
    stats = fake_stats(viewers)

    assert stats["webm_high_clients"] + stats["webm_low_clients"] == viewers
    assert stats["overall_clients"] == viewers
    assert stats["webm_high_bitrate"] + stats["webm_low_bitrate"] == stats["overall_bitrate"]
