"""The encoder that streams nothing, against a real HTTP server."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import pytest

from streaming_system.agent.fake_encoder import fake_stats
from streaming_system.agent.legacy_tracker_client import LegacyTrackerClient
from streaming_system.agent.tracker_http import TrackerError


@pytest.fixture
def tracker():
    """A server that keeps what is posted to it, and says what it is told to say."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            server.posts.append((self.path, parse_qs(body)))
            status, text = server.says
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.posts, server.says = [], (200, b"OK\n")
        server.url = f"http://127.0.0.1:{server.server_port}/tracker/"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_registration_is_the_form_of_the_old_protocol(tracker):
    answer = LegacyTrackerClient(tracker.url, "s").register(
        "hall", {"overall_clients": 3}, ip="::1"
    )

    assert answer == "OK"
    [(path, form)] = tracker.posts
    assert path == "/tracker/endpoint/register"
    assert json.loads(form.pop("data")[0]) == {"overall_clients": 3}
    assert form == {"secret": ["s"], "group": ["hall"], "REMOTE_ADDR": ["::1"]}


def test_without_an_address_the_sender_s_is_left_to_the_tracker(tracker):
    LegacyTrackerClient(tracker.url, "s").register("hall", {})

    assert "REMOTE_ADDR" not in tracker.posts[0][1]


@pytest.mark.parametrize(
    ("status", "text", "line"),
    [
        (403, b"ERROR SECRET\n", "hall is refused: 403 ERROR SECRET"),
        (200, b"ERROR GROUP\n", "hall is refused: 200 ERROR GROUP"),
        (502, b"", "hall is refused: 502 Bad Gateway"),
        (500, b"first\nsecond", "hall is refused: 500 first"),
    ],
)
def test_a_refusal_is_one_clear_line(tracker, status, text, line):
    tracker.says = status, text

    with pytest.raises(TrackerError) as refusal:
        LegacyTrackerClient(tracker.url, "s").register("hall", {})

    assert str(refusal.value) == f"{tracker.url}endpoint/register: {line}"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "gopher://x", "http://[::1"])
def test_a_tracker_that_cannot_be_reached_is_one_clear_line(url):
    with pytest.raises(TrackerError, match="cannot be reached") as refusal:
        LegacyTrackerClient(url, "s").register("hall", {})

    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("viewers", [0, 1, 31, 1000])
def test_the_figures_add_up(viewers):
    found = fake_stats(viewers)

    assert found["webm_high_clients"] + found["webm_low_clients"] == viewers
    assert found["overall_clients"] == viewers
    assert found["webm_high_bitrate"] + found["webm_low_bitrate"] == found["overall_bitrate"]
