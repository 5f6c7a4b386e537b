"""Polling, with conditional requests to a real HTTP server."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from streaming_system.net.ssrf import parse_allowed_networks
from streaming_system.plugin import FeedError
from streaming_system.schedule_import.poll import ConditionalFetcher, run_poll_loop

LOOPBACK = parse_allowed_networks({"outbound.allowed_private_networks": "127.0.0.1"})


@pytest.fixture
def server():
    """A server with one feed that supports ETags and dates, and records conditional headers."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.requests.append(
                (self.headers["If-None-Match"], self.headers["If-Modified-Since"])
            )
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
        server.requests, server.broken, server.etag, server.body = [], False, '"1"', b"one"
        server.url = f"http://127.0.0.1:{server.server_port}/feed"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def fetcher(server):
    """A fetcher that has fetched the feed once."""
    fetcher = ConditionalFetcher(max_bytes=1000, allowed_networks=LOOPBACK)
    assert (fetcher.fetch(server.url), fetcher.changed) == (b"one", True)
    fetcher.changed = False
    return fetcher


def test_fetcher_does_not_download_an_unchanged_feed_again(server, fetcher):
    assert (fetcher.fetch(server.url), fetcher.changed) == (b"one", False)

    assert server.requests == [(None, None), ('"1"', "Tue, 24 Nov 2026 09:00:00 GMT")]


def test_fetcher_reports_a_changed_feed(server, fetcher):
    server.etag, server.body = '"2"', b"two"

    assert (fetcher.fetch(server.url), fetcher.changed) == (b"two", True)


def test_fetcher_ignores_a_new_etag_of_the_same_bytes(server, fetcher):
    server.etag = '"2"'

    assert (fetcher.fetch(server.url), fetcher.changed) == (b"one", False)


def test_fetcher_keeps_the_feed_while_the_server_fails(server, fetcher):
    server.broken = True
    with pytest.raises(FeedError, match="the server answered 503"):
        fetcher.fetch(server.url)
    server.broken = False

    assert fetcher.fetch(server.url) == b"one"


def delays_after(*results, **options):
    """Return the delays of a poll loop whose polls have these results."""
    remaining, delays = iter(results), []
    run_poll_loop(lambda: next(remaining), count=len(results), sleep=delays.append, **options)
    return delays


def test_poll_loop_backs_off_after_failures_up_to_an_hour_and_recovers():
    delays = delays_after(True, False, False, False, False, True, True, interval=300)

    nominal = [300, 600, 1200, 2400, 3600, 300]
    assert all(0.8 * n <= delay <= 1.2 * n for delay, n in zip(delays, nominal, strict=True))


def test_poll_loop_survives_days_of_failures():
    delays = delays_after(*[False] * 5000, interval=10, max_interval=60)

    assert 16 <= delays[0] <= 24
    assert all(48 <= delay <= 72 for delay in delays[3:])


def test_poll_loop_adds_jitter():
    assert len(set(delays_after(*[True] * 20, interval=300))) > 10
