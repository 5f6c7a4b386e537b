"""Pages of another site that ask the tracker: who may, by the ini."""

import pytest
from webtest import TestApp

from streaming_system import tracker as tracker_app

OURS, THEIRS = "https://live.example.org", "https://evil.example"
ANSWERS = ("/streams.json", "/hall/streams.json", "/api/v1/rooms", "/api/v1/openapi.json")


@pytest.fixture
def make_tracker(tracker_settings):
    made = []

    def make_tracker(**more):
        made.append(TestApp(tracker_app.main({}, **tracker_settings, **more)))
        return made[-1]

    yield make_tracker
    for app in made:
        app.app.registry["db.sessions"].kw["bind"].dispose()


def allowed(app, path, origin, method="GET"):
    answer = app.request(path, method=method, headers={"Origin": origin}, expect_errors=True)
    return answer.headers.get("Access-Control-Allow-Origin")


def test_only_the_sites_of_the_ini_may_read_answers(make_tracker):
    app = make_tracker(allowed_origins=f"{OURS} http://localhost:8000")

    for path in ANSWERS:
        assert (path, allowed(app, path, OURS)) == (path, OURS)
        assert (path, allowed(app, path, THEIRS)) == (path, None)
        assert "Origin" in app.get(path, expect_errors=True).headers["Vary"]
    # Browsers ask this before they send a report.
    assert allowed(app, "/api/v1/rooms/hall/playback", OURS, "OPTIONS") == OURS
    assert allowed(app, "/api/v1/rooms/hall/playback", THEIRS, "OPTIONS") is None


def test_everybody_may_where_the_ini_does_not_say(make_tracker):
    app = make_tracker()

    assert {allowed(app, path, THEIRS) for path in ANSWERS} == {"*"}


@pytest.mark.parametrize("value", ["live.example.org", "https://a.example/", "https://", "null"])
def test_what_is_no_origin_stops_the_start_in_one_line(make_tracker, value):
    with pytest.raises(SystemExit, match=r"allowed_origins.*such as https://live\.example\.org"):
        make_tracker(allowed_origins=value)
