"""Importing again and again, against a real HTTP server."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from streaming_system.net.ssrf import parse_allowed_networks
from streaming_system.plugin import FeedError
from streaming_system.schedule_import.poll import ConditionalFetcher, PollInterval, poll_feeds

HERE = parse_allowed_networks({"outbound.allowed_private_networks": "127.0.0.1"})


@pytest.fixture
def server():
    """A server with one feed that knows ETags and dates, and notes what it is asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.asked.append((self.headers["If-None-Match"], self.headers["If-Modified-Since"]))
            if server.broken:
                self.send_error(503)
            elif self.headers["If-None-Match"] == server.etag:
                self.send_response(304)
                self.end_headers()
            else:
                self.send_response(200)
                self.send_header("ETag", server.etag)
                self.send_header("Last-Modified", "Tue, 24 Nov 2026 09:00:00 GMT")
                self.send_header("Content-Length", str(len(server.body)))
                self.end_headers()
                self.wfile.write(server.body)

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.asked, server.broken, server.etag, server.body = [], False, '"1"', b"one"
        server.url = f"http://127.0.0.1:{server.server_port}/feed"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_feed_that_has_not_changed_is_not_sent_again(server):
    feeds = ConditionalFetcher(limit=1000, networks=HERE)
    assert (feeds.fetch(server.url), feeds.changed) == (b"one", True)
    feeds.changed = False

    assert (feeds.fetch(server.url), feeds.changed) == (b"one", False)

    assert server.asked == [(None, None), ('"1"', "Tue, 24 Nov 2026 09:00:00 GMT")]


def test_a_feed_that_has_changed_is_seen(server):
    feeds = ConditionalFetcher(limit=1000, networks=HERE)
    feeds.fetch(server.url)
    feeds.changed = False
    server.etag, server.body = '"2"', b"two"

    assert (feeds.fetch(server.url), feeds.changed) == (b"two", True)


def test_a_new_name_for_the_same_bytes_is_no_change(server):
    feeds = ConditionalFetcher(limit=1000, networks=HERE)
    feeds.fetch(server.url)
    feeds.changed = False
    server.etag = '"2"'

    assert (feeds.fetch(server.url), feeds.changed) == (b"one", False)


def test_a_broken_server_loses_nothing(server):
    feeds = ConditionalFetcher(limit=1000, networks=HERE)
    feeds.fetch(server.url)
    server.broken = True
    with pytest.raises(FeedError, match="the server answered 503"):
        feeds.fetch(server.url)
    server.broken = False

    assert feeds.fetch(server.url) == b"one"


def test_failures_make_the_wait_longer_up_to_an_hour_and_success_ends_that():
    pace = PollInterval(interval=300)

    waits = [pace.next_wait(failed=failed) for failed in (False, True, True, True, True, False)]

    usual = [300, 600, 1200, 2400, 3600, 300]
    assert all(0.8 * u <= wait <= 1.2 * u for wait, u in zip(waits, usual, strict=True))


def test_days_of_failures_are_borne():
    pace = PollInterval(interval=10, longest=60)

    waits = [pace.next_wait(failed=True) for _ in range(5000)]

    assert 16 <= waits[0] <= 24
    assert all(48 <= wait <= 72 for wait in waits[3:])


def test_no_two_watchers_keep_step():
    assert len({PollInterval(interval=300).next_wait(failed=False) for _ in range(20)}) > 10


def test_it_waits_between_looks_and_longer_after_a_bad_one():
    outcomes = iter([True, False, True])
    waits = []

    poll_feeds(lambda: next(outcomes), PollInterval(interval=10), waits.append, iter(range(3)))

    assert len(waits) == 2
    assert 8 <= waits[0] <= 12 < 16 <= waits[1] <= 24
