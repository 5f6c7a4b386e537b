"""Plugins hear of what is wrong, once: the command, its built-in webhook, and what may fail."""

import json
import logging
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from streaming_system.cli import main
from streaming_system.plugin import Incident as Told
from streaming_system.plugin_host import notifications
from streaming_system.plugin_host.incident_notifier import IncidentNotifier
from streaming_system.plugin_host.sandbox import ResourceLimits
from streaming_system.tracker.db.session import make_engine
from streaming_system.tracker.incidents.monitor import IncidentMonitor
from streaming_system.tracker.models import Endpoint, IncidentRecord

pytestmark = pytest.mark.both_databases

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TOLD = Told(
    id=1, kind="no-stream", room="hall", title="Great Hall", subject="", summary="No stream.",
    opened_at=NOON,
)  # fmt: skip
HEAD = "import pathlib\nfrom streaming_system.plugin import hookimpl\n\n\n@hookimpl\n"


@pytest.fixture
def chat():
    """A chat that takes webhooks: a real HTTP server. Its `status` is what it answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.heard.append((self.path, self.headers["Content-Type"], json.loads(body)))
            self.send_response(server.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.heard, server.status = [], 200
        server.url = f"http://127.0.0.1:{server.server_port}/hooks/crew"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def watch(tracker_settings, tmp_path, chat):
    """Return a function that starts the command and lets it look a few times."""
    ini = tmp_path / "tracker.ini"
    keys = {**tracker_settings, "plugins.folder": str(tmp_path / "plugins")}
    keys["plugin.webhook.url"], keys["outbound.allowed_private_networks"] = chat.url, "127.0.0.1"
    lines = [f"{key} = {value.replace('%', '%%')}" for key, value in keys.items()]
    ini.write_text("\n".join(["[app:tracker]", "use = egg:streaming-system#tracker", *lines]))

    def watch(count=1):
        arguments = ["-c", str(ini), "tracker", "watch", "--count", str(count)]
        result = CliRunner().invoke(main, [*arguments, "--interval", "0.1"])
        assert result.exit_code == 0, result.output
        return result

    return watch


@pytest.fixture
def fall_silent(database, tracker, at):
    """Return a function that lets a server of the hall fall silent."""

    def fall_silent():
        from .conftest import SECRET

        tracker.post("/endpoint/register", {"secret": SECRET, "group": "hall", "data": "{}"})
        at(seconds=90)

    return fall_silent


@pytest.fixture
def leave(database):
    """Return a function that lets every server have said goodbye."""

    def leave():
        engine = make_engine({"sqlalchemy.url": database})
        with engine.begin() as connection:
            connection.execute(sa.update(Endpoint).values(left_at=datetime.now(UTC)))
        engine.dispose()

    return leave


class TestWatch:
    def test_the_chat_hears_once_that_it_began_and_once_that_it_is_over(
        self, watch, chat, fall_silent, leave, rows
    ):
        fall_silent()
        watch(2)
        watch(1)

        [(path, kind, message)] = chat.heard
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
        }

        leave()
        watch(2)
        watch(1)

        [_, (_, _, over)] = chat.heard
        assert over["text"] == f"Over after 0 min: {message['text']}"
        assert over["incident"]["closed_at"] is not None
        [row] = rows(IncidentRecord)
        assert (row["told_open"], row["told_closed"]) == (True, True)

    def test_what_a_chat_could_not_take_is_told_later(self, watch, chat, fall_silent, rows):
        fall_silent()
        chat.status = 500
        watch()
        assert [row["told_open"] for row in rows(IncidentRecord)] == [False]

        chat.status = 204
        watch()

        assert len(chat.heard) == 2
        assert [row["told_open"] for row in rows(IncidentRecord)] == [True]

    def test_of_what_was_over_before_anybody_looked_both_is_told_in_order(
        self, watch, chat, fall_silent, leave, tracker
    ):
        fall_silent()
        tracker.get("/api/v1/incidents")
        leave()
        watch(2)

        assert [bool(m["incident"]["closed_at"]) for _, _, m in chat.heard] == [False, True]

    def test_what_has_been_over_for_an_hour_is_no_news(self, watch, chat, database, rows):
        engine = make_engine({"sqlalchemy.url": database})
        with engine.begin() as connection:
            connection.execute(
                sa.insert(IncidentRecord).values(
                    kind="full", room="hall", subject="", summary="x", opened_at=NOON,
                    closed_at=NOON, told_open=False, told_closed=False,
                )
            )  # fmt: skip
        engine.dispose()
        watch()

        assert chat.heard == []
        assert [row["told_closed"] for row in rows(IncidentRecord)] == [True]

    def test_a_wrong_configuration_ends_it_with_one_line(self, tmp_path):
        ini = tmp_path / "tracker.ini"
        ini.write_text("[app:tracker]\nuse = egg:streaming-system#tracker\n")

        result = CliRunner().invoke(main, ["-c", str(ini), "tracker", "watch"])

        assert result.exit_code == 1
        assert result.stderr.startswith("Error: ")

    def test_it_survives_a_database_that_is_away(
        self, tracker_settings, away, fall_silent, tracker, caplog
    ):
        fall_silent()
        tracker.app.registry["db.sessions"].kw["bind"].dispose()
        heard = []
        watcher = IncidentMonitor(tracker_settings, lambda news: heard.append(news) or True)
        with away():
            assert [watcher.run_once(), watcher.run_once()] == [False, False]

        assert watcher.run_once()
        assert [news.kind for news in heard] == ["silent-encoder"]
        lines = [r.message for r in caplog.records if r.levelno >= logging.WARNING]
        assert len(lines) == 2
        assert lines[1] == "the database is back"


class TestAlerts:
    @pytest.fixture
    def clock(self):
        return {"now": 0.0}

    @pytest.fixture
    def plugin(self, tmp_path):
        """Return a function that drops a plugin in, and one that reads what it has written."""

        def plugin(name, code):
            (tmp_path / f"{name}.py").write_text(
                HEAD + f"def incident_changed(incident, options):\n"
                f"    folder = pathlib.Path({str(tmp_path)!r})\n    {code}\n"
            )

        return plugin

    @pytest.fixture
    def alerts(self, tmp_path, clock):
        settings = {"plugin.mine.word": "hello", "sqlalchemy.url": "secret"}
        return IncidentNotifier(settings, tmp_path, ResourceLimits(), clock=lambda: clock["now"])

    def test_a_plugin_gets_the_incident_and_its_own_words_of_the_ini(
        self, alerts, plugin, tmp_path
    ):
        plugin("mine", "(folder / 'heard').write_text(f'{incident.line} {options}')")

        assert alerts.notify(TOLD)
        assert (tmp_path / "heard").read_text() == "No stream. {'plugin.mine.word': 'hello'}"

    def test_one_that_fails_is_asked_again_and_the_others_are_not(
        self, alerts, plugin, clock, tmp_path, caplog
    ):
        plugin("a", "open(folder / 'heard', 'a').write('x')")
        plugin("b", "open(folder / 'tried', 'a').write('x'); (folder / 'works').read_text()")

        assert not alerts.notify(TOLD)
        assert "b.py: a hook failed: FileNotFoundError" in caplog.text
        clock["now"] = 9.9
        assert not alerts.notify(TOLD)
        clock["now"] = 10
        assert not alerts.notify(TOLD)
        clock["now"] = 29.9
        assert not alerts.notify(TOLD)
        assert (tmp_path / "tried").read_text() == "xx"
        (tmp_path / "works").touch()
        clock["now"] = 30
        assert alerts.notify(TOLD)
        assert (tmp_path / "heard").read_text() == "x"

    def test_one_that_hangs_is_stopped(self, alerts, plugin, monkeypatch, caplog):
        monkeypatch.setattr(notifications, "NOTIFY_TIMEOUT", 0.5)
        plugin("a", "import time; time.sleep(60)")

        assert not alerts.notify(TOLD)
        assert "took longer than 0.5 s" in caplog.text

    def test_one_that_cannot_be_loaded_is_named(self, alerts, tmp_path, caplog):
        (tmp_path / "broken.py").write_text("1 / 0")

        assert not alerts.notify(TOLD)
        assert "broken.py" in caplog.text
