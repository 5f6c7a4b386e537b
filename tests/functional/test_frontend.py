"""The pages over HTTP, with a frozen clock."""

import contextlib
import json
import re
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import icalendar
import pytest

from streaming_system.schedule.model import Schedule, Slot
from streaming_system.schedule.storage import save_schedule

from .pages import HALL, SYDNEY, make_talk, streams_document


@contextlib.contextmanager
def dripping():
    """Yield the URL of a server that sends a byte of its response every half second."""
    stop = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "60")
            self.end_headers()
            with contextlib.suppress(OSError):
                while not stop.wait(0.5):
                    self.wfile.write(b" ")

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        stop.set()
        server.shutdown()
        thread.join()


def cards(page, scope="main"):
    """Return the rooms of an index page: id, live, badge."""
    return [
        (card["data-room"], card["data-live"], text(card.select_one(".badge")))
        for card in page.html.select(f"{scope} > div > ul .card, {scope} > div > details .card")
    ]


def text(element):
    return " ".join(element.get_text().split()) if element else ""


class TestIndex:
    def test_index_shows_live_rooms_and_collapses_the_others(self, live_site, clock):
        clock["now"] -= timedelta(minutes=30)
        page = live_site.get("/")

        shown = [card["data-room"] for card in page.html.select("main > div > ul .card")]
        folded = [card["data-room"] for card in page.html.select("details.folded .card")]
        assert (shown, folded) == (["hall", "tube"], ["lab"])
        assert not page.html.select_one("details.folded").has_attr("open")

    def test_card_shows_current_talk_time_left_and_next_talk(self, live_site):
        [card] = live_site.get("/").html.select(".card[data-room=hall]")

        assert text(card.select_one(".badge")) == "● Live"
        assert text(card.select_one(".title")) == "Keynote & more"
        assert text(card.select_one(".speakers")) == "Ada, Bo"
        assert card.select_one("progress")["value"] == "33"
        assert text(card.select_one(".left")) == "40 min left"
        assert text(card.select_one(".next")) == "Next 11:30 · <b>Panel</b>"
        assert card.select_one("a")["href"] == "/hall"

    def test_index_without_tracker_shows_all_rooms_and_no_live_badge(self, site):
        page = site.get("/")

        assert cards(page) == [
            ("tube", "true", "● Live"),
            ("hall", "unknown", "On now"),
            ("lab", "unknown", "Starts 11:00"),
        ]
        assert page.html.select("details.folded") == []

    def test_index_without_live_rooms_shows_next_talk(self, make_site, stub_tracker,
                                                                 conference, tmp_path):  # fmt: skip
        document = json.loads((tmp_path / "config.json").read_text())
        del document["tube"]
        (tmp_path / "config.json").write_text(json.dumps(document))
        stub_tracker.document = streams_document(hall=None, lab=None)

        page = make_site(**{"tracker.internal_url": stub_tracker.url}).get("/")

        notice = text(page.html.select_one(".notice"))
        assert notice.startswith(
            "Nothing is live right now. The next talk starts at 11:00 AEDT in Lab: Soldering."
        )
        assert cards(page) == [("lab", "false", "Starts 11:00"), ("hall", "false", "No stream")]

    @pytest.mark.parametrize(
        ("local", "badge"),
        [
            ("2026-11-23T10:00", "Starts Tue 10:00"),
            ("2026-11-24T09:00", "Starts 10:00"),
            ("2026-11-24T10:30", "On now"),
            ("2026-11-24T11:10", "Break until 11:30"),
            ("2026-11-24T13:00", "Ended"),
        ],
    )
    def test_badge_shows_status_of_room(self, site, clock, local, badge):
        clock["now"] = datetime.fromisoformat(local).replace(tzinfo=SYDNEY).astimezone(UTC)

        assert {room: badge_text for room, _, badge_text in cards(site.get("/"))}["hall"] == badge

    @pytest.mark.parametrize(
        ("now", "badge"),
        [
            # A user group meets once a month.
            (datetime(2026, 11, 25, 12, tzinfo=SYDNEY), "Starts 20 Jan 19:00"),
            (datetime(2027, 1, 13, 12, tzinfo=SYDNEY), "Starts 20 Jan 19:00"),
            (datetime(2027, 1, 14, 12, tzinfo=SYDNEY), "Starts Wed 19:00"),
        ],
    )
    def test_distant_talk_has_a_date(self, site, clock, write_schedule, now, badge):
        meeting = datetime(2027, 1, 20, 19, tzinfo=SYDNEY).astimezone(UTC)
        write_schedule(
            HALL[0], Slot(start=meeting, end=meeting + timedelta(hours=1), title="x", guid="x")
        )
        clock["now"] = now.astimezone(UTC)

        assert {room: badge_text for room, _, badge_text in cards(site.get("/"))}["hall"] == badge

    def test_room_title_that_looks_like_a_break_is_no_break(self, site, clock, write_schedule):
        tomorrow = HALL[0].start + timedelta(days=1)
        talk = Slot(start=tomorrow, end=tomorrow + timedelta(hours=1), title="x", guid="x")
        write_schedule(HALL[0], talk, title="Coffee break corner")
        clock["now"] = HALL[0].end

        assert ("hall", "unknown", "Starts Wed 10:00") in cards(site.get("/"))

    def test_rooms_have_the_order_of_the_configuration(self, make_site, tmp_path):
        rooms = {f"r{number}": {"title": f"Room {number}"} for number in (10, 9, 100)}
        (tmp_path / "config.json").write_text(json.dumps({"config": {"secret": "x"}, **rooms}))

        assert [room for room, _, _ in cards(make_site().get("/"))] == ["r10", "r9", "r100"]

    def test_texts_of_a_feed_are_escaped(self, site, clock):
        clock["now"] = HALL[1].start

        assert "<b>Panel</b>" not in site.get("/").text


class TestRoom:
    def test_room_page_shows_current_and_next_talks(self, live_site):
        page = live_site.get("/hall")

        assert text(page.html.select_one("h1")) == "Keynote & more"
        assert text(page.html.select_one(".about .when")).startswith("10:00 – 11:00 AEDT")
        assert str(page.html.select_one(".abstract p")) == "<p>About <b>it</b></p>"
        programme = [list(item.stripped_strings) for item in page.html.select(".programme li")]
        assert programme == [["11:30", "<b>Panel</b>"], ["12:00", "Moved", "in Plenary"]]
        assert "AEDT (Australia/Sydney)" in text(page.html.select_one(".panel"))

    def test_live_room_has_player_and_stream_links(self, live_site):
        page = live_site.get("/hall").html

        assert [(s["src"], s["type"]) for s in page.select("video source")] == [
            ("http://192.0.2.5:8080/webcast-high.webm", "video/webm")
        ]
        assert [link["href"] for link in page.select(".formats a")] == [
            "http://192.0.2.5:8080/webcast-high.webm",
            "http://192.0.2.5:8080/webcast.ogg",
        ]

    def test_endpoint_without_formats_gets_all_legacy_sources(self, make_site, stub_tracker):
        stub_tracker.document = streams_document(hall=[])

        page = make_site(**{"tracker.internal_url": stub_tracker.url}).get("/hall")

        assert len(page.html.select("video source")) == 4

    def test_hls_is_first_source_at_configured_path(self, make_site, stub_tracker):
        stub_tracker.document = streams_document(hall=["webm", "hls"])

        page = make_site(**{"tracker.internal_url": stub_tracker.url}).get("/hall")

        assert [source["src"] for source in page.html.select("video source")] == [
            "http://192.0.2.5:8080/stream.m3u8",
            "http://192.0.2.5:8080/webcast-high.webm",
        ]
        kinds = json.loads(page.html.select_one(".stage")["data-formats"])
        assert kinds[0][:2] == ["hls", "stream.m3u8"]

    def test_audio_only_room_has_audio_player(self, make_site, stub_tracker):
        stub_tracker.document = streams_document(hall=["mp3", "ogg"])

        page = make_site(**{"tracker.internal_url": stub_tracker.url}).get("/hall").html

        assert [(s["src"], s["type"]) for s in page.select("video[data-playback] source")] == [
            ("http://192.0.2.5:8080/webcast.ogg", "audio/ogg"),
            ("http://192.0.2.5:8080/webcast.mp3", "audio/mpeg"),
        ]
        assert len(page.select(".formats a")) == 2

    def test_opus_is_played_as_ogg(self, make_site, stub_tracker):
        stub_tracker.document = streams_document(hall=["opus"])

        page = make_site(**{"tracker.internal_url": stub_tracker.url}).get("/hall").html

        assert [source["src"] for source in page.select("video source")] == [
            "http://192.0.2.5:8080/webcast.ogg"
        ]

    def test_room_with_dash_only_has_a_link_instead_of_a_player(self, make_site, stub_tracker):
        stub_tracker.document = streams_document(hall=["dash"])
        site = make_site(**{"tracker.internal_url": stub_tracker.url})

        page = site.get("/hall").html

        assert text(page.select_one(".stage h2")) == "Great Hall is live, but not in browsers"
        assert page.select("video") == []
        assert [link["href"] for link in page.select(".formats a")] == [
            "http://192.0.2.5:8080/manifest.mpd"
        ]
        assert "http://192.0.2.5:8080/manifest.mpd" in site.get("/hall/stream.m3u").text

    def test_dash_beside_hls_is_a_link(self, make_site, stub_tracker):
        stub_tracker.document = streams_document(hall=["hls", "dash"])

        page = make_site(**{"tracker.internal_url": stub_tracker.url}).get("/hall").html

        assert len(page.select("video source")) == 1
        assert len(page.select(".formats a")) == 2

    def test_only_room_pages_allow_streams_in_csp(self, live_site):
        policies = {
            path: live_site.get(path).headers["Content-Security-Policy"]
            for path in ("/", "/hall", "/tube", "/hall?template=inroom")
        }

        allowed = [path for path, policy in policies.items() if "http: https:" in policy]
        assert allowed == ["/hall", "/tube"]
        framed = {
            path: re.findall("frame-src ([^;]*)", policy) for path, policy in policies.items()
        }
        assert framed == {
            "/": [],
            "/hall": ["https://web.libera.chat"],
            "/tube": ["https://www.youtube-nocookie.com"],
            "/hall?template=inroom": [],
        }

    def test_player_code_is_loaded_only_with_a_stream(self, live_site):
        def modules(path):
            links = live_site.get(path).html.select("link[rel=modulepreload]:not([href*='/i18n'])")
            return [link["href"] for link in links]

        assert [url for url in modules("/hall") if url.endswith("/player/playback-supervisor.js")]
        assert modules("/lab") == modules("/hall?template=inroom") == []

    @pytest.mark.parametrize(
        ("room", "local", "sentence"),
        [
            ("hall", "2026-11-24T10:30", "No video from Great Hall yet."),
            ("hall", "2026-11-24T11:10", "Great Hall continues at 11:30 AEDT."),
            ("hall", "2026-11-24T13:00", "The programme in Great Hall has ended."),
            ("tube", "2026-11-24T10:30", "This room streams on YouTube"),
        ],
    )
    def test_room_page_without_stream_shows_status(self, site, clock, room, local, sentence):
        clock["now"] = datetime.fromisoformat(local).replace(tzinfo=SYDNEY).astimezone(UTC)

        page = site.get(f"/{room}").html

        assert text(page.select_one(".stage h2")) == sentence
        assert page.select("video") == []

    @pytest.mark.parametrize(
        ("zone", "month", "sentence"),
        [
            # The talk is in summer; the page shows it in winter.
            ("Australia/Sydney", 1, "Great Hall starts at 20 Jan 10:00 AEDT."),
            # A zone without an abbreviation.
            ("America/Sao_Paulo", 9, "Great Hall starts at 20 Sept 10:00 UTC-03."),
        ],
    )
    def test_zone_name_is_that_of_the_talks_time(
        self, site, clock, write_schedule, zone, month, sentence
    ):
        zone = ZoneInfo(zone)
        start = datetime(2027, month, 20, 10, tzinfo=zone).astimezone(UTC)
        write_schedule(
            Slot(start=start, end=start + timedelta(hours=1), title="x", guid="x"), zone=zone
        )
        clock["now"] = datetime(2026, 8, 24, tzinfo=UTC)

        assert text(site.get("/hall").html.select_one(".stage h2")) == sentence

    def test_room_page_links_chat(self, site):
        links = {text(link): link["href"] for link in site.get("/hall").html.select(".links a")}

        assert links["Chat in the browser"] == "https://web.libera.chat/#hall"
        assert links["#hall on irc.libera.chat"] == "irc://irc.libera.chat/hall"

    def test_room_page_links_its_feeds(self, site):
        links = site.get("/hall").html.select("link[rel=alternate][type]")

        assert [(link["type"], link["href"]) for link in links] == [
            ("application/rss+xml", "/hall/rss"),
            ("application/atom+xml", "/hall/atom"),
            ("text/calendar", "/hall/schedule.ics"),
            ("application/json", "/hall/json"),
        ]

    def test_unknown_room_is_404_page_with_link_home(self, site):
        page = site.get("/nowhere", status=404)

        assert text(page.html.select_one("h1")) == "This page does not exist"
        assert "There is no room called nowhere." in text(page.html.select_one(".notice"))
        assert page.html.select_one(".notice a")["href"] == "/"

    @pytest.mark.parametrize("path", ["/a-b", "/hall/nothing", "/static/none", "/%C3%A4"])
    def test_unknown_path_is_404_page_with_link_home(self, site, path):
        assert site.get(path, status=404).html.select_one(".notice a")["href"] == "/"


class TestVenue:
    def visit(self, site, path, address="192.0.2.44"):
        return site.get(path, extra_environ={"REMOTE_ADDR": address}).html

    def test_viewers_at_venue_are_invited_to_the_room(self, live_site):
        page = self.visit(live_site, "/hall")

        assert "video streaming is not permitted from within the venue" in text(page)
        assert page.select("video") == page.select(".formats") == []
        assert text(page.select_one("h1")) == "Keynote & more"
        assert "Chat in the browser" in text(page)

    def test_viewers_elsewhere_get_the_player(self, live_site):
        assert self.visit(live_site, "/hall", "203.0.113.1").select("video") != []

    def test_venue_page_is_private_for_caches(self, site):
        assert "private" in site.get("/hall").headers["Cache-Control"]

    def test_query_selects_template(self, live_site):
        assert self.visit(live_site, "/hall?template=inroom", "203.0.113.1").select("video") == []
        assert self.visit(live_site, "/hall?template=group").select("video") != []

    def test_unknown_template_is_404(self, site):
        page = site.get("/hall?template=../etc", status=404)

        assert "allowed: default, group, inroom" in text(page.html.select_one(".notice"))


class TestEndpointSelection:
    def test_viewers_are_distributed_by_endpoint_weights(self, make_site, stub_tracker):
        stub_tracker.document = streams_document(hall=["webm_high"])
        [server] = stub_tracker.document["rooms"]["hall"]["endpoints"]
        stub_tracker.document["rooms"]["hall"]["endpoints"] = [
            server | {"url": "http://full.example/", "name": "full", "weight": 0},
            server | {"url": "http://small.example/", "name": "small", "weight": 250},
            server | {"url": "http://large.example/", "name": "large", "weight": 750},
        ]
        # Without the response cache, as over many seconds.
        drawing = {"tracker.internal_url": stub_tracker.url, "response_cache.enabled": "false"}
        site = make_site(**drawing)

        drawn = [site.get("/hall").html.select_one("video")["data-endpoint"] for _ in range(60)]

        assert set(drawn) == {"small", "large"}
        assert drawn.count("large") > drawn.count("small")

    def test_audio_only_endpoint_is_not_picked_beside_video(self, make_site, stub_tracker):
        stub_tracker.document = streams_document(hall=["mp3"])
        [server] = stub_tracker.document["rooms"]["hall"]["endpoints"]
        stub_tracker.document["rooms"]["hall"]["endpoints"] = [
            server | {"url": "http://sound.example/", "name": "sound", "weight": 1000},
            server | {"url": "http://video.example/", "formats": ["hls"], "weight": 0},
        ]
        site = make_site(**{"tracker.internal_url": stub_tracker.url})

        assert site.get("/hall").html.select_one("video source")["src"] == (
            "http://video.example/stream.m3u8"
        )
        assert "http://video.example/stream.m3u8" in site.get("/hall/stream.m3u").text
        assert "http://sound.example" not in site.get("/streams/v2.json").text


@pytest.fixture
def slate_site(make_site, stub_tracker):
    """The pages, while the hall is on slate."""
    stub_tracker.document = streams_document(hall=["webm_high"], lab=["webm_high"])
    stub_tracker.document["rooms"]["hall"]["slate"] = True
    return make_site(**{"tracker.internal_url": stub_tracker.url})


class TestSlate:
    def test_room_resumes_shortly_and_is_not_called_live(self, slate_site):
        page = slate_site.get("/hall").html

        stage = page.select_one("#stream")
        assert text(stage.select_one(".badge")) == "Resumes shortly"
        assert stage.select_one(".badge-live") is None
        assert (stage["data-live"], stage.has_attr("data-slate")) == ("true", True)
        assert text(page.select_one(".under-now [role=status]")) == (
            "The stream will resume shortly."
        )
        # Viewers of the slate go on watching.
        assert stage.select_one("video source") is not None

    def test_other_rooms_are_live(self, slate_site):
        page = slate_site.get("/lab").html

        assert text(page.select_one("#stream .badge")) == "● Live"
        assert not page.select_one("#stream").has_attr("data-slate")
        assert page.select_one(".under-now [role=status]") is None

    def test_index_lists_it_among_the_live_rooms(self, slate_site):
        assert ("hall", "true", "Resumes shortly") in cards(slate_site.get("/"))

    def test_notice_is_translated(self, slate_site):
        page = slate_site.get("/hall?lang=de").html

        assert text(page.select_one("#stream .badge")) == "Gleich geht es weiter"

    def test_crew_sees_the_state(self, slate_site):
        page = slate_site.get("/monitor").html

        assert text(page.select_one("tr[data-room=hall] td")) == "On slate"

    def test_room_that_is_watched_elsewhere_is_live(self, make_site, stub_tracker):
        stub_tracker.document = streams_document(tube=["webm_high"])
        stub_tracker.document["rooms"]["tube"]["slate"] = True

        page = make_site(**{"tracker.internal_url": stub_tracker.url}).get("/tube").html

        assert text(page.select_one("#stream .badge")) == "● Live"


class TestMonitor:
    def test_monitor_lists_rooms_with_problems_first(self, make_site, stub_tracker):
        stub_tracker.document = streams_document(hall=None, lab=["webm_high"])
        site = make_site(**{"tracker.internal_url": stub_tracker.url})

        page = site.get("/monitor").html

        rows = [[text(cell) for cell in row.select("th, td")] for row in page.select("tbody tr")]
        assert [row[:8] for row in rows] == [
            ["Great Hall", "No stream", "0", "–", "0", "3.5", "–", "–"],
            ["Lab", "Live", "1", "–", "7", "3.5", "–", "–"],
            ["Tube", "Live", "–", "–", "–", "–", "–", "–"],
        ]
        assert rows[0][8:10] == ["Keynote & more until 11:00 AEDT", "Do not record"]
        assert text(page.select_one(".alarm")) == "1 room has a talk on and no stream."

    def test_monitor_shows_incidents_and_metrics_of_the_tracker(self, make_site, stub_tracker):
        stub_tracker.document = streams_document(hall=["webm_high"], lab=["webm_high"])
        stub_tracker.documents["/api/v1/incidents"] = {
            "incidents": [
                {
                    "room": "lab",
                    "summary": "Viewers of <b>Lab</b> waited for 12% of their time.",
                    "opened_at": "2026-11-23T21:19:00.000Z",
                }
            ]
        }
        stub_tracker.documents["/api/v1/rooms"] = {
            "rooms": [
                {
                    "room": "lab",
                    "viewers": {"players": 1234, "others": 5},
                    "startup_p95_ms": 2149,
                    "rebuffer_ratio": 0.1234,
                }
            ]
        }
        site = make_site(**{"tracker.internal_url": stub_tracker.url})

        page = site.get("/monitor").html

        [alarm] = page.select(".incidents li")
        assert text(alarm) == ("Viewers of <b>Lab</b> waited for 12% of their time. for 2 h")
        first = [text(cell) for cell in page.select_one("tbody tr").select("th, td")]
        assert first[:8] == ["Lab", "Live", "1", "1,234", "5", "3.5", "2.1", "12.3"]
        assert page.select("tr.wrong th")[0].text.strip() == "Lab"

    def test_invalid_tracker_response_counts_as_no_response(self, make_site, stub_tracker):
        stub_tracker.document = streams_document(hall=["webm_high"])
        stub_tracker.documents["/api/v1/incidents"] = {"incidents": [{"summary": 1}]}
        stub_tracker.documents["/api/v1/rooms"] = ["what"]
        site = make_site(**{"tracker.internal_url": stub_tracker.url})

        assert "The tracker is not responding" in text(site.get("/monitor").html.select_one("main"))

    def test_monitor_without_tracker_shows_no_incidents(self, site):
        page = site.get("/monitor").html

        assert page.select(".alarm") == []
        assert [text(row.select("td")[0]) for row in page.select("tbody tr")] == [
            "Unknown",
            "Unknown",
            "Live",
        ]


class TestJson:
    def test_json_has_current_and_next_slot_in_local_time(self, site):
        response = site.get("/hall/json")

        assert response.content_type == "application/json"
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        now, following = response.json
        assert now == {
            "title": "Keynote & more",
            "abstract": "<p>About <b>it</b></p>",
            "url": "https://e.example/keynote",
            "start": "2026-11-24T10:00:00+11:00",
            "end": "2026-11-24T11:00:00+11:00",
            "guid": "guid-Keynote & more",
            "generated": False,
            "speakers": ["Ada", "Bo"],
            "via": "",
        }
        assert (following["title"], following["generated"]) == ("30 minute break", True)

    def test_delta_shifts_the_time_of_the_page(self, site):
        titles = [item["title"] for item in site.get("/hall/json?delta=5400").json]

        assert titles == ["<b>Panel</b>", "Moved"]
        assert site.get("/hall/json?delta=-86400").json[0]["title"] == "Test Conf not yet started"

    @pytest.mark.parametrize("delta", ["x", "", "1.5", "9" * 30, "999999999999"])
    def test_invalid_delta_is_400(self, site, delta):
        response = site.get(f"/hall/json?delta={delta}", status=400)

        assert response.json["error"].endswith(
            "; allowed: a whole number of seconds, ten years at most"
        )

    def test_json_of_room_without_schedule_is_empty(self, site):
        assert site.get("/tube/json").json == []

    def test_json_error_names_unknown_room(self, site):
        assert site.get("/nowhere/json", status=404).json == {
            "error": "there is no room called nowhere"
        }


class TestRss:
    def test_rss_has_current_and_next_slot(self, site):
        response = site.get("/hall/rss")

        assert response.content_type == "application/rss+xml"
        rss = ElementTree.fromstring(response.body)
        assert (rss.tag, rss.get("version")) == ("rss", "2.0")
        channel = rss.find("channel")
        assert [channel.findtext(name) for name in ("title", "link", "description")] == [
            "Great Hall",
            "http://localhost/hall",
            "What is on in Great Hall, and what comes next",
        ]
        now, following = channel.findall("item")
        assert now.findtext("title") == "Now: Keynote & more"
        assert now.findtext("link") == "https://e.example/keynote"
        assert now.findtext("description") == "<p>About <b>it</b></p>"
        assert now.find("guid").attrib == {"isPermaLink": "false"}
        # The same as in the exports.
        [uid] = [
            str(event["uid"])
            for event in icalendar.Calendar.from_ical(site.get("/schedule.ics").body).walk("VEVENT")
            if event["summary"] == "Keynote & more"
        ]
        assert now.findtext("guid") == uid
        assert parsedate_to_datetime(now.findtext("pubDate")) == HALL[0].start
        assert following.findtext("title") == "Next: 30 minute break"
        assert following.findtext("link") == "http://localhost/hall"

    def test_rss_has_no_current_item_in_a_short_gap(self, site, clock, write_schedule):
        write_schedule(HALL[0], make_talk("11:03", 30, "Panel"))
        clock["now"] = HALL[0].end

        rss = ElementTree.fromstring(site.get("/hall/rss").body)

        assert [item.findtext("title") for item in rss.iter("item")] == ["Next: Panel"]

    def test_rss_drops_characters_invalid_in_xml(self, site, write_schedule):
        write_schedule(
            make_talk("10:00", 60, "Keynote\ufffe \U0001f389", abstract="<p>tab\x08bed</p>")
        )

        item = ElementTree.fromstring(site.get("/hall/rss").body).find(".//item")

        assert item.findtext("title") == "Now: Keynote \U0001f389"
        assert item.findtext("description") == "<p>tabbed</p>"

    def test_rss_of_room_without_schedule_is_empty(self, site):
        assert ElementTree.fromstring(site.get("/tube/rss").body).findall(".//item") == []


class TestExports:
    @pytest.mark.parametrize(
        ("path", "media_type", "talks"),
        [
            ("/schedule.xml", "application/xml", 4),
            ("/schedule.json", "application/json", 4),
            ("/schedule2.json", "application/json", 4),
            ("/schedule.ics", "text/calendar", 4),
            ("/hall/schedule.ics", "text/calendar", 3),
        ],
    )
    def test_schedule_is_exported(self, site, path, media_type, talks):
        response = site.get(path)

        assert response.content_type == media_type
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        marks = (b"<event ", b'"attachments"', b"BEGIN:VEVENT")
        assert sum(response.body.count(mark) for mark in marks) == talks
        assert b"http://localhost/hall" in response.body

    def test_export_of_unknown_room_is_404(self, site):
        assert site.get("/nowhere/schedule.ics", status=404).json == {
            "error": "there is no room called nowhere"
        }


class TestBrand:
    @pytest.mark.parametrize(
        ("path", "media_type"),
        [
            ("/brand/logo", "image/svg+xml"),
            ("/favicon.ico", "image/svg+xml"),
            ("/robots.txt", "text/plain"),
        ],
    )
    def test_brand_files_have_defaults(self, site, path, media_type):
        assert site.get(path).content_type == media_type

    @pytest.mark.parametrize(
        ("path", "file", "media_type"),
        [
            ("/brand/logo", "logo.png", "image/png"),
            ("/favicon.ico", "favicon.ico", "image/x-icon"),
            ("/robots.txt", "robots.txt", "text/plain"),
        ],
    )
    def test_brand_folder_overrides_defaults(self, site, tmp_path, path, file, media_type):
        (tmp_path / "brand").mkdir()
        (tmp_path / "brand" / file).write_bytes(b"ours")

        response = site.get(path)

        assert (response.body, response.content_type) == (b"ours", media_type)

    def test_other_files_of_brand_folder_are_404(self, site, tmp_path):
        (tmp_path / "brand").mkdir()
        (tmp_path / "brand" / "secret.txt").write_text("x")

        for path in ("/brand/secret.txt", "/brand/..%2fconfig.json", "/brand"):
            site.get(path, status=404)


class TestEveryPage:
    PAGES = ("/", "/hall", "/tube", "/hall?template=inroom", "/monitor", "/wall")

    @pytest.mark.parametrize("path", PAGES)
    def test_page_has_heading_language_landmarks_and_alt_texts(self, live_site, path):
        page = live_site.get(path).html

        assert len(page.select("h1")) == 1
        assert page.html["lang"] == "en"
        assert [len(page.select(name)) for name in ("header", "main")] == [1, 1]
        navigations = [nav["aria-label"] for nav in page.select("nav")]
        more = {"/monitor": ["Crew"], "/hall": ["Rooms"], "/tube": ["Rooms"]}
        assert navigations == ["Site", *more.get(path.partition("?")[0], []), "Language"]
        assert all(image.has_attr("alt") for image in page.select("img"))
        assert page.select_one("meta[name=viewport]")

    @pytest.mark.parametrize("path", PAGES)
    def test_page_loads_nothing_external_and_has_no_inline_code(self, live_site, path):
        response = live_site.get(path)

        policy = response.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
        assert "unsafe" not in policy
        loaded = [
            element.get("src") or element.get("href")
            for element in response.html.select("script, img, link[rel=stylesheet], link[rel=icon]")
        ]
        assert loaded
        assert [url for url in loaded if not url.startswith("/")] == []
        assert [s for s in response.html.select("script") if s.string] == response.html.select(
            "style"
        )

    def test_page_reloads_without_javascript(self, site):
        assert site.get("/").html.select_one("noscript meta")["content"] == "600"

    def test_site_title_defaults_to_event_names(self, site):
        assert text(site.get("/").html.select_one("title")) == "Test Conf"

    def test_internal_error_page_has_no_traceback(self, site, clock):
        clock["now"] = None

        response = site.get("/", status=500)

        assert text(response.html.select_one("h1")) == "Something is wrong on our side"
        assert "Traceback" not in response.text

    def test_head_request_succeeds(self, site):
        assert site.head("/hall").status_int == 200


class TestTrackerPolling:
    def test_tracker_is_polled_once_for_many_viewers(self, live_site, stub_tracker):
        for _ in range(20):
            live_site.get("/")

        assert stub_tracker.request_count == 1

    @pytest.mark.parametrize(
        "nonsense",
        [b"", b"<html>", b"[]", b"null", {"rooms": {"hall": {}}}, {"rooms": {"hall": {"live": 1}}},
         {"rooms": []}, b"[" * 100_000, {"rooms": {"hall": None}}, {"rooms": {"hall": [1]}}],
    )  # fmt: skip
    def test_pages_survive_invalid_tracker_responses(self, make_site, stub_tracker, nonsense):
        stub_tracker.document = nonsense

        page = make_site(**{"tracker.internal_url": stub_tracker.url}).get("/")

        assert ("hall", "unknown", "On now") in cards(page)

    def test_invalid_number_of_viewers_hides_no_stream(self, make_site, stub_tracker):
        stub_tracker.document = b'{"rooms": {"hall": {"live": true, "clients": 1e999}}}'

        page = make_site(**{"tracker.internal_url": stub_tracker.url}).get("/")

        assert ("hall", "true", "● Live") in cards(page)

    def test_slowly_dripping_tracker_does_not_block_pages(self, make_site):
        with dripping() as url:
            site = make_site(**{"tracker.internal_url": url})
            started = time.monotonic()
            site.get("/")

            # The response never ends. The first page also compiles its templates.
            assert time.monotonic() - started < 15

    def test_other_threads_do_not_wait_for_tracker_poll(self, make_site, stub_tracker):
        """Waiting threads could be those that the tracker needs."""
        stub_tracker.document = streams_document(hall=["webm_high"])
        site = make_site(**{"tracker.internal_url": stub_tracker.url})
        stub_tracker.can_respond.clear()
        live = site.app.registry["room_statuses"]
        first = threading.Thread(target=live.get)
        first.start()
        assert stub_tracker.request_received.wait(5)

        meanwhile = live.get()
        assert first.is_alive()
        stub_tracker.can_respond.set()
        first.join()

        assert meanwhile is None
        assert ("hall", "true", "● Live") in cards(site.get("/"))

    def test_stream_with_unsafe_url_is_omitted(self, make_site, stub_tracker):
        says = streams_document(hall=["webm_high"])
        says["rooms"]["hall"]["endpoints"][0]["url"] = "javascript:alert(1)//"
        stub_tracker.document = says

        page = make_site(**{"tracker.internal_url": stub_tracker.url}).get("/hall")

        assert "javascript:" not in page.text


class TestStart:
    def test_invalid_configuration_stops_the_start_with_one_line(self, make_site, tmp_path):
        (tmp_path / "config.json").write_text('{"hall": {"titel": "x"}}')

        with pytest.raises(SystemExit) as stop:
            make_site()

        assert "room 'hall': key 'titel': unknown key; did you mean 'title'?" in str(stop.value)

    def test_every_error_of_the_configuration_is_one_line(self, make_site, tmp_path):
        (tmp_path / "config.json").write_text('{"config": {"reload": "x"},\n"hall": {"link": 7}}')

        with pytest.raises(SystemExit) as stop:
            make_site()

        assert [line.partition("config.json:")[2][:12] for line in str(stop.value).split("\n")] == [
            "1:13: sectio",
            "2:10: room '",
        ]

    def test_warnings_of_the_configuration_are_logged(self, make_site, tmp_path, caplog):
        keys = {"schedule-key": "A"}
        (tmp_path / "config.json").write_text(json.dumps({"hall": keys, "lab": keys}))

        make_site()

        assert "room 'lab': key 'schedule-key': is 'A', as in room 'hall'" in caplog.text

    def test_new_schedule_shows_without_restart(self, site, schedule_file):
        assert site.get("/lab/json").json != []

        save_schedule(Schedule(), schedule_file)

        assert site.get("/lab/json").json == []


class TestGraphs:
    @pytest.mark.parametrize(
        ("query", "minutes"),
        # The keynote started 20 minutes ago; the event starts two hours before it.
        [("", 120), ("?range=10080", 10080), ("?range=event", 140)],
    )
    def test_graph_range_is_in_the_url(self, site, query, minutes):
        page = site.get(f"/graphs{query}")

        [chosen] = page.html.select(".ranges [aria-current=true]")
        assert chosen["href"] == f"/graphs{query or '?range=120'}"
        assert f"overall-stats.json?range={minutes}" in page.text

    def test_unknown_graph_range_is_400(self, site):
        page = site.get("/graphs?range=7%22%3E", status=400)

        assert "allowed: 10, 60, 120, 1440, 10080, event" in page.text

    def test_room_has_graphs_of_its_endpoints(self, site):
        page = site.get("/graphs?room=hall&range=60")

        assert page.html.h1.get_text() == "Great Hall: its servers"
        assert page.html.select_one("[data-graphs]")["data-of"] == "hall"
