"""Incident notifications: the monitor command, the webhook plugin, and failures."""

import json
import logging
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from streaming_system.cli import main
from streaming_system.plugin import Incident
from streaming_system.plugin_host import notifications
from streaming_system.plugin_host.incident_notifier import IncidentNotifier
from streaming_system.plugin_host.sandbox import ResourceLimits
from streaming_system.tracker.db.session import make_engine
from streaming_system.tracker.incidents.monitor import IncidentMonitor
from streaming_system.tracker.models import Endpoint, IncidentRecord

pytestmark = pytest.mark.both_databases

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
INCIDENT = Incident(
    id=1, kind="no-stream", room="hall", title="Great Hall", subject="", summary="No stream.",
    opened_at=NOON,
)  # fmt: skip
HEAD = "import pathlib\nfrom streaming_system.plugin import hookimpl\n\n\n@hookimpl\n"


@pytest.fixture
def chat():
    """A real HTTP server for webhooks, which responds with its `status`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.received.append((self.path, self.headers["Content-Type"], json.loads(body)))
            self.send_response(server.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.received, server.status = [], 200
        server.url = f"http://127.0.0.1:{server.server_port}/hooks/crew"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def run_monitor(tracker_settings, tmp_path, chat):
    """Return a function that runs the command for a number of checks."""
    ini = tmp_path / "tracker.ini"
    keys = {**tracker_settings, "plugins.folder": str(tmp_path / "plugins")}
    keys["plugin.webhook.url"], keys["outbound.allowed_private_networks"] = chat.url, "127.0.0.1"
    lines = [f"{key} = {value.replace('%', '%%')}" for key, value in keys.items()]
    ini.write_text("\n".join(["[app:tracker]", "use = egg:streaming-system#tracker", *lines]))

    def run_monitor(count=1):
        arguments = ["-c", str(ini), "tracker", "watch", "--count", str(count)]
        result = CliRunner().invoke(main, [*arguments, "--interval", "0.1"])
        assert result.exit_code == 0, result.output
        return result

    return run_monitor


@pytest.fixture
def fall_silent(database, tracker, at):
    """Return a function that makes an endpoint of the hall fall silent."""

    def fall_silent():
        from .conftest import SECRET

        tracker.post("/endpoint/register", {"secret": SECRET, "group": "hall", "data": "{}"})
        at(seconds=90)

    return fall_silent


@pytest.fixture
def deregister(database):
    """Return a function that deregisters every endpoint."""

    def deregister():
        engine = make_engine({"sqlalchemy.url": database})
        with engine.begin() as connection:
            connection.execute(sa.update(Endpoint).values(left_at=datetime.now(UTC)))
        engine.dispose()

    return deregister


class TestMonitor:
    def test_webhook_is_notified_once_of_opening_and_once_of_resolution(
        self, run_monitor, chat, fall_silent, deregister, rows
    ):
        fall_silent()
        run_monitor(2)
        run_monitor(1)

        [(path, kind, message)] = chat.received
        assert (path, kind) == ("/hooks/crew", "application/json")
        assert message["text"].startswith("The server 203.0.113.1 of Great Hall stopped reporting")
        [row] = rows(IncidentRecord)
        assert message["incident"] == {
            "id": row["id"],
            "kind": "silent-encoder",
            "room": "hall",
            "title": "Great Hall",
            "subject": "203.0.113.1",
            "summary": message["text"],
            "opened_at": row["opened_at"].isoformat(),
            "closed_at": None,
            "preview": "/preview/hall-large.jpg",
        }

        deregister()
        run_monitor(2)
        run_monitor(1)

        [_, (_, _, resolved)] = chat.received
        assert resolved["text"] == f"Over after 0 min: {message['text']}"
        assert resolved["incident"]["closed_at"] is not None
        [row] = rows(IncidentRecord)
        assert (row["told_open"], row["told_closed"]) == (True, True)

    def test_failed_notification_is_retried(self, run_monitor, chat, fall_silent, rows):
        fall_silent()
        chat.status = 500
        run_monitor()
        assert [row["told_open"] for row in rows(IncidentRecord)] == [False]

        chat.status = 204
        run_monitor()

        assert len(chat.received) == 2
        assert [row["told_open"] for row in rows(IncidentRecord)] == [True]

    def test_resolved_incident_is_notified_as_opened_first(
        self, run_monitor, chat, fall_silent, deregister, tracker
    ):
        fall_silent()
        tracker.get("/api/v1/incidents")
        deregister()
        run_monitor(2)

        assert [bool(m["incident"]["closed_at"]) for _, _, m in chat.received] == [False, True]

    def test_incident_resolved_an_hour_ago_is_not_notified(self, run_monitor, chat, database, rows):
        engine = make_engine({"sqlalchemy.url": database})
        with engine.begin() as connection:
            connection.execute(
                sa.insert(IncidentRecord).values(
                    kind="full", room="hall", subject="", summary="x", opened_at=NOON,
                    closed_at=NOON, notified_open=False, notified_closed=False,
                )
            )  # fmt: skip
        engine.dispose()
        run_monitor()

        assert chat.received == []
        assert [row["told_closed"] for row in rows(IncidentRecord)] == [True]

    def test_invalid_configuration_ends_the_command_with_one_line(self, tmp_path):
        ini = tmp_path / "tracker.ini"
        ini.write_text("[app:tracker]\nuse = egg:streaming-system#tracker\n")

        result = CliRunner().invoke(main, ["-c", str(ini), "tracker", "watch"])

        assert result.exit_code == 1
        assert result.stderr.startswith("Error: ")

    def test_monitor_survives_a_database_outage(
        self, tracker_settings, away, fall_silent, tracker, caplog
    ):
        fall_silent()
        tracker.app.registry["db.sessions"].kw["bind"].dispose()
        notified = []
        monitor = IncidentMonitor(tracker_settings, lambda n: notified.append(n) or True)
        with away():
            assert [monitor.run_once(), monitor.run_once()] == [False, False]

        assert monitor.run_once()
        assert [notification.kind for notification in notified] == ["silent-encoder"]
        lines = [r.message for r in caplog.records if r.levelno >= logging.WARNING]
        assert len(lines) == 2
        assert lines[1] == "the database is back"


class TestNotifier:
    @pytest.fixture
    def clock(self):
        return {"now": 0.0}

    @pytest.fixture
    def write_plugin(self, tmp_path):
        """Return a function that writes a plugin."""

        def write_plugin(name, code):
            (tmp_path / f"{name}.py").write_text(
                HEAD + f"def incident_changed(incident, options):\n"
                f"    folder = pathlib.Path({str(tmp_path)!r})\n    {code}\n"
            )

        return write_plugin

    @pytest.fixture
    def notifier(self, tmp_path, clock):
        settings = {"plugin.mine.word": "hello", "sqlalchemy.url": "secret"}
        return IncidentNotifier(settings, tmp_path, ResourceLimits(), clock=lambda: clock["now"])

    def test_plugin_gets_the_incident_and_its_own_settings(self, notifier, write_plugin, tmp_path):
        write_plugin("mine", "(folder / 'notified').write_text(f'{incident.line} {options}')")

        assert notifier.notify(INCIDENT)
        assert (tmp_path / "notified").read_text() == "No stream. {'plugin.mine.word': 'hello'}"

    def test_failed_plugin_is_retried_with_backoff_and_others_are_not(
        self, notifier, write_plugin, clock, tmp_path, caplog
    ):
        write_plugin("a", "open(folder / 'notified', 'a').write('x')")
        write_plugin("b", "open(folder / 'tried', 'a').write('x'); (folder / 'works').read_text()")

        assert not notifier.notify(INCIDENT)
        assert "b.py: a hook failed: FileNotFoundError" in caplog.text
        clock["now"] = 9.9
        assert not notifier.notify(INCIDENT)
        clock["now"] = 10
        assert not notifier.notify(INCIDENT)
        clock["now"] = 29.9
        assert not notifier.notify(INCIDENT)
        assert (tmp_path / "tried").read_text() == "xx"
        (tmp_path / "works").touch()
        clock["now"] = 30
        assert notifier.notify(INCIDENT)
        assert (tmp_path / "notified").read_text() == "x"

    def test_hanging_plugin_is_stopped(self, notifier, write_plugin, monkeypatch, caplog):
        monkeypatch.setattr(notifications, "NOTIFY_TIMEOUT", 0.5)
        write_plugin("a", "import time; time.sleep(60)")

        assert not notifier.notify(INCIDENT)
        assert "took longer than 0.5 s" in caplog.text

    def test_plugin_that_cannot_be_loaded_is_logged(self, notifier, tmp_path, caplog):
        (tmp_path / "broken.py").write_text("1 / 0")

        assert not notifier.notify(INCIDENT)
        assert "broken.py" in caplog.text
