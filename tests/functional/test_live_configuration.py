"""Changes of the configuration, theme, catalogues and brand reach running processes."""

import json
import os
import re
import time

import pytest
from click.testing import CliRunner
from timeouts import extended
from webtest import TestApp

from streaming_system import tracker as tracker_app
from streaming_system.cli import main as cli
from streaming_system.cli import reload
from streaming_system.config.worker_records import load_workers

from .conftest import SECRET
from .crew_pages import log_in_as

# Long enough for a machine under load.
CHANGE_TIMEOUT = 60.0


@pytest.fixture
def folder(tmp_path):
    """The folder of the records, which asks for a check by a file in it."""
    folder = tmp_path / "workers"
    folder.mkdir()
    return folder


@pytest.fixture
def change(tmp_path, folder):
    """Return a function that changes sections of the configuration, and asks for a check."""

    def change(**sections):
        path = tmp_path / "config.json"
        document = json.loads(path.read_text()) | sections
        document = {name: values for name, values in document.items() if values is not None}
        path.write_text(json.dumps(document))
        (folder / "reload").touch()

    return change


@pytest.fixture
def live(make_site, folder):
    """The pages, with a folder for the records of workers."""
    site = make_site(**{"workers.folder": str(folder)})
    wait_for_record(site, "/", folder, "frontend")
    return site


@pytest.fixture
def tracker(app_pool, tracker_settings, folder):
    """The tracker, with a folder for the records of workers."""
    settings = {"workers.folder": str(folder), "session.secure": "false", "limit.logins": "off"}
    app = app_pool.get(tracker_app.main, tracker_settings | settings)
    tracker = TestApp(app, extra_environ={"REMOTE_ADDR": "203.0.113.1"})
    wait_for_record(tracker, "/api/v1/rooms", folder, "tracker")
    return tracker


@pytest.fixture
def crew(tracker):
    """The tracker in the browser of a crew member."""
    log_in_as(tracker)
    return tracker


def wait_for(condition):
    deadline = time.monotonic() + extended(CHANGE_TIMEOUT)
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def wait_for_record(app, path, folder, name):
    """Wait until an app of the pool has written its record into the new folder."""
    (folder / "reload").touch()
    wait_for(
        lambda: (
            app.get(path)
            and any(each.app == name for each in load_workers({"workers.folder": folder}))
        )
    )


def refusals(folder):
    """Return why workers refuse the configuration."""
    return [each.refusal for each in load_workers({"workers.folder": folder}) if each.refusal]


def test_changed_room_is_on_every_page_at_once(live, change):
    assert "Great Hall" in live.get("/").text

    change(hall={"title": "Aula", "logo": "https://img.example/a.png"}, lab=None, nook={})

    wait_for(lambda: "Aula" in live.get("/").text)
    for path in ("/", "/hall", "/monitor", "/schedule", "/hall/rss", "/streams.m3u"):
        page = live.get(path)
        assert "Aula" in page.text or path == "/schedule", path
        assert "Great Hall" not in page.text
    assert "https://img.example" in live.get("/").headers["Content-Security-Policy"]
    live.get("/lab", status=404)
    assert "nook" in live.get("/nook").text


def test_configuration_that_is_refused_changes_nothing(live, change, folder, caplog):
    before = live.get("/hall").text
    change(hall={"titel": "Aula"})

    wait_for(lambda: refusals(folder) or not live.get("/"))
    [worker] = load_workers({"workers.folder": folder})
    assert "room 'hall': key 'titel': unknown key; did you mean 'title'?" in worker.refusal
    assert live.get("/hall").text == before
    lines = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert lines == [f"{worker.refusal}; the configuration before stays in service"]

    change(hall={"title": "Aula"})
    wait_for(lambda: "Aula" in live.get("/hall").text)
    assert load_workers({"workers.folder": folder})[0].refusal == ""


def test_theme_changes_as_a_whole_or_not_at_all(live, change, folder, tmp_path):
    theme = tmp_path / "look"
    for name, content in {
        "theme.json": '{"logo": "pictures/logo.svg"}',
        "theme.css": ".card { color: red }",
        "pictures/logo.svg": "<svg>first</svg>",
        "templates/offline.jinja2": "first template",
    }.items():
        (theme / name).parent.mkdir(parents=True, exist_ok=True)
        (theme / name).write_text(content)

    def stylesheet():
        url = live.get("/").html.select("link[rel=stylesheet]")[-1]["href"]
        return live.get(url).text

    change(config={"secret": SECRET, "theme": "./look"})
    wait_for(lambda: "color: red" in stylesheet())
    assert "first" in live.get("/brand/logo").text

    # One invalid file refuses all of them, also those that are read late.
    (theme / "theme.css").write_text(".card { color: blue")
    (theme / "pictures/logo.svg").write_text("<svg>second</svg>")
    (theme / "templates/offline.jinja2").write_text("second template {% if %}")
    (folder / "reload").touch()
    wait_for(lambda: live.get("/") and refusals(folder))
    assert "color: red" in stylesheet()
    assert "first" in live.get("/brand/logo").text
    assert live.get("/offline").text == "first template"

    (theme / "theme.css").write_text(".card { color: blue }")
    (theme / "templates/offline.jinja2").write_text("second template")
    (folder / "reload").touch()
    wait_for(lambda: "color: blue" in stylesheet())
    assert "second" in live.get("/brand/logo").text
    assert live.get("/offline").text == "second template"


def test_catalogue_is_added_and_a_damaged_one_is_refused(make_site, folder, tmp_path, root):
    languages = tmp_path / "languages"
    languages.mkdir()
    settings = {"workers.folder": str(folder), "languages.folder": str(languages)}
    live = make_site(**settings)
    included = root / "src/streaming_system/frontend/locale/de/LC_MESSAGES/streaming-system.mo"
    target = languages / "nl/LC_MESSAGES/streaming-system.mo"
    target.parent.mkdir(parents=True)
    catalogue = included.read_bytes()
    german = live.get("/?lang=de").html.select_one("h1").text

    target.write_bytes(catalogue[: len(catalogue) // 2])
    (folder / "reload").touch()
    wait_for(lambda: live.get("/") and refusals(settings["workers.folder"]))
    assert str(target) in load_workers(settings)[0].refusal
    assert live.get("/?lang=nl").html.html["lang"] == "en"

    target.write_bytes(catalogue)
    (folder / "reload").touch()
    wait_for(lambda: live.get("/?lang=nl").html.html["lang"] == "nl")
    assert live.get("/?lang=nl").html.select_one("h1").text == german


def test_damaged_brand_file_is_reported_and_the_one_before_stays(live, folder, tmp_path):
    (tmp_path / "brand").mkdir()
    (tmp_path / "brand/logo.png").write_bytes(b"first")
    wait_for(lambda: live.get("/brand/logo").body == b"first")

    (tmp_path / "brand/logo.png").write_bytes(b"")
    (folder / "reload").touch()

    wait_for(lambda: live.get("/") and refusals(folder))
    assert "logo.png: is empty" in load_workers({"workers.folder": folder})[0].refusal
    assert live.get("/brand/logo").body == b"first"


def test_change_without_the_folder_of_the_records_is_noticed_as_well(site, change):
    change(hall={"title": "Aula"})

    wait_for(lambda: "Aula" in site.get("/").text)


def test_counters_of_pages_go_on_after_a_change(live, change):
    def requests():
        text = live.get("/metrics").text
        found = re.search(r'streaming_page_requests_total\{.*route="graphs".*\} (\S+)', text)
        return float(found[1])

    live.get("/graphs")
    assert requests() == 1
    change(hall={"title": "Aula"})
    wait_for(lambda: "Aula" in live.get("/hall").text)
    live.get("/graphs")

    assert requests() == 2


def test_tracker_takes_rooms_and_secret_of_the_changed_configuration(tracker, change):
    fields = {"secret": "other secret", "group": "nook", "data": '{"overall_clients": 3}'}
    assert "nook" not in tracker.get("/streams.json").json["rooms"]

    change(config={"secret": "other secret"}, nook={"fallbacks": ["group:hall"]}, lab=None)

    wait_for(lambda: "nook" in tracker.get("/streams.json").json["rooms"])
    tracker.post("/endpoint/register", fields)
    rooms = tracker.get("/streams.json").json["rooms"]
    assert rooms["nook"]["live"]
    assert "lab" not in rooms
    tracker.get("/lab/streams.json", status=404)
    assert tracker.get("/api/v1/rooms/nook").json["room"] == "nook"
    assert "SECRET" in tracker.post("/endpoint/register", fields | {"secret": SECRET}, status="*")


def test_crew_sees_a_refused_change_of_the_tracker_and_of_the_pages(crew, live, change, tmp_path):
    assert "is not in service" not in crew.get("/admin").text

    change(config={"secret": SECRET, "theme": "./none"})
    wait_for(lambda: live.get("/") and "is no folder" in crew.get("/admin").text)
    alert = crew.get("/admin").html.select_one("[role=alert]").text
    assert f"{tmp_path / 'none'}: is no folder" in alert

    change(config={})
    wait_for(lambda: "set one" in crew.get("/admin").text)


@pytest.fixture
def ini(tmp_path, folder, schedule_file, conference):
    """An ini file for the command line."""
    (tmp_path / "site.ini").write_text(
        f"""
[DEFAULT]
config.public = {conference["config.public"]}
config.private = {conference["config.private"]}
schedule.file = {schedule_file}
workers.folder = {folder}
[app:frontend]
use = egg:streaming-system#frontend
brand.folder = {tmp_path / "brand"}
[app:tracker]
use = egg:streaming-system#tracker
sqlalchemy.url = sqlite:///{tmp_path / "none.sqlite"}
""".replace("%", "%%")
    )
    return tmp_path / "site.ini"


@pytest.fixture
def run(ini, monkeypatch):
    """Return a function that runs a command, which does not wait for requests of this test."""
    monkeypatch.setattr(reload, "TIMEOUT", 0.0)

    def run(*arguments):
        return CliRunner().invoke(cli, ["-c", str(ini), *arguments])

    return run


def test_reload_says_what_changes_and_which_workers_have_it(run, live, change, folder):
    assert "Great Hall" in live.get("/").text
    result = run("reload")
    assert "Nothing has changed: this version is in service since" in result.output
    assert "frontend: 1 of 1 workers have the new version." in result.output

    change(hall={"title": "Aula"}, lab=None, nook={"title": "Nook"},
           config={"secret": SECRET, "theme": "terminal"})  # fmt: skip
    result = run("reload")
    assert result.exit_code == 0
    assert {
        "room hall: title, ircnetwork, channel changed",
        "room lab: removed",
        "room nook: added",
        "site: localips, theme changed",
        "theme: added",
    } <= set(result.output.splitlines())
    wait_for(lambda: "Aula" in live.get("/").text)
    assert "frontend: 1 of 1 workers have the new version." in run("reload").output


@pytest.mark.parametrize("command", ["reload", "config check"])
def test_invalid_files_are_refused_by_the_commands(run, live, change, tmp_path, command):
    (tmp_path / "brand").mkdir()
    (tmp_path / "brand/logo.png").touch()
    result = run(*command.split())
    assert result.exit_code == 1
    assert "brand/logo.png: is empty" in result.output
    (tmp_path / "brand/logo.png").unlink()

    change(hall={"titel": "Aula"})
    result = run(*command.split())
    assert result.exit_code == 1
    assert "key 'titel': unknown key" in result.output.splitlines()[-1]
    assert "Great Hall" in live.get("/").text


def test_reload_without_the_folder_is_refused_with_one_line(ini):
    text = ini.read_text()
    ini.write_text(re.sub("workers.folder.*\n", "", text))

    result = CliRunner().invoke(cli, ["-c", str(ini), "reload"])

    assert result.exit_code == 1
    assert "workers.folder in [DEFAULT] is missing" in result.output
    assert len(result.output.splitlines()) == 1


def test_records_of_ended_processes_are_ignored_and_deleted(make_site, folder):
    settings = {"workers.folder": str(folder)}
    ended = json.loads(
        '{"app": "frontend", "host": "elsewhere", "pid": 1, "version": "", '
        '"since": "2026-11-30T12:00:00+00:00", "refusal": "old", "summary": {}}'
    )
    path = folder / "frontend-elsewhere-1.json"
    path.write_text(json.dumps(ended))
    assert [worker.refusal for worker in load_workers(settings)] == ["old"]
    past = time.time() - 3600
    os.utime(path, (past, past))
    (folder / "frontend-broken-2.json").write_text("{")
    assert load_workers(settings) == []

    make_site(**settings).get("/")

    assert not path.exists()
    assert len(load_workers(settings)) == 1
