"""The crew's page of the rooms: its changes, their undoing, and the import of the schedule."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from timeouts import extended
from webtest import TestApp

from streaming_system import tracker as tracker_app
from streaming_system.cli import main as cli
from streaming_system.schedule.import_report import MAX_LINES, ImportReport, save_report
from streaming_system.tracker.models import AuditEntry

from .crew_pages import log_in_as

CHANGE_TIMEOUT = 60.0
EVIL = "<script>alert(1)</script>"


@pytest.fixture
def settings(tmp_path, schedule_file, conference):
    return conference | {
        "workers.folder": str(tmp_path / "workers"),
        "schedule.file": str(schedule_file),
    }


@pytest.fixture
def log_in(app_pool, settings, database):
    """Return a function that returns the tracker in the browser of a crew member."""

    def log_in(role="admin", **more):
        own = {"sqlalchemy.url": database, "session.secure": "false", "limit.logins": "off"}
        app = app_pool.get(tracker_app.main, settings | own | more)
        browser = TestApp(app, extra_environ={"REMOTE_ADDR": "203.0.113.1"})
        log_in_as(browser, role)
        return browser

    return log_in


@pytest.fixture
def crew(log_in):
    return log_in()


@pytest.fixture
def live(make_site, settings):
    """The pages of the same site."""
    return make_site(**settings)


def submit(crew, button, room="", status=303, **fields):
    """Submit the form with a button, as a browser does."""
    for form in crew.get("/admin/rooms").forms.values():
        values = [field._value for field in form.fields.get("do", [])]
        if button in values and (not room or form["room"].value == room):
            for name, value in fields.items():
                form[name].force_value(value)
            return form.submit("do", value=button, status=status)
    raise AssertionError(f"there is no form with the button {button}")


def wait_for(condition):
    deadline = time.monotonic() + extended(CHANGE_TIMEOUT)
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_changes_of_the_crew_are_live_and_audited(crew, live, rows, tmp_path):
    public = (tmp_path / "config.json").read_text()
    before = live.get("/hall").text
    assert "Great Hall" in before

    submit(crew, "title", "hall", title="Aula <1>")
    submit(crew, "message", "hall", message=f"We are back at 14:00. {EVIL}")
    submit(crew, "down", "hall")

    assert crew.get("/admin/rooms").html.select_one("h2 + p").text.startswith("hall: moved down")
    wait_for(lambda: "We are back at 14:00." in live.get("/hall").text)
    page = live.get("/hall")
    assert "Aula &lt;1&gt;" in page.text
    assert page.html.select_one(".room-message").text == f"We are back at 14:00. {EVIL}"
    assert EVIL not in page.text
    assert list(crew.get("/streams.json").json["rooms"]) == ["lab", "hall", "tube"]
    assert [(row["account"], row["action"], row["subject"]) for row in rows(AuditEntry)][-3:] == [
        ("admin", "site.change", "hall title: Aula <1>"),
        ("admin", "site.change", f"hall message: We are back at 14:00. {EVIL}"),
        ("admin", "site.change", "hall: moved down"),
    ]
    # The organisers' files are as they were.
    assert (tmp_path / "config.json").read_text() == public
    assert "Aula <1>" in (tmp_path / "config.overrides.json").read_text()


def test_closed_room_has_a_page_without_a_player(crew, live):
    report = {"secret": "s3cret of the tests", "group": "hall", "data": '{"overall_clients": 3}'}
    crew.post("/endpoint/register", report)
    assert crew.get("/streams.json").json["rooms"]["hall"]["live"]
    submit(crew, "close", "hall")
    submit(crew, "close", "tube")

    rooms = crew.get("/streams.json").json["rooms"]
    assert not rooms["hall"]["live"]
    assert rooms["hall"]["endpoints"] == []
    assert rooms["tube"]["youtube"] is None
    assert crew.get("/hall/streams.json").json["endpoints"] == []
    assert "null" in crew.get("/hall/stream.js").text
    assert not crew.get("/api/v1/rooms/hall").json["live"]
    for room in ("hall", "tube"):
        wait_for(lambda room=room: "is closed." in live.get(f"/{room}").text)
        for path in (f"/{room}", f"/embed/{room}"):
            page = live.get(path).html
            assert "is closed." in page.select_one(".stage-state").text
            assert page.select("video, [data-youtube], [data-frame]") == []
            assert page.select_one(".stage")["data-live"] == "false"
    assert "Closed" in live.get("/").html.select_one("[data-room=hall] .badge").text
    assert "EXTINF" not in live.get("/hall/stream.m3u").text

    submit(crew, "open", "hall")
    assert crew.get("/streams.json").json["rooms"]["hall"]["live"]


def test_sources_are_changed_and_invalid_ones_refused(crew, live, tmp_path):
    sources = '[{"from": "2026-11-01T09:00", "url": "https://cdn.example/{room}/"}]'
    submit(crew, "sources", "lab", sources=sources)
    wait_for(lambda: "cdn.example" in live.get("/lab").text)

    overrides = (tmp_path / "config.overrides.json").read_text()
    for text, message in (
        ('[{"url": "ftp://x"}]', "room 'lab': key 'sources'"),
        ("{", "the sources are no JSON"),
        ('{"url": "x"}', "the sources are no list"),
    ):
        page = submit(crew, "sources", "lab", status=400, sources=text)
        assert message.lower() in page.html.select_one("[role=alert]").text.lower()
        # The text is not lost.
        assert page.html.select_one("#sources-lab").text.strip() == text
    assert (tmp_path / "config.overrides.json").read_text() == overrides


@pytest.mark.parametrize(
    ("button", "fields", "message"),
    [
        ("title", {"title": "  "}, "key 'title'"),
        ("title", {"title": "x" * 201}, "key 'title'"),
        ("message", {"message": "a\u202eb"}, "key 'message'"),
        ("message", {"message": ""}, "nothing would change"),
    ],
)
def test_invalid_values_are_refused_with_one_line(crew, button, fields, message):
    if fields == {"message": ""}:
        submit(crew, "message", "hall", message="Hello")
        submit(crew, "message", "hall", message="")

    page = submit(crew, button, "hall", status=400, **fields)

    assert message in page.html.select_one("[role=alert]").text.lower()


def test_changes_are_undone_one_by_one(crew, rows, live):
    submit(crew, "title", "hall", title="Aula")
    submit(crew, "close", "lab")
    submit(crew, "undo")

    assert not json.loads(crew.get("/streams.json").text)["rooms"]["lab"]["live"]
    assert crew.get("/admin/rooms").html.select_one("h2 + p").text.startswith("hall title: Aula")
    submit(crew, "undo")

    wait_for(lambda: "Great Hall" in live.get("/hall").text)
    assert "Undo it" not in crew.get("/admin/rooms").text
    assert [row["action"] for row in rows(AuditEntry)][-2:] == ["site.undo", "site.undo"]


def test_room_returns_to_the_configuration(crew, live):
    submit(crew, "title", "hall", title="Aula")
    submit(crew, "message", "hall", message="Hello")
    submit(crew, "reset", "hall")

    assert "Great Hall" in crew.get("/admin/rooms").text
    wait_for(lambda: "Great Hall" in live.get("/hall").text)
    assert live.get("/hall").html.select(".room-message") == []


def test_viewer_of_the_crew_changes_nothing(log_in, tmp_path):
    vera = log_in("viewer")
    page = vera.get("/admin/rooms")
    assert page.html.select("main form, section form") == []
    token = page.html.select_one("[name=csrf_token]")["value"]

    fields = {"csrf_token": token, "room": "hall", "title": "Mine", "do": "title"}
    vera.post("/admin/rooms", fields, status=403)
    vera.post("/admin/rooms", {"room": "hall", "do": "close"}, status="4*")
    assert not (tmp_path / "config.overrides.json").exists()


def test_damaged_file_is_refused_and_the_page_says_so(crew, live, tmp_path):
    submit(crew, "title", "hall", title="Aula")
    wait_for(lambda: "Aula" in live.get("/hall").text)
    (tmp_path / "config.overrides.json").write_text('{"rooms": {"hall": {"secret": 1}}')
    (tmp_path / "workers" / "reload").touch()

    wait_for(lambda: "what the crew's pages write" in crew.get("/admin").html.text)
    assert "what the crew's pages write" in crew.get("/admin/rooms").html.text
    assert "Aula" in live.get("/hall").text


def test_room_that_the_organisers_removed_is_no_error(crew, tmp_path):
    submit(crew, "title", "lab", title="Laboratory")
    document = json.loads((tmp_path / "config.json").read_text())
    del document["lab"]
    (tmp_path / "config.json").write_text(json.dumps(document))
    (tmp_path / "workers" / "reload").touch()

    wait_for(lambda: "lab" not in crew.get("/streams.json").json["rooms"])
    submit(crew, "title", "hall", title="Aula")


class TestImport:
    def test_import_is_requested_and_its_report_shown(self, crew, schedule_file, tmp_path, rows):
        assert "no report" in crew.get("/admin/rooms").text
        submit(crew, "import")
        assert (tmp_path / "workers" / "import").exists()
        assert rows(AuditEntry)[-1]["action"] == "schedule.import"

        at = datetime.now(UTC)
        report = ImportReport(
            at=at,
            feeds=("https://feed.example: json, 3 of 4 entries for hall",),
            warnings=(f"odd {EVIL}",),
            skipped=("line 4: 'x': no start",),
            changes=tuple(f"new: Talk {number}" for number in range(MAX_LINES + 5)),
        )
        save_report(report, schedule_file)
        page = crew.get("/admin/rooms")
        assert "1 warnings" in page.text
        assert EVIL not in page.text
        assert f"odd {EVIL}" in page.html.select_one("#import").text
        assert "and 5 more" in page.text

        save_report(ImportReport(at=at + timedelta(1), error="it is gone"), schedule_file)
        assert "It failed, and the schedule before stays: it is gone" in crew.get(
            "/admin/rooms"
        ).html.select_one("#import").text.replace("\n", " ")

    def test_import_without_the_folder_of_the_workers_is_refused(self, log_in):
        crew = log_in(**{"workers.folder": ""})

        page = submit(crew, "import", status=400)

        assert "Workers.folder is missing" in page.html.select_one("[role=alert]").text


@pytest.fixture
def run(tmp_path, settings, database):
    """Return a function that runs a command on the same site."""
    common = "".join(f"{key} = {value}\n" for key, value in settings.items())
    (tmp_path / "site.ini").write_text(
        f"[DEFAULT]\n{common}"
        "[app:frontend]\nuse = egg:streaming-system#frontend\n"
        "[app:tracker]\nuse = egg:streaming-system#tracker\n"
        f"sqlalchemy.url = {database}\n".replace("%", "%%")
    )

    def run(*arguments):
        return CliRunner().invoke(cli, ["-c", str(tmp_path / "site.ini"), *arguments])

    return run


def test_command_line_does_what_the_page_does(run, tmp_path, rows):
    for arguments, line in (
        (("hall", "--title", "Aula"), "The title of hall is changed."),
        (("hall", "--close"), "The state of hall is changed."),
        (("hall", "--move", "1"), "hall is moved down."),
        (("lab", "--message", "Soon"), "The message of lab is changed."),
    ):
        assert run("admin", "room", *arguments).output == f"{line}\n"

    shown = run("config", "show").output
    assert f'  title = "Aula"  ({tmp_path / "config.overrides.json"})' in shown
    assert f'  title = "Tube"  ({tmp_path / "config.json"}:' in shown
    assert "order of the rooms: lab, hall, tube" in shown
    assert "s3cret" not in shown
    assert "by cli:" in shown
    assert "lab message: Soon" in shown

    assert run("admin", "undo").output == "Undone: lab message: Soon.\n"
    assert run("admin", "room", "hall", "--reset").exit_code == 0
    assert len({row["account"] for row in rows(AuditEntry)}) == 1
    for wrong in (("none", "--close"), ("hall", "--title", ""), ("hall", "--sources", "{")):
        result = run("admin", "room", *wrong)
        assert result.exit_code == 1
        assert len(result.output.splitlines()) == 1
    assert run("admin", "room", "hall").exit_code == 2
