"""Scheduled sources of a room: pages, apps and the tracker use the same one."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from webtest import TestApp

from streaming_system import tracker as tracker_app

from .conftest import SECRET
from .pages import NOW, streams_document

# The clock of the pages is frozen at NOW, which is 10:20 in Sydney.
SOURCES = [
    {"from": "2026-11-24T10:00", "youtube": "morning"},
    {"from": "2026-11-24T11:00", "url": "https://cdn.example/{room}/"},
    {"from": "2026-11-24T12:00", "until": "2026-11-24T13:00", "iframe": "https://v.example/1"},
]
MINUTES_UNTIL = {"youtube": 0, "url": 45, "iframe": 110, "": 170}


@pytest.fixture
def conference(conference, tmp_path):
    path = tmp_path / "config.json"
    document = json.loads(path.read_text())
    document["hall"]["sources"] = SOURCES
    path.write_text(json.dumps(document))
    return conference


@pytest.fixture
def at(clock):
    """Return a function that sets the clock to the time of a kind of source."""

    def at(kind):
        clock["now"] = NOW + timedelta(minutes=MINUTES_UNTIL[kind])

    return at


def stage(site):
    return site.get("/hall").html.select_one(".stage")


class TestPages:
    def test_stage_shows_the_current_source(self, site, at):
        assert stage(site).select_one("[data-youtube]")["data-youtube"] == "morning"
        at("url")
        video_stage = stage(site)
        assert video_stage.select("[data-youtube]") == []
        assert video_stage.select_one("source")["src"] == "https://cdn.example/hall/stream.m3u8"
        at("iframe")
        link = stage(site).select_one("[data-frame]")
        assert (link["data-frame"], link["href"]) == ("https://v.example/1",) * 2
        assert link.get_text() == "Watch on v.example"
        at("")
        assert "The programme in Great Hall has ended." in stage(site).get_text()

    def test_stage_has_a_name_for_each_source(self, site, at):
        names = []
        for kind in MINUTES_UNTIL:
            at(kind)
            names.append(stage(site)["data-source"])

        assert names == [
            "youtube:morning",
            "url:https://cdn.example/{room}/",
            "iframe:https://v.example/1",
            "",
        ]

    def test_page_has_the_time_of_the_next_change(self, site, clock):
        clock["now"] = NOW + timedelta(minutes=25)
        refresh = site.get("/hall").html.select_one("[data-refresh=now]")
        assert refresh["data-changes"] == "2026-11-24T00:00:00+00:00"

        # A talk is running.
        clock["now"] = datetime(2026, 11, 24, 0, 59, tzinfo=UTC)
        refresh = site.get("/hall").html.select_one("[data-refresh=now]")
        assert refresh["data-changes"] == "2026-11-24T01:00:00+00:00"

    def test_page_may_frame_all_scheduled_sources(self, site):
        policy = site.get("/hall").headers["Content-Security-Policy"]

        frame_sources = next(part for part in policy.split("; ") if part.startswith("frame-src "))
        assert {"https://v.example", "https://www.youtube-nocookie.com"} <= set(
            frame_sources.split()
        )
        assert "frame-src" not in site.get("/lab").headers["Content-Security-Policy"]

    def test_endpoints_are_not_used_during_a_source(self, make_site, stub_tracker, at):
        stub_tracker.document = streams_document(hall=["webm_high"])
        site = make_site(**{"tracker.internal_url": stub_tracker.url})

        assert stage(site).select("video") == []
        at("")
        assert stage(site).select_one("source")["src"].startswith("http://192.0.2.5:8080/")

    def test_room_is_live_during_a_source(self, make_site, stub_tracker, at):
        stub_tracker.document = streams_document(hall=None)
        site = make_site(**{"tracker.internal_url": stub_tracker.url})

        for kind, live in (("youtube", "true"), ("iframe", "true"), ("", "false")):
            at(kind)
            assert stage(site)["data-live"] == live


PLAYLIST = "https://cdn.example/hall/index.m3u8?token=abc&e=1"


class TestWholePlaylist:
    @pytest.fixture
    def conference(self, conference, tmp_path):
        path = tmp_path / "config.json"
        document = json.loads(path.read_text())
        document["hall"] |= {"sources": [], "fallbacks": [PLAYLIST]}
        path.write_text(json.dumps(document))
        return conference

    def test_pages_and_apps_open_it_as_it_is(self, site):
        assert [source["src"] for source in stage(site).select("source")] == [PLAYLIST]
        urls = [line for line in site.get("/hall/stream.m3u").text.splitlines() if "://" in line]
        assert urls == [PLAYLIST]
        assert "cdn.example/hall/webcast" not in site.get("/streams/v2.json").text


class TestApps:
    def test_document_and_playlist_use_the_current_source(self, site, at):
        def hall():
            [event] = site.get("/streams/v2.json").json
            return next(r for r in event["groups"][0]["rooms"] if r["slug"] == "hall")

        assert hall()["youtube"] == "https://www.youtube.com/watch?v=morning"
        assert hall()["streams"] == []
        at("url")
        assert hall()["youtube"] is None
        assert hall()["streams"][-1]["urls"]["webm"]["url"].startswith("https://cdn.example/hall/")
        assert "https://cdn.example/hall/stream.m3u8" in site.get("/hall/stream.m3u").text
        at("iframe")
        assert (hall()["status"], hall()["streams"]) == ("live", [])


class TestTracker:
    @pytest.fixture
    def tracker_at(self, tracker_settings, tmp_path):
        """Return a function that starts a tracker with one current source in the hall."""
        apps = []

        def tracker_at(**source):
            start = datetime.now(UTC) - timedelta(hours=1)
            path = tmp_path / "config.json"
            document = json.loads(path.read_text())
            document["hall"]["sources"] = [{"from": start.isoformat(), **source}]
            path.write_text(json.dumps(document))
            app = TestApp(
                tracker_app.main({}, **tracker_settings),
                extra_environ={"REMOTE_ADDR": "203.0.113.1"},
            )
            apps.append(app)
            registration = {"secret": SECRET, "group": "hall", "data": '{"overall_clients": 3}'}
            assert app.post("/endpoint/register", registration).text == "OK\n"
            return app

        yield tracker_at
        for app in apps:
            app.app.registry["db.sessions"].kw["bind"].dispose()

    @pytest.mark.parametrize(
        ("source", "youtube", "place", "script"),
        [
            ({"youtube": "now"}, "now", {"kind": "youtube", "youtube": "now"}, "''"),
            (
                {"url": "https://cdn.example/{room}/"},
                None,
                {"kind": "url", "url": "https://cdn.example/hall/"},
                '"https://cdn.example/hall/"',
            ),
            (
                {"url": "https://cdn.example/{room}/index.m3u8?t=1"},
                None,
                {
                    "kind": "url",
                    "url": "https://cdn.example/hall/",
                    "formats": ["hls"],
                    "files": {"hls": "index.m3u8?t=1"},
                },
                "''",
            ),
            (
                {"iframe": "https://v.example/1"},
                None,
                {"kind": "iframe", "iframe": "https://v.example/1"},
                "''",
            ),
        ],
    )
    def test_tracker_returns_the_current_source_and_no_endpoint(
        self, tracker_at, source, youtube, place, script
    ):
        tracker = tracker_at(**source)

        room = tracker.get("/hall/streams.json").json
        assert (room["live"], room["endpoints"], room["fallbacks"]) == (True, [], [place])
        entry = tracker.get("/streams.json").json["rooms"]["hall"]
        assert (entry["live"], entry["youtube"], entry["endpoints"]) == (True, youtube, [])
        # Clients that still watch an endpoint are counted.
        assert entry["clients"] == 3
        script_text = tracker.get("/hall/stream.js").text
        assert script_text == f"var streamer_hall = new Streams({script});\n"

    def test_tracker_returns_endpoints_after_the_source(self, tracker_at):
        end = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
        tracker = tracker_at(youtube="now", until=end)

        room = tracker.get("/hall/streams.json").json
        assert (room["live"], len(room["endpoints"]), room["fallbacks"]) == (True, 1, [])
