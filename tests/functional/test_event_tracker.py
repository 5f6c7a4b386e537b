"""One tracker for all conferences of a site: rooms with the same id stay apart."""

import json
import shutil
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from sqlalchemy.orm import Session
from timeouts import extended
from webtest import TestApp

from streaming_system import tracker as tracker_app
from streaming_system.tracker.models import TalkFeedback

from .conftest import SECRET
from .crew_pages import log_in_as
from .test_events import BERLIN, SYDNEY, talk, write_event

CHANGE_TIMEOUT = 60.0


@pytest.fixture
def settings(tmp_path, conference):
    """Two conferences that are on, and one of the past."""
    folder = tmp_path / "events"
    start = datetime.now(UTC) - timedelta(minutes=10)
    rooms = {"hall": {"fallbacks": ["group:spare"]}, "config": {"groups": ["spare"]}}
    write_event(folder, "ada-conf", {"hall": talk("Engines", start)}, BERLIN, **rooms)
    write_event(folder, "bob", {"hall": talk("Bridges", start)}, SYDNEY)
    write_event(folder, "old", {"hall": talk("History", start - timedelta(days=14))}, SYDNEY)
    return conference | {
        "events.folder": str(folder),
        "schedule.file": str(tmp_path / "schedule.json"),
        "workers.folder": str(tmp_path / "workers"),
        "session.secure": "false",
        "limit.logins": "off",
    }


@pytest.fixture
def tracker(app_pool, settings, database):
    app = app_pool.get(tracker_app.main, settings | {"sqlalchemy.url": database})
    return TestApp(app, extra_environ={"REMOTE_ADDR": "203.0.113.1"})


@pytest.fixture
def crew(tracker):
    """The tracker in the browser of a crew member."""
    log_in_as(tracker)
    return tracker


def register(tracker, room, expected="OK"):
    data = json.dumps({"overall_clients": 3, "overall_bitrate": 1000, "overall_cbitrate": 1000})
    form = {"secret": SECRET, "group": room, "data": data}
    response = tracker.post("/endpoint/register", form, status=200)
    assert response.text.startswith(expected)


def live_rooms(tracker):
    rooms = tracker.get("/streams.json").json["rooms"]
    return {room for room, values in rooms.items() if values["live"] and not values["youtube"]}


def wait_for(condition):
    deadline = time.monotonic() + extended(CHANGE_TIMEOUT)
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_rooms_with_the_same_id_stay_apart(tracker):
    register(tracker, "ada_conf__hall")

    assert live_rooms(tracker) == {"ada_conf__hall"}
    rooms = {room["room"]: room for room in tracker.get("/api/v1/rooms").json["rooms"]}
    assert rooms.keys() >= {"hall", "ada_conf__hall", "bob__hall"}
    # An archive needs no encoders, and other names are unknown.
    assert "old__hall" not in rooms
    register(tracker, "eve__hall", "ERROR GROUP")


def test_fallback_group_is_one_of_the_conference(tracker):
    register(tracker, "ada_conf__spare")

    endpoints = tracker.get("/ada_conf__hall/streams.json").json["endpoints"]
    assert len(endpoints) == 1
    assert tracker.get("/bob__hall/streams.json").json["endpoints"] == []


def test_feedback_belongs_to_the_talk_of_its_conference(app_pool, settings, database, tmp_path):
    for name in ("ada-conf", "bob"):
        path = tmp_path / "events" / name / "config.json"
        config = json.loads(path.read_text())
        config["default"]["feedback"] = "internal"
        path.write_text(json.dumps(config))
    app = app_pool.get(tracker_app.main, settings | {"sqlalchemy.url": database})
    viewers = TestApp(app, extra_environ={"REMOTE_ADDR": "203.0.113.1"})
    body = {"stars": 4, "browser": 32 * "0"}

    viewers.post_json("/api/v1/talks/ada_conf__guid-of-every-talk/feedback", body)
    redirect = viewers.post("/talk/bob__guid-of-every-talk/feedback", {"stars": "2"}, status=303)
    viewers.post_json("/api/v1/talks/guid-of-every-talk/feedback", body, status=404)

    assert urlsplit(redirect.location).path == "/bob/talk/guid-of-every-talk"
    with Session(app.registry["db.sessions"].kw["bind"]) as db:
        rows = db.query(TalkFeedback.conference, TalkFeedback.title, TalkFeedback.stars).all()
    assert sorted(rows) == [("ada-conf", "Engines", 4), ("bob", "Bridges", 2)]


def test_talk_without_stream_is_an_incident_of_its_conference(tracker):
    register(tracker, "bob__hall")

    incidents = tracker.get("/api/v1/incidents").json["incidents"]
    found = {one["room"]: one for one in incidents}

    assert set(found) == {"ada_conf__hall"}
    assert found["ada_conf__hall"]["preview"] == "/ada-conf/preview/hall-large.jpg"


def test_folder_added_while_live_has_rooms(tracker, settings, tmp_path):
    register(tracker, "new__lab", "ERROR GROUP")
    start = datetime.now(UTC) - timedelta(minutes=10)
    folder = tmp_path / "events"
    write_event(folder, "new", {"lab": talk("Novelty", start)}, BERLIN)
    trigger = tmp_path / "workers/reload"
    trigger.parent.mkdir(exist_ok=True)
    trigger.touch()
    wait_for(lambda: "new__lab" in tracker.get("/streams.json").json["rooms"])
    register(tracker, "new__lab")

    # A broken one leaves everything in service.
    (folder / "bob/config.json").write_text("{")
    shutil.rmtree(folder / "new")
    trigger.write_text("again")
    wait_for(lambda: "new__lab" not in tracker.get("/streams.json").json["rooms"])
    assert "bob__hall" in tracker.get("/streams.json").json["rooms"]


def test_crew_changes_a_room_of_a_conference(crew, settings, make_site, tmp_path):
    site = make_site(**settings)
    assert "Full" not in site.get("/bob/hall").text
    page = crew.get("/admin/rooms")
    assert "ada_conf__hall" in page.text
    assert "bob__hall" in page.text
    for key, value in (("title", "bob: Aula"), ("message", "Full house")):
        form = form_with(crew, key, room="bob__hall")
        form[key].force_value(value)
        form.submit("do", value=key, status=303)
    overrides = json.loads((tmp_path / "config.overrides.bob.json").read_text())
    assert overrides["rooms"] == {"hall": {"title": "Aula", "message": "Full house"}}
    (tmp_path / "workers/bob").mkdir(parents=True, exist_ok=True)
    (tmp_path / "workers/bob/reload").touch()
    wait_for(lambda: "Full house" in site.get("/bob/hall").text)
    assert "Full house" not in site.get("/hall").text
    assert "Full house" not in site.get("/ada-conf/hall").text
    assert "bob__hall message: Full house" in crew.get("/admin/rooms").text

    form_with(crew, "undo").submit("do", value="undo", status=303)
    wait_for(lambda: "Full house" not in site.get("/bob/hall").text)


def form_with(crew, button, room=""):
    """Return the form with a button."""
    for form in crew.get("/admin/rooms").forms.values():
        values = [field._value for field in form.fields.get("do", [])]
        if button in values and (not room or form["room"].value == room):
            return form
    raise AssertionError(f"there is no form with the button {button}")


def test_import_is_requested_for_all_conferences(crew, tmp_path):
    form_with(crew, "import").submit("do", value="import", status=303)

    workers = tmp_path / "workers"
    assert all((workers / name).exists() for name in ("import", "ada-conf/import", "bob/import"))
