"""When nginx is told that pages have something to ask for, and how soon they shall ask."""

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

PATIENCE = 60
CALLER = {"REMOTE_ADDR": "203.0.113.1"}


@contextmanager
def an_nginx():
    """Where messages go: a real HTTP server that says how many listen, as nchan does."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.answer(server.says)

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.heard.put(json.loads(body))
            self.answer(b"")

        def answer(self, body):
            self.send_response(server.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.heard, server.status, server.says = queue.Queue(), 200, b'{"subscribers": 7}'
        server.url = f"http://127.0.0.1:{server.server_port}/push"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def pages():
    with an_nginx() as server:
        yield server


@pytest.mark.parametrize(
    ("listeners", "within"), [(0, 0.2), (1000, 0.2), (20_000, 1), (100_000, 5), (10**7, 30)]
)
def test_the_more_listen_the_longer_they_take_to_ask(pages, listeners, within):
    pages.says = json.dumps({"subscribers": listeners}).encode()

    PageEventPublisher(pages.url).publish("streams")

    assert pages.heard.get(timeout=PATIENCE) == {"what": "streams", "within": within}


def test_pages_of_several_sites_are_told_and_those_that_can_be(pages, caplog):
    away = f"http://127.0.0.1:{free_port()}/push"
    with an_nginx() as others:
        pages.says, others.says = (
            json.dumps({"subscribers": n}).encode() for n in (60_000, 40_000)
        )

        PageEventPublisher(f"{pages.url} {away} {others.url}").publish("streams")

        # All of them ask the same trackers.
        for site in (pages, others):
            assert site.heard.get(timeout=PATIENCE) == {"what": "streams", "within": 5}
    [said] = [record.getMessage() for record in caplog.records]
    assert said.startswith(away)


@pytest.mark.parametrize(
    ("status", "says"), [(500, b"{}"), (403, b""), (200, b"<html>"), (200, b"[]"), (200, b"{}")]
)
def test_what_cannot_be_said_is_logged_once_and_stops_nobody(pages, caplog, status, says):
    pages.status, pages.says = status, says
    push = PageEventPublisher(pages.url)

    push.publish("streams")
    push.publish("schedule")

    assert pages.heard.empty()
    [said] = [record.getMessage() for record in caplog.records]
    assert said.startswith(pages.url)
    assert said.endswith("pages are not told, and ask by themselves")


@pytest.fixture
def tracker(tracker_settings, pages):
    settings = tracker_settings | {"push.url": pages.url}
    app = TestApp(tracker_app.main({}, **settings), extra_environ=CALLER)
    yield app
    app.app.registry["db.sessions"].kw["bind"].dispose()


def register(tracker, status=200, **more):
    form = {"secret": SECRET, "group": "hall", "data": '{"overall_clients": 5}'}
    tracker.post("/endpoint/register", form | more, status=status)


def test_pages_are_told_of_a_stream_that_comes_and_not_of_each_report(tracker, pages, at):
    # Nothing has changed, whoever tries.
    register(tracker, secret="wrong", status=403)
    register(tracker, data='{"overall_clients": "x"}', status=400)
    register(tracker)
    register(tracker)
    tracker.app.registry["page_events"].publish_async("schedule")

    told = [pages.heard.get(timeout=PATIENCE)["what"] for _ in range(2)]

    # Both, in the order of the names if they went together; and no third one.
    assert sorted(told) == ["schedule", "streams"]
    at(seconds=61)
    register(tracker)
    assert pages.heard.get(timeout=PATIENCE) == {"what": "streams", "within": 0.2}
    assert pages.heard.empty()


def test_the_watch_tells_pages_of_a_stream_that_falls_silent(tracker_settings, pages, at, database):
    tracker = TestApp(tracker_app.main({}, **tracker_settings), extra_environ=CALLER)
    register(tracker)
    tracker.app.registry["db.sessions"].kw["bind"].dispose()
    watcher = IncidentMonitor(tracker_settings | {"push.url": pages.url}, lambda news: True)
    assert watcher.run_once()
    assert watcher.run_once()
    assert pages.heard.empty()

    at(seconds=61)
    assert watcher.run_once()

    assert pages.heard.get(timeout=PATIENCE)["what"] == "streams"
    engine = make_engine({"sqlalchemy.url": database})
    with engine.begin() as connection:
        connection.execute(sa.delete(Endpoint))
    engine.dispose()
    # It was gone already.
    assert watcher.run_once()
    assert pages.heard.empty()
