"""What apps, players and TV sets read: shapes, and what each of them needs."""

import json
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

from streaming_system.frontend.streams_v2 import mandator_slug

from .pages import NOW, told

NASTY = "</script><b>"


@pytest.fixture(scope="session")
def valid():
    """Return a function that makes sure that a document is what its schema promises."""
    folder = Path(__file__).parents[2] / "src/streaming_system/frontend/static"
    schema = json.loads((folder / "streams-v2.schema.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)

    def valid(document):
        assert [error.message for error in validator.iter_errors(document)] == []
        return document

    return valid


@pytest.fixture
def v2(valid):
    def v2(site, **more):
        return valid(site.get("/streams/v2.json", **more).json)

    return v2


def rooms(document):
    return {r["slug"]: r for c in document for g in c["groups"] for r in g["rooms"]}


class TestV2:
    def test_a_live_room_has_its_talks_and_streams(self, live_site, v2):
        [event] = v2(live_site)
        hall = rooms([event])["hall"]

        assert {key: event[key] for key in ("mandator", "slug", "conference")} == {
            "mandator": "testconf",
            "slug": "testconf",
            "conference": "Test Conf",
        }
        assert event["isCurrentlyStreaming"] is True
        assert (event["startsAt"], event["timezone"]) == (
            "2026-11-24T10:00:00+1100",
            "Australia/Sydney",
        )
        assert event["schedule"] == "http://localhost/schedule.xml"
        assert hall["link"] == "http://localhost/testconf/hall"
        assert (hall["display"], hall["status"]) == ("Great Hall", "live")
        talk = hall["talks"]["current"]
        assert (talk["title"], talk["speaker"], talk["optout"], talk["fstart"]) == (
            "Keynote & more",
            "Ada, Bo",
            True,
            "2026-11-24T10:00:00+11:00",
        )
        assert (talk["end"] - talk["start"], talk["duration"], talk["offset"]) == (
            3600,
            3600,
            39600,
        )
        assert hall["talks"]["next"]["title"] == "<b>Panel</b>"
        assert [
            (s["slug"], s["type"], s["videoSize"], list(s["urls"])) for s in hall["streams"]
        ] == [
            ("audio-native", "audio", None, ["ogg"]),
            ("hd-native", "video", [1920, 1080], ["webm"]),
        ]
        assert hall["streams"][1]["urls"]["webm"]["url"].startswith("http://192.0.2.5:8080/")

    def test_dash_and_opus_are_there(self, make_site, tracker_says, v2):
        tracker_says.says = told(hall=["dash", "opus"])

        site = make_site(**{"tracker.internal_url": tracker_says.url})

        streams = rooms(v2(site))["hall"]["streams"]
        assert [(s["slug"], s["type"], s["videoSize"], list(s["urls"])) for s in streams] == [
            ("dash-native", "dash", None, ["dash"]),
            ("audio-native", "audio", None, ["ogg"]),
        ]

    def test_a_room_that_does_not_stream_has_every_key_and_no_stream(self, live_site, v2):
        lab = rooms(v2(live_site))["lab"]

        assert (lab["status"], lab["streams"]) == ("offline", [])
        assert lab["talks"]["current"]["special"] == "gap"
        assert lab["talks"]["next"]["title"] == "Soldering"

    def test_without_a_tracker_the_shape_is_the_same(self, site, v2):
        found = rooms(v2(site))

        assert {room["status"] for room in found.values()} == {"unknown", "live"}
        assert found["hall"]["streams"] == []

    def test_an_event_that_is_over_and_streams_no_more_is_not_listed(
        self,
        make_site,
        tracker_says,
        clock,
        v2,
    ):
        clock["now"] = NOW + timedelta(days=30)
        tracker_says.says = told(hall=None, lab=None)
        site = make_site(**{"tracker.internal_url": tracker_says.url})

        assert v2(site) == []

    def test_the_newest_event_that_has_begun_comes_first(self, conference, make_site, clock, v2):
        path = Path(conference["config.public"])
        document = json.loads(path.read_text())
        document["lab"]["conference"] = "A Later Conf"
        path.write_text(json.dumps(document))

        assert [event["conference"] for event in v2(make_site())] == ["Test Conf"]
        clock["now"] = NOW + timedelta(hours=1)
        assert [event["conference"] for event in v2(make_site())] == ["A Later Conf", "Test Conf"]

    def test_an_event_cannot_take_an_address_of_the_site_s_own(self):
        assert mandator_slug("Static") == "staticevent"

    def test_sixty_rooms_with_nasty_names_are_still_that_document(
        self,
        conference,
        make_site,
        tracker_says,
        v2,
    ):
        path = Path(conference["config.public"])
        document = json.loads(path.read_text())
        document |= {f"room{n}": {"title": NASTY, "conference": NASTY} for n in range(60)}
        path.write_text(json.dumps(document))
        tracker_says.says = told(**{f"room{n}": ["webm_high"] for n in range(60)})

        found = v2(make_site(**{"tracker.internal_url": tracker_says.url}))

        events = {event["mandator"]: event for event in found}
        assert sorted(events) == ["scriptb", "testconf"]
        assert {room["display"] for room in rooms([events["scriptb"]]).values()} == {NASTY}

    def test_programs_of_any_site_may_have_it_and_need_not_have_it_twice(self, site):
        answer = site.get("/streams/v2.json")
        again = site.get("/streams/v2.json", headers={"If-None-Match": answer.headers["ETag"]})

        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.cache_control.max_age == 1
        assert (again.status_int, again.body) == (304, b"")

    def test_what_is_wrong_is_told_in_json_too(self, site):
        answer = site.get("/streams/v2.json?delta=x", status=400)

        assert answer.content_type == "application/json"
        assert "delta" in answer.json["error"]
        for missing in (
            site.get("/streams/v1.json", status=404),
            site.post("/streams/v2.json", status=404),
        ):
            assert missing.json == {"error": "there is nothing at this address"}

    def test_the_schema_is_served(self, site):
        answer = site.get("/streams/v2.schema.json")

        assert answer.content_type == "application/schema+json"
        assert answer.json["type"] == "array"

    def test_a_link_leads_to_its_room(self, live_site, v2):
        link = rooms(v2(live_site))["hall"]["link"]

        page = live_site.get(link.removeprefix("http://localhost"), status=302).follow()
        assert page.html.select_one("[data-room=hall]") is not None
        live_site.get("/otherconf/hall", status=404)
        live_site.get("/testconf/nowhere", status=404)


class TestWhatAppsNeed:
    """Each reads the document as its app does, as far as its code is known."""

    def test_kodi_finds_a_title_and_a_video(self, live_site, v2):
        for event in v2(live_site):
            for group in event["groups"]:
                assert isinstance(group["group"], str)
                for room in group["rooms"]:
                    assert room["slug"]
                    assert room["display"]
                    current = (room.get("talks") or {}).get("current") or {}
                    assert isinstance(current.get("title", ""), str)
                    for stream in room["streams"]:
                        assert isinstance(stream["isTranslated"], bool)
                        assert all(url["url"] for url in stream["urls"].values())
                        if stream["type"] == "video":
                            assert stream["videoSize"][1] in (576, 1080)

    def test_newpipe_finds_the_room_by_its_link(self, live_site, v2):
        for event in v2(live_site):
            for room in rooms([event]).values():
                page = "/".join(room["link"].split("/")[-2:])
                assert page == f"{event['mandator']}/{room['slug']}"
                assert page == f"{event['slug']}/{room['slug']}"

    def test_chaosflix_gets_texts_where_it_knows_no_null(self, live_site, v2):
        for event in v2(live_site):
            assert all(isinstance(event[key], str) for key in ("author", "description", "keywords"))


class TestPlaylists:
    def test_a_room_s_streams_are_listed_for_vlc(self, live_site):
        answer = live_site.get("/hall/stream.m3u")

        assert answer.content_type == "audio/x-mpegurl"
        assert answer.text.splitlines() == [
            "#EXTM3U",
            "#EXTINF:-1,Great Hall – High quality, WebM",
            "http://192.0.2.5:8080/webcast-high.webm",
            "#EXTINF:-1,Great Hall – Audio only, Ogg",
            "http://192.0.2.5:8080/webcast.ogg",
        ]

    def test_all_live_rooms_are_in_one_list(self, live_site):
        lines = live_site.get("/streams.m3u").text.splitlines()

        assert [line for line in lines if line.startswith("http")] == [
            "http://192.0.2.5:8080/webcast-high.webm"
        ]
        assert "# Lab does not stream now." in lines

    def test_a_server_s_address_cannot_leave_its_line(self, make_site, tracker_says):
        tracker_says.says = told(hall=["webm_high"])
        [server] = tracker_says.says["rooms"]["hall"]["endpoints"]
        server["url"] = "http://192.0.2.5/\nfile:///etc/passwd#"
        site = make_site(**{"tracker.internal_url": tracker_says.url})

        assert "passwd" not in site.get("/hall/stream.m3u").text

    def test_streams_of_a_cdn_stand_in_when_no_server_is_there(self, conference, make_site):
        path = Path(conference["config.public"])
        document = json.loads(path.read_text())
        document["lab"]["fallbacks"] = ["https://cdn.example.org/{room}/"]
        path.write_text(json.dumps(document))

        text = make_site().get("/lab/stream.m3u").text

        assert "https://cdn.example.org/lab/webcast-high.webm" in text

    def test_hls_is_where_the_configuration_says(self, conference, make_site, tracker_says):
        path = Path(conference["config.public"])
        document = json.loads(path.read_text())
        document["config"]["hls-playlist"] = "{room}/master.m3u8"
        path.write_text(json.dumps(document))
        tracker_says.says = told(hall=["hls"])
        site = make_site(**{"tracker.internal_url": tracker_says.url})

        text = site.get("/hall/stream.m3u").text
        [event] = site.get("/streams/v2.json").json

        place = "http://192.0.2.5:8080/hall/master.m3u8"
        assert place in text.splitlines()
        [stream] = rooms([event])["hall"]["streams"]
        assert stream["urls"]["hls"]["url"] == place


class TestAtom:
    def test_now_and_next_are_entries(self, site):
        answer = site.get("/hall/atom")
        feed = ElementTree.fromstring(answer.body)
        atom = "{http://www.w3.org/2005/Atom}"

        assert answer.content_type == "application/atom+xml"
        assert [entry.findtext(f"{atom}title") for entry in feed.findall(f"{atom}entry")] == [
            "Now: Keynote & more",
            "Next: 30 minute break",
        ]
        updated = [element.text for element in feed.iter(f"{atom}updated")]
        assert max(updated) <= NOW.isoformat()
        for element in (feed, *feed.findall(f"{atom}entry")):
            for name in ("id", "title", "updated"):
                assert element.findtext(atom + name), name
        assert feed.findtext(f"{atom}author/{atom}name") == "Test Conf"

    def test_the_room_page_names_it(self, site):
        page = site.get("/hall").html

        assert page.select_one('link[type="application/atom+xml"]')["href"] == "/hall/atom"
