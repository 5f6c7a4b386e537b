"""Reports to Sentry and OpenTelemetry, received by an HTTP server."""

import gzip
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import brotli
import pytest
import sqlalchemy as sa
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status
from webtest import TestApp

from streaming_system import tracker as tracker_app

from .conftest import SECRET

# Data of a viewer in all parts of a request.
OWN = {
    "address": "203.0.113.77",
    "query": "needle-of-the-query",
    "cookie": "needle-of-the-cookie",
    "header": "needle-of-the-header",
    "body": "needle-of-the-body",
    "path": "needleofthepath",
}
ON_SQLITE = pytest.mark.parametrize("migrated_database", ["sqlite"], indirect=True)


DECODE = {"": bytes, "gzip": gzip.decompress, "br": brotli.decompress}


class Sink:
    """Receives all requests."""

    def __init__(self):
        self.changed = threading.Condition()
        self.got = []
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                body = DECODE[self.headers.get("Content-Encoding", "")](body)
                self.send_response(200)
                self.end_headers()
                with sink.changed:
                    sink.got.append((self.path, body))
                    sink.changed.notify_all()

            def log_message(self, *words):
                """Disabled."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def wait(self):
        """Return the first request."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.got, timeout=60)
            return self.got[0]

    def stop(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def sink():
    sink = Sink()
    yield sink
    sink.stop()


def request_with_viewer_data(app, path, **more):
    """Send a request with data of a viewer in all parts."""
    return app.get(
        f"{path}?q={OWN['query']}",
        headers={
            "Cookie": f"session={OWN['cookie']}",
            "User-Agent": OWN["header"],
            "X-Forwarded-For": OWN["address"],
            "X-Request-ID": "0123456789abcdef",
        },
        extra_environ={"REMOTE_ADDR": OWN["address"]},
        **more,
    )


def spans_of(body):
    return [name for name, words in OWN.items() if words.encode() in body]


def broken(app, monkeypatch):
    """Make a page fail with data of a viewer in the exception."""

    def fail(self):
        viewer = OWN["query"]
        raise LookupError(f"{OWN['address']} asked for {viewer}, {OWN['body']}")

    monkeypatch.setattr(type(app.app.registry["schedule"]), "current", fail)


class TestSentry:
    @pytest.fixture
    def app(self, make_site, sink):
        return make_site(**{"sentry.dsn": f"http://key@127.0.0.1:{sink.port}/7"})

    def test_sentry_gets_error_without_viewer_data(self, app, sink, monkeypatch):
        broken(app, monkeypatch)

        assert (
            request_with_viewer_data(app, "/hall", status=500).headers["X-Request-ID"]
            == "0123456789abcdef"
        )

        path, body = sink.wait()
        assert path == "/api/7/envelope/"
        event = json.loads(body.splitlines()[2])
        (exception,) = event["exception"]["values"]
        assert exception["type"] == "LookupError"
        assert exception["stacktrace"]["frames"][-1]["function"] == "fail"
        assert event["tags"] == {
            "app": "frontend",
            "route": "/{room}",
            "request_id": "0123456789abcdef",
        }
        assert event["transaction"] == "GET /{room}"
        assert spans_of(body) == []
        assert event.keys().isdisjoint({"user", "request", "breadcrumbs"})

    def test_intended_error_response_is_not_reported(self, app, sink, monkeypatch):
        request_with_viewer_data(app, "/nowhere", status=404)
        broken(app, monkeypatch)
        request_with_viewer_data(app, "/hall", status=500)

        # Reports arrive in order: none was sent before the error.
        _, body = sink.wait()
        assert b"LookupError" in body


@ON_SQLITE
class TestRefusedReports:
    """The client gets status 200, but an error in the tracker is one for its operators."""

    FIELDS = {"secret": SECRET, "group": "hall", "data": "{}"}

    @pytest.fixture
    def start(self, tracker_settings, before_statement):
        """Return a function that starts a tracker whose statements fail with an error."""
        apps = []

        def start(error, **settings):
            app = tracker_app.main({}, **tracker_settings, **settings)
            app = TestApp(app, extra_environ={"REMOTE_ADDR": "192.0.2.1"})
            apps.append(app)

            def fail(*args):
                raise error("INSERT", {}, Exception("value too long"))

            before_statement(app.app, fail)
            return app

        yield start
        for app in apps:
            app.app.registry["db.sessions"].kw["bind"].dispose()

    def test_sentry_gets_the_error(self, start, sink):
        app = start(sa.exc.DataError, **{"sentry.dsn": f"http://key@127.0.0.1:{sink.port}/7"})

        response = app.post("/endpoint/register", self.FIELDS, status=200)

        assert response.text == "ERROR INTERNAL something is wrong on our side\n"
        _, body = sink.wait()
        assert b"DataError" in body

    def test_span_of_an_unavailable_database_is_an_error(self, start, sink, monkeypatch):
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
        endpoint = {"otel.endpoint": f"http://127.0.0.1:{sink.port}", "otel.share": "1"}
        app = start(sa.exc.OperationalError, **endpoint)

        response = app.post("/endpoint/register", self.FIELDS, status=200)

        assert response.text.startswith("ERROR DATABASE ")
        _, body = sink.wait()
        (resource,) = ExportTraceServiceRequest.FromString(body).resource_spans
        (span,) = resource.scope_spans[0].spans
        assert span.status.code == Status.STATUS_CODE_ERROR
        found = {each.key: each.value for each in span.attributes}
        assert found["http.response.status_code"].int_value == 200


class TestOpenTelemetry:
    @pytest.fixture
    def settings(self, sink, monkeypatch):
        # Flush the batch.
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
        return {"otel.endpoint": f"http://127.0.0.1:{sink.port}/", "otel.share": "1"}

    def test_opentelemetry_gets_span_without_viewer_data(self, make_site, settings, sink):
        app = make_site(**settings)
        request_with_viewer_data(app, "/healthz")
        request_with_viewer_data(app, f"/{OWN['path']}", status=404)

        path, body = sink.wait()
        assert path == "/v1/traces"
        (resource,) = ExportTraceServiceRequest.FromString(body).resource_spans
        attributes = {each.key: each.value.string_value for each in resource.resource.attributes}
        assert attributes["service.name"] == "streaming-frontend"
        (span,) = resource.scope_spans[0].spans
        assert span.name == "GET /{room}"
        assert span.end_time_unix_nano > span.start_time_unix_nano
        found = {each.key: each.value for each in span.attributes}
        assert found["http.response.status_code"].int_value == 404
        assert found["request.id"].string_value == "0123456789abcdef"
        assert spans_of(body) == []

    @ON_SQLITE
    def test_tracker_sends_spans_and_ignores_trace_headers(self, tracker_settings, settings, sink):
        app = TestApp(tracker_app.main({}, **tracker_settings, **settings))
        claimed = "4bf92f3577b34da6a3ce929d0e0e4736"
        app.get("/hall/streams.json", headers={"traceparent": f"00-{claimed}-00f067aa0ba902b7-01"})
        app.app.registry["db.sessions"].kw["bind"].dispose()

        _, body = sink.wait()
        (resource,) = ExportTraceServiceRequest.FromString(body).resource_spans
        (span,) = resource.scope_spans[0].spans
        assert span.name == "GET /{room}/streams.json"
        assert (span.trace_id.hex() == claimed, span.parent_span_id) == (False, b"")


class TestStart:
    @pytest.mark.parametrize(
        ("settings", "line"),
        [
            ({"sentry.dsn": "nonsense"}, "sentry.dsn in the ini file is none"),
            ({"otel.endpoint": "localhost:4318"}, "otel.endpoint in the ini file is 'localhost"),
            ({"otel.endpoint": "http://h:1", "otel.share": "2"}, "otel.share in the ini file is"),
        ],
        ids=["dsn", "endpoint", "share"],
    )
    def test_invalid_setting_stops_the_start_with_one_line(self, make_site, settings, line):
        with pytest.raises(SystemExit) as ended:
            make_site(**settings)

        assert str(ended.value).startswith(line)
        assert "allowed: " in str(ended.value)

    @pytest.mark.parametrize(
        ("key", "value", "module", "extra"),
        [
            ("sentry.dsn", "http://key@127.0.0.1:9/7", "sentry_sdk", "sentry"),
            ("otel.endpoint", "http://127.0.0.1:9", "opentelemetry", "otel"),
        ],
        ids=["sentry", "otel"],
    )
    def test_missing_package_is_named(self, make_site, monkeypatch, key, value, module, extra):
        for name in [name for name in sys.modules if name.split(".")[0] == module]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, module, None)

        with pytest.raises(SystemExit) as ended:
            make_site(**{key: value})

        assert str(ended.value).startswith(f"{key} in the ini file needs the package ")
        assert f"pip install 'streaming-system[{extra}]'" in str(ended.value)

    def test_telemetry_is_imported_only_if_enabled(self):
        code = (
            "import sys, streaming_system.frontend, streaming_system.tracker, "
            "streaming_system.web.telemetry;"
            "print([n for n in sys.modules if n.split('.')[0] in ('sentry_sdk', 'opentelemetry')])"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == "[]"
