"""CORS: the setting allowed_origins."""

import pytest
from webtest import TestApp

from streaming_system import tracker as tracker_app

ALLOWED, OTHER = "https://live.example.org", "https://evil.example"
PATHS = ("/streams.json", "/hall/streams.json", "/api/v1/rooms", "/api/v1/openapi.json")


@pytest.fixture
def make_tracker(tracker_settings):
    apps = []

    def make_tracker(**settings):
        apps.append(TestApp(tracker_app.main({}, **tracker_settings, **settings)))
        return apps[-1]

    yield make_tracker
    for app in apps:
        app.app.registry["db.sessions"].kw["bind"].dispose()


def allowed_origin(app, path, origin, method="GET"):
    response = app.request(path, method=method, headers={"Origin": origin}, expect_errors=True)
    return response.headers.get("Access-Control-Allow-Origin")


def test_only_allowed_origins_may_read_responses(make_tracker):
    app = make_tracker(allowed_origins=f"{ALLOWED} http://localhost:8000")

    for path in PATHS:
        assert (path, allowed_origin(app, path, ALLOWED)) == (path, ALLOWED)
        assert (path, allowed_origin(app, path, OTHER)) == (path, None)
        assert "Origin" in app.get(path, expect_errors=True).headers["Vary"]
    # Browsers send a preflight request before a report.
    assert allowed_origin(app, "/api/v1/rooms/hall/playback", ALLOWED, "OPTIONS") == ALLOWED
    assert allowed_origin(app, "/api/v1/rooms/hall/playback", OTHER, "OPTIONS") is None


def test_all_origins_are_allowed_by_default(make_tracker):
    app = make_tracker()

    assert {allowed_origin(app, path, OTHER) for path in PATHS} == {"*"}


@pytest.mark.parametrize("value", ["live.example.org", "https://a.example/", "https://", "null"])
def test_invalid_origin_stops_the_start_with_one_line(make_tracker, value):
    with pytest.raises(SystemExit, match=r"allowed_origins.*such as https://live\.example\.org"):
        make_tracker(allowed_origins=value)
