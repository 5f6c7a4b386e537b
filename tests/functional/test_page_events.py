"""Page events: the messages that are published through nginx."""

import json
import queue
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import sqlalchemy as sa
from webtest import TestApp

from streaming_system import tracker as tracker_app
from streaming_system.net.page_events import PageEventPublisher
from streaming_system.tracker.db.session import make_engine
from streaming_system.tracker.incidents.monitor import IncidentMonitor
from streaming_system.tracker.models import Endpoint

from .agent.servers import free_port
from .conftest import SECRET

TIMEOUT = 60
ENVIRON = {"REMOTE_ADDR": "203.0.113.1"}


@contextmanager
def fake_nginx():
    """An HTTP server that records messages and returns the number of subscribers, as nchan does."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self._respond(server.subscribers)

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.messages.put(json.loads(body))
            self._respond(b"")

        def _respond(self, body):
            self.send_response(server.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.messages, server.status = queue.Queue(), 200
        server.subscribers = b'{"subscribers": 7}'
        server.url = f"http://127.0.0.1:{server.server_port}/push"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def nginx():
    with fake_nginx() as server:
        yield server


@pytest.mark.parametrize(
    ("subscribers", "spread"), [(0, 0.2), (1000, 0.2), (20_000, 1), (100_000, 5), (10**7, 30)]
)
def test_requests_are_spread_by_the_number_of_subscribers(nginx, subscribers, spread):
    nginx.subscribers = json.dumps({"subscribers": subscribers}).encode()

    PageEventPublisher(nginx.url).publish("streams")

    assert nginx.messages.get(timeout=TIMEOUT) == {"what": "streams", "within": spread}


def test_all_reachable_sites_are_notified(nginx, caplog):
    unreachable = f"http://127.0.0.1:{free_port()}/push"
    with fake_nginx() as other:
        nginx.subscribers, other.subscribers = (
            json.dumps({"subscribers": n}).encode() for n in (60_000, 40_000)
        )

        PageEventPublisher(f"{nginx.url} {unreachable} {other.url}").publish("streams")

        # The pages of both sites send requests to the same trackers.
        for site in (nginx, other):
            assert site.messages.get(timeout=TIMEOUT) == {"what": "streams", "within": 5}
    [message] = [record.getMessage() for record in caplog.records]
    assert message.startswith(unreachable)


@pytest.mark.parametrize(
    ("status", "body"), [(500, b"{}"), (403, b""), (200, b"<html>"), (200, b"[]"), (200, b"{}")]
)
def test_failure_is_logged_once(nginx, caplog, status, body):
    nginx.status, nginx.subscribers = status, body
    publisher = PageEventPublisher(nginx.url)

    publisher.publish("streams")
    publisher.publish("schedule")

    assert nginx.messages.empty()
    [message] = [record.getMessage() for record in caplog.records]
    assert message.startswith(nginx.url)
    assert message.endswith("pages are not notified, and poll instead")


@pytest.fixture
def tracker(tracker_settings, nginx):
    settings = tracker_settings | {"push.url": nginx.url}
    app = TestApp(tracker_app.main({}, **settings), extra_environ=ENVIRON)
    yield app
    app.app.registry["db.sessions"].kw["bind"].dispose()


def register(tracker, line="OK", **fields):
    form = {"secret": SECRET, "group": "hall", "data": '{"overall_clients": 5}'}
    response = tracker.post("/endpoint/register", form | fields, status=200)
    assert response.text.startswith(line)


def test_new_stream_is_published_and_further_reports_are_not(tracker, nginx, at):
    # Rejected reports change nothing.
    register(tracker, secret="wrong", line="ERROR SECRET")
    register(tracker, data='{"overall_clients": "x"}', line="ERROR DATA")
    register(tracker)
    register(tracker)
    tracker.app.registry["page_events"].publish_async("schedule")

    topics = [nginx.messages.get(timeout=TIMEOUT)["what"] for _ in range(2)]

    # The order is undefined; there is no third message.
    assert sorted(topics) == ["schedule", "streams"]
    at(seconds=61)
    register(tracker)
    assert nginx.messages.get(timeout=TIMEOUT) == {"what": "streams", "within": 0.2}
    assert nginx.messages.empty()


def test_monitor_publishes_a_stream_that_falls_silent(tracker_settings, nginx, at, database):
    tracker = TestApp(tracker_app.main({}, **tracker_settings), extra_environ=ENVIRON)
    register(tracker)
    tracker.app.registry["db.sessions"].kw["bind"].dispose()
    monitor = IncidentMonitor(tracker_settings | {"push.url": nginx.url}, lambda notification: True)
    assert monitor.run_once()
    assert monitor.run_once()
    assert nginx.messages.empty()

    at(seconds=61)
    assert monitor.run_once()

    assert nginx.messages.get(timeout=TIMEOUT)["what"] == "streams"
    engine = make_engine({"sqlalchemy.url": database})
    with engine.begin() as connection:
        connection.execute(sa.delete(Endpoint))
    engine.dispose()
    # The stream was removed before.
    assert monitor.run_once()
    assert nginx.messages.empty()
