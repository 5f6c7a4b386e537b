"""streams/v2.json, playlists and feeds for apps, players and TV sets."""

import json
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

from streaming_system.frontend.streams_v2 import mandator_slug

from .pages import NOW, streams_document

NASTY = "</script><b>"


@pytest.fixture(scope="session")
def valid():
    """Return a function that validates a document and returns it."""
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
    def test_v2_lists_talks_and_streams_of_live_room(self, live_site, v2):
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

    def test_v2_lists_dash_and_opus(self, make_site, stub_tracker, v2):
        stub_tracker.document = streams_document(hall=["dash", "opus"])

        site = make_site(**{"tracker.internal_url": stub_tracker.url})

        streams = rooms(v2(site))["hall"]["streams"]
        assert [(s["slug"], s["type"], s["videoSize"], list(s["urls"])) for s in streams] == [
            ("dash-native", "dash", None, ["dash"]),
            ("audio-native", "audio", None, ["ogg"]),
        ]

    def test_v2_room_without_stream_has_all_keys(self, live_site, v2):
        lab = rooms(v2(live_site))["lab"]

        assert (lab["status"], lab["streams"]) == ("offline", [])
        assert lab["talks"]["current"]["special"] == "gap"
        assert lab["talks"]["next"]["title"] == "Soldering"

    def test_v2_without_tracker_is_valid(self, site, v2):
        found = rooms(v2(site))

        assert {room["status"] for room in found.values()} == {"unknown", "live"}
        assert found["hall"]["streams"] == []

    def test_v2_omits_past_event_without_stream(
        self,
        make_site,
        stub_tracker,
        clock,
        v2,
    ):
        clock["now"] = NOW + timedelta(days=30)
        stub_tracker.document = streams_document(hall=None, lab=None)
        site = make_site(**{"tracker.internal_url": stub_tracker.url})

        assert v2(site) == []

    def test_v2_lists_latest_started_event_first(self, conference, make_site, clock, v2):
        path = Path(conference["config.public"])
        document = json.loads(path.read_text())
        document["lab"]["conference"] = "A Later Conf"
        path.write_text(json.dumps(document))

        assert [event["conference"] for event in v2(make_site())] == ["Test Conf"]
        clock["now"] = NOW + timedelta(hours=1)
        assert [event["conference"] for event in v2(make_site())] == ["A Later Conf", "Test Conf"]

    def test_event_slug_avoids_reserved_paths(self):
        assert mandator_slug("Static") == "staticevent"

    def test_v2_with_sixty_hostile_room_names_is_valid(
        self,
        conference,
        make_site,
        stub_tracker,
        v2,
    ):
        path = Path(conference["config.public"])
        document = json.loads(path.read_text())
        document |= {f"room{n}": {"title": NASTY, "conference": NASTY} for n in range(60)}
        path.write_text(json.dumps(document))
        stub_tracker.document = streams_document(**{f"room{n}": ["webm_high"] for n in range(60)})

        found = v2(make_site(**{"tracker.internal_url": stub_tracker.url}))

        events = {event["mandator"]: event for event in found}
        assert sorted(events) == ["scriptb", "testconf"]
        assert {room["display"] for room in rooms([events["scriptb"]]).values()} == {NASTY}

    def test_v2_allows_all_origins_and_has_an_etag(self, site):
        response = site.get("/streams/v2.json")
        again = site.get("/streams/v2.json", headers={"If-None-Match": response.headers["ETag"]})

        assert response.headers["Content-Type"] == "application/json"
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert response.cache_control.max_age == 1
        assert (again.status_int, again.body) == (304, b"")

    def test_v2_errors_are_json(self, site):
        response = site.get("/streams/v2.json?delta=x", status=400)

        assert response.content_type == "application/json"
        assert "delta" in response.json["error"]
        for missing in (
            site.get("/streams/v1.json", status=404),
            site.post("/streams/v2.json", status=404),
        ):
            assert missing.json == {"error": "there is nothing at this address"}

    def test_v2_schema_is_served(self, site):
        response = site.get("/streams/v2.schema.json")

        assert response.content_type == "application/schema+json"
        assert response.json["type"] == "array"

    def test_v2_link_redirects_to_room(self, live_site, v2):
        link = rooms(v2(live_site))["hall"]["link"]

        page = live_site.get(link.removeprefix("http://localhost"), status=302).follow()
        assert page.html.select_one("[data-room=hall]") is not None
        live_site.get("/otherconf/hall", status=404)
        live_site.get("/testconf/nowhere", status=404)


class TestAppCompatibility:
    """Each test reads the document like the app."""

    def test_kodi_finds_title_and_video(self, live_site, v2):
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

    def test_newpipe_finds_room_by_link(self, live_site, v2):
        for event in v2(live_site):
            for room in rooms([event]).values():
                page = "/".join(room["link"].split("/")[-2:])
                assert page == f"{event['mandator']}/{room['slug']}"
                assert page == f"{event['slug']}/{room['slug']}"

    def test_chaosflix_gets_strings_instead_of_null(self, live_site, v2):
        for event in v2(live_site):
            assert all(isinstance(event[key], str) for key in ("author", "description", "keywords"))


class TestPlaylists:
    def test_playlist_of_room_lists_its_streams(self, live_site):
        response = live_site.get("/hall/stream.m3u")

        assert response.content_type == "audio/x-mpegurl"
        assert response.text.splitlines() == [
            "#EXTM3U",
            "#EXTINF:-1,Great Hall – High quality, WebM",
            "http://192.0.2.5:8080/webcast-high.webm",
            "#EXTINF:-1,Great Hall – Audio only, Ogg",
            "http://192.0.2.5:8080/webcast.ogg",
        ]

    def test_playlist_of_site_lists_all_live_rooms(self, live_site):
        lines = live_site.get("/streams.m3u").text.splitlines()

        assert [line for line in lines if line.startswith("http")] == [
            "http://192.0.2.5:8080/webcast-high.webm"
        ]
        assert "# Lab does not stream now." in lines

    def test_stream_url_cannot_break_playlist_line(self, make_site, stub_tracker):
        stub_tracker.document = streams_document(hall=["webm_high"])
        [server] = stub_tracker.document["rooms"]["hall"]["endpoints"]
        server["url"] = "http://192.0.2.5/\nfile:///etc/passwd#"
        site = make_site(**{"tracker.internal_url": stub_tracker.url})

        assert "passwd" not in site.get("/hall/stream.m3u").text

    def test_playlist_falls_back_to_cdn_without_endpoint(self, conference, make_site):
        path = Path(conference["config.public"])
        document = json.loads(path.read_text())
        document["lab"]["fallbacks"] = ["https://cdn.example.org/{room}/"]
        path.write_text(json.dumps(document))

        text = make_site().get("/lab/stream.m3u").text

        assert "https://cdn.example.org/lab/webcast-high.webm" in text

    def test_hls_path_is_configurable(self, conference, make_site, stub_tracker):
        path = Path(conference["config.public"])
        document = json.loads(path.read_text())
        document["config"]["hls-playlist"] = "{room}/master.m3u8"
        path.write_text(json.dumps(document))
        stub_tracker.document = streams_document(hall=["hls"])
        site = make_site(**{"tracker.internal_url": stub_tracker.url})

        text = site.get("/hall/stream.m3u").text
        [event] = site.get("/streams/v2.json").json

        place = "http://192.0.2.5:8080/hall/master.m3u8"
        assert place in text.splitlines()
        [stream] = rooms([event])["hall"]["streams"]
        assert stream["urls"]["hls"]["url"] == place


class TestAtom:
    def test_atom_has_current_and_next_slot(self, site):
        response = site.get("/hall/atom")
        feed = ElementTree.fromstring(response.body)
        atom = "{http://www.w3.org/2005/Atom}"

        assert response.content_type == "application/atom+xml"
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

    def test_room_page_links_atom_feed(self, site):
        page = site.get("/hall").html

        assert page.select_one('link[type="application/atom+xml"]')["href"] == "/hall/atom"


def test_json_schema_of_the_configuration_is_served(site, root):
    response = site.get("/config.schema.json")

    assert response.content_type == "application/schema+json"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.json == json.loads((root / "conf/config.schema.json").read_text())
