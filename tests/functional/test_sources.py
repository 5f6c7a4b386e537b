"""Rooms whose source changes by the clock: pages, apps and the tracker say the same."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from webtest import TestApp

from streaming_system import tracker as tracker_app

from .conftest import SECRET
from .pages import NOW, streams_document

# The pages' clock stands at NOW, which is 10:20 in Sydney.
SOURCES = [
    {"from": "2026-11-24T10:00", "youtube": "morning"},
    {"from": "2026-11-24T11:00", "url": "https://cdn.example/{room}/"},
    {"from": "2026-11-24T12:00", "until": "2026-11-24T13:00", "iframe": "https://v.example/1"},
]
LATER = {"youtube": 0, "url": 45, "iframe": 110, "": 170}


@pytest.fixture
def conference(conference, tmp_path):
    path = tmp_path / "config.json"
    document = json.loads(path.read_text())
    document["hall"]["sources"] = SOURCES
    path.write_text(json.dumps(document))
    return conference


@pytest.fixture
def at(clock):
    """Return a function that moves the clock to when a kind of source is on."""

    def at(kind):
        clock["now"] = NOW + timedelta(minutes=LATER[kind])

    return at


def stage(site):
    return site.get("/hall").html.select_one(".stage")


class TestPages:
    def test_the_stage_shows_what_is_on(self, site, at):
        assert stage(site).select_one("[data-youtube]")["data-youtube"] == "morning"
        at("url")
        shown = stage(site)
        assert shown.select("[data-youtube]") == []
        assert shown.select_one("source")["src"] == "https://cdn.example/hall/stream.m3u8"
        at("iframe")
        link = stage(site).select_one("[data-frame]")
        assert (link["data-frame"], link["href"]) == ("https://v.example/1",) * 2
        assert link.get_text() == "Watch on v.example"
        at("")
        assert "That was all from Great Hall." in stage(site).get_text()

    def test_the_stage_has_a_name_for_each_source(self, site, at):
        names = []
        for kind in LATER:
            at(kind)
            names.append(stage(site)["data-source"])

        assert names == [
            "youtube:morning",
            "url:https://cdn.example/{room}/",
            "iframe:https://v.example/1",
            "",
        ]

    def test_the_page_knows_when_to_look_again(self, site, clock):
        clock["now"] = NOW + timedelta(minutes=25)
        about = site.get("/hall").html.select_one("[data-refresh=now]")
        assert about["data-changes"] == "2026-11-24T00:00:00+00:00"

        # In the middle of a talk.
        clock["now"] = datetime(2026, 11, 24, 0, 59, tzinfo=UTC)
        about = site.get("/hall").html.select_one("[data-refresh=now]")
        assert about["data-changes"] == "2026-11-24T01:00:00+00:00"

    def test_a_page_may_frame_all_that_it_will_ever_show(self, site):
        policy = site.get("/hall").headers["Content-Security-Policy"]

        framed = next(part for part in policy.split("; ") if part.startswith("frame-src "))
        assert {"https://v.example", "https://www.youtube-nocookie.com"} <= set(framed.split())
        assert "frame-src" not in site.get("/lab").headers["Content-Security-Policy"]

    def test_servers_are_not_used_while_a_source_is_on(self, make_site, stub_tracker, at):
        stub_tracker.document = streams_document(hall=["webm_high"])
        site = make_site(**{"tracker.internal_url": stub_tracker.url})

        assert stage(site).select("video") == []
        at("")
        assert stage(site).select_one("source")["src"].startswith("http://192.0.2.5:8080/")

    def test_a_room_is_live_while_a_source_is_on(self, make_site, stub_tracker, at):
        stub_tracker.document = streams_document(hall=None)
        site = make_site(**{"tracker.internal_url": stub_tracker.url})

        for kind, live in (("youtube", "true"), ("iframe", "true"), ("", "false")):
            at(kind)
            assert stage(site)["data-live"] == live


class TestApps:
    def test_the_document_and_the_playlist_follow(self, site, at):
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
        """Return a function that starts a tracker whose hall is on one source, or on none."""
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
                {"iframe": "https://v.example/1"},
                None,
                {"kind": "iframe", "iframe": "https://v.example/1"},
                "''",
            ),
        ],
    )
    def test_it_names_the_source_that_is_on_and_no_endpoint(
        self, tracker_at, source, youtube, place, script
    ):
        tracker = tracker_at(**source)

        one = tracker.get("/hall/streams.json").json
        assert (one["live"], one["endpoints"], one["fallbacks"]) == (True, [], [place])
        listed = tracker.get("/streams.json").json["rooms"]["hall"]
        assert (listed["live"], listed["youtube"], listed["endpoints"]) == (True, youtube, [])
        # Who has begun to watch a server is still counted.
        assert listed["clients"] == 3
        old = tracker.get("/hall/stream.js").text
        assert old == f"var streamer_hall = new Streams({script});\n"

    def test_it_names_endpoints_again_when_the_source_is_over(self, tracker_at):
        over = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
        tracker = tracker_at(youtube="now", until=over)

        one = tracker.get("/hall/streams.json").json
        assert (one["live"], len(one["endpoints"]), one["fallbacks"]) == (True, 1, [])
