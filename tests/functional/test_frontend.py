"""The pages over HTTP, with a clock that stands still."""

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

import pytest

from streaming_system.schedule.model import Schedule, Slot
from streaming_system.schedule.storage import save_schedule

from .pages import HALL, SYDNEY, event, told


@contextlib.contextmanager
def dripping():
    """Yield the URL of a server that sends a byte of its answer every half second."""
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


def cards(page, within="main"):
    """Return the rooms of an index page: id, live, badge."""
    return [
        (card["data-room"], card["data-live"], text(card.select_one(".badge")))
        for card in page.html.select(f"{within} > div > ul .card, {within} > div > details .card")
    ]


def text(element):
    return " ".join(element.get_text().split()) if element else ""


class TestIndex:
    def test_live_rooms_are_shown_and_the_others_folded_away(self, live_site, clock):
        clock["now"] -= timedelta(minutes=30)
        page = live_site.get("/")

        shown = [card["data-room"] for card in page.html.select("main > div > ul .card")]
        folded = [card["data-room"] for card in page.html.select("details.folded .card")]
        assert (shown, folded) == (["hall", "tube"], ["lab"])
        assert not page.html.select_one("details.folded").has_attr("open")

    def test_a_card_tells_what_is_on_for_how_long_and_what_comes_next(self, live_site):
        [card] = live_site.get("/").html.select(".card[data-room=hall]")

        assert text(card.select_one(".badge")) == "● Live"
        assert text(card.select_one(".title")) == "Keynote & more"
        assert text(card.select_one(".speakers")) == "Ada, Bo"
        assert card.select_one("progress")["value"] == "33"
        assert text(card.select_one(".left")) == "40 min left"
        assert text(card.select_one(".next")) == "Next 11:30 · <b>Panel</b>"
        assert card.select_one("a")["href"] == "/hall"

    def test_without_a_tracker_all_rooms_are_shown_and_none_called_live(self, site):
        page = site.get("/")

        assert cards(page) == [
            ("tube", "true", "● Live"),
            ("hall", "unknown", "On now"),
            ("lab", "unknown", "Starts 11:00"),
        ]
        assert page.html.select("details.folded") == []

    def test_when_nothing_is_live_the_page_says_what_starts_next(self, make_site, tracker_says,
                                                                 conference, tmp_path):  # fmt: skip
        document = json.loads((tmp_path / "config.json").read_text())
        del document["tube"]
        (tmp_path / "config.json").write_text(json.dumps(document))
        tracker_says.says = told(hall=None, lab=None)

        page = make_site(**{"tracker.internal_url": tracker_says.url}).get("/")

        notice = text(page.html.select_one(".notice"))
        assert notice.startswith(
            "Nothing is streaming right now. The next talk starts at 11:00 AEDT in Lab: Soldering."
        )
        assert cards(page) == [("lab", "false", "Starts 11:00"), ("hall", "false", "No stream")]

    @pytest.mark.parametrize(
        ("local", "badge"),
        [
            ("2026-11-23T10:00", "Starts Tue 10:00"),
            ("2026-11-24T09:00", "Starts 10:00"),
            ("2026-11-24T10:30", "On now"),
            ("2026-11-24T11:10", "Break until 11:30"),
            ("2026-11-24T13:00", "Finished"),
        ],
    )
    def test_a_badge_says_how_it_stands(self, site, clock, local, badge):
        clock["now"] = datetime.fromisoformat(local).replace(tzinfo=SYDNEY).astimezone(UTC)

        assert {room: said for room, _, said in cards(site.get("/"))}["hall"] == badge

    @pytest.mark.parametrize(
        ("now", "badge"),
        [
            # A month of quiet days lies between the two meetings of a user group.
            (datetime(2026, 11, 25, 12, tzinfo=SYDNEY), "Starts 20 Jan 19:00"),
            (datetime(2027, 1, 13, 12, tzinfo=SYDNEY), "Starts 20 Jan 19:00"),
            (datetime(2027, 1, 14, 12, tzinfo=SYDNEY), "Starts Wed 19:00"),
        ],
    )
    def test_a_talk_far_away_has_its_date(self, site, clock, plan, now, badge):
        meeting = datetime(2027, 1, 20, 19, tzinfo=SYDNEY).astimezone(UTC)
        plan(HALL[0], Slot(start=meeting, end=meeting + timedelta(hours=1), title="x", guid="x"))
        clock["now"] = now.astimezone(UTC)

        assert {room: said for room, _, said in cards(site.get("/"))}["hall"] == badge

    def test_a_room_called_after_a_break_is_not_taken_for_one(self, site, clock, plan):
        tomorrow = HALL[0].start + timedelta(days=1)
        plan(HALL[0], Slot(start=tomorrow, end=tomorrow + timedelta(hours=1), title="x", guid="x"),
             title="Coffee break corner")  # fmt: skip
        clock["now"] = HALL[0].end

        assert ("hall", "unknown", "Starts Wed 10:00") in cards(site.get("/"))

    def test_rooms_are_sorted_as_people_count(self, make_site, tmp_path):
        rooms = {f"r{number}": {"title": f"Room {number}"} for number in (10, 9, 100)}
        (tmp_path / "config.json").write_text(json.dumps({"config": {"secret": "x"}, **rooms}))

        assert [room for room, _, _ in cards(make_site().get("/"))] == ["r9", "r10", "r100"]

    def test_what_a_feed_says_is_text(self, site, clock):
        clock["now"] = HALL[1].start

        assert "<b>Panel</b>" not in site.get("/").text


class TestRoom:
    def test_the_page_shows_what_is_on_and_what_follows(self, live_site):
        page = live_site.get("/hall")

        assert text(page.html.select_one("h1")) == "Keynote & more"
        assert text(page.html.select_one(".about .when")).startswith("10:00 – 11:00 AEDT")
        assert str(page.html.select_one(".abstract p")) == "<p>About <b>it</b></p>"
        programme = [list(item.stripped_strings) for item in page.html.select(".programme li")]
        assert programme == [["11:30", "<b>Panel</b>"], ["12:00", "Moved", "in Plenary"]]
        assert "AEDT (Australia/Sydney)" in text(page.html.select_one(".panel"))

    def test_a_live_room_has_a_player_and_direct_links(self, live_site):
        page = live_site.get("/hall").html

        assert [(s["src"], s["type"]) for s in page.select("video source")] == [
            ("http://192.0.2.5:8080/webcast-high.webm", "video/webm")
        ]
        assert [link["href"] for link in page.select(".formats a")] == [
            "http://192.0.2.5:8080/webcast-high.webm",
            "http://192.0.2.5:8080/webcast.ogg",
        ]

    def test_an_endpoint_that_names_no_formats_is_tried_for_all(self, make_site, tracker_says):
        tracker_says.says = told(hall=[])

        page = make_site(**{"tracker.internal_url": tracker_says.url}).get("/hall")

        assert len(page.html.select("video source")) == 4

    def test_hls_comes_first_and_lies_where_the_configuration_says(self, make_site, tracker_says):
        tracker_says.says = told(hall=["webm", "hls"])

        page = make_site(**{"tracker.internal_url": tracker_says.url}).get("/hall")

        assert [source["src"] for source in page.html.select("video source")] == [
            "http://192.0.2.5:8080/stream.m3u8",
            "http://192.0.2.5:8080/webcast-high.webm",
        ]
        kinds = json.loads(page.html.select_one(".stage")["data-formats"])
        assert kinds[0][:2] == ["hls", "stream.m3u8"]

    def test_a_room_with_sound_alone_has_a_player_for_it(self, make_site, tracker_says):
        tracker_says.says = told(hall=["mp3", "ogg"])

        page = make_site(**{"tracker.internal_url": tracker_says.url}).get("/hall").html

        assert [(s["src"], s["type"]) for s in page.select("video[data-playback] source")] == [
            ("http://192.0.2.5:8080/webcast.ogg", "audio/ogg"),
            ("http://192.0.2.5:8080/webcast.mp3", "audio/mpeg"),
        ]
        assert len(page.select(".formats a")) == 2

    def test_opus_is_played_as_ogg(self, make_site, tracker_says):
        tracker_says.says = told(hall=["opus"])

        page = make_site(**{"tracker.internal_url": tracker_says.url}).get("/hall").html

        assert [source["src"] for source in page.select("video source")] == [
            "http://192.0.2.5:8080/webcast.ogg"
        ]

    def test_dash_is_for_other_players(self, make_site, tracker_says):
        tracker_says.says = told(hall=["dash"])
        site = make_site(**{"tracker.internal_url": tracker_says.url})

        page = site.get("/hall").html

        assert text(page.select_one(".stage h2")) == "Great Hall is live, for other players"
        assert page.select("video") == []
        assert [link["href"] for link in page.select(".formats a")] == [
            "http://192.0.2.5:8080/manifest.mpd"
        ]
        assert "http://192.0.2.5:8080/manifest.mpd" in site.get("/hall/stream.m3u").text

    def test_dash_beside_hls_is_only_a_link(self, make_site, tracker_says):
        tracker_says.says = told(hall=["hls", "dash"])

        page = make_site(**{"tracker.internal_url": tracker_says.url}).get("/hall").html

        assert len(page.select("video source")) == 1
        assert len(page.select(".formats a")) == 2

    def test_only_the_pages_of_rooms_may_ask_servers_of_streams(self, live_site):
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

    def test_what_plays_is_only_loaded_where_there_is_something_to_play(self, live_site):
        def modules(path):
            links = live_site.get(path).html.select("link[rel=modulepreload]:not([href*='/i18n'])")
            return [link["href"] for link in links]

        assert [url for url in modules("/hall") if url.endswith("/player/playback-supervisor.js")]
        assert modules("/lab") == modules("/hall?template=inroom") == []

    @pytest.mark.parametrize(
        ("room", "local", "sentence"),
        [
            ("hall", "2026-11-24T10:30", "There is no picture from Great Hall yet."),
            ("hall", "2026-11-24T11:10", "Great Hall goes on at 11:30 AEDT."),
            ("hall", "2026-11-24T13:00", "That was all from Great Hall."),
            ("tube", "2026-11-24T10:30", "This room streams on YouTube"),
        ],
    )
    def test_without_a_stream_the_stage_says_how_it_stands(
        self, site, clock, room, local, sentence
    ):
        clock["now"] = datetime.fromisoformat(local).replace(tzinfo=SYDNEY).astimezone(UTC)

        page = site.get(f"/{room}").html

        assert text(page.select_one(".stage h2")) == sentence
        assert page.select("video") == []

    @pytest.mark.parametrize(
        ("zone", "month", "sentence"),
        [
            # Seen in winter, when it is not.
            ("Australia/Sydney", 1, "Great Hall goes on at 20 Jan 10:00 AEDT."),
            # A zone that has no letters of its own.
            ("America/Sao_Paulo", 9, "Great Hall goes on at 20 Sept 10:00 UTC-03."),
        ],
    )
    def test_the_zone_is_called_as_it_is_when_the_talk_is(
        self, site, clock, plan, zone, month, sentence
    ):
        zone = ZoneInfo(zone)
        start = datetime(2027, month, 20, 10, tzinfo=zone).astimezone(UTC)
        plan(Slot(start=start, end=start + timedelta(hours=1), title="x", guid="x"), zone=zone)
        clock["now"] = datetime(2026, 8, 24, tzinfo=UTC)

        assert text(site.get("/hall").html.select_one(".stage h2")) == sentence

    def test_the_chat_is_linked(self, site):
        links = {text(link): link["href"] for link in site.get("/hall").html.select(".links a")}

        assert links["Chat in the browser"] == "https://web.libera.chat/#hall"
        assert links["#hall on irc.libera.chat"] == "irc://irc.libera.chat/hall"

    def test_its_feeds_are_advertised(self, site):
        links = site.get("/hall").html.select("link[rel=alternate][type]")

        assert [(link["type"], link["href"]) for link in links] == [
            ("application/rss+xml", "/hall/rss"),
            ("application/atom+xml", "/hall/atom"),
            ("text/calendar", "/hall/schedule.ics"),
            ("application/json", "/hall/json"),
        ]

    def test_an_unknown_room_is_a_page_that_leads_home(self, site):
        page = site.get("/nowhere", status=404)

        assert text(page.html.select_one("h1")) == "This page does not exist"
        assert "There is no room called nowhere." in text(page.html.select_one(".notice"))
        assert page.html.select_one(".notice a")["href"] == "/"

    @pytest.mark.parametrize("path", ["/a-b", "/hall/nothing", "/static/none", "/%C3%A4"])
    def test_an_unknown_page_leads_home(self, site, path):
        assert site.get(path, status=404).html.select_one(".notice a")["href"] == "/"


class TestAtTheVenue:
    def visit(self, site, path, address="192.0.2.44"):
        return site.get(path, extra_environ={"REMOTE_ADDR": address}).html

    def test_viewers_there_are_asked_to_come_to_the_room(self, live_site):
        page = self.visit(live_site, "/hall")

        assert "video streaming is not permitted from within the venue" in text(page)
        assert page.select("video") == page.select(".formats") == []
        assert text(page.select_one("h1")) == "Keynote & more"
        assert "Chat in the browser" in text(page)

    def test_viewers_elsewhere_are_not(self, live_site):
        assert self.visit(live_site, "/hall", "203.0.113.1").select("video") != []

    def test_no_cache_gives_their_page_to_others(self, site):
        assert "private" in site.get("/hall").headers["Cache-Control"]

    def test_the_template_can_be_asked_for(self, live_site):
        assert self.visit(live_site, "/hall?template=inroom", "203.0.113.1").select("video") == []
        assert self.visit(live_site, "/hall?template=group").select("video") != []

    def test_a_template_that_does_not_exist_is_not_found(self, site):
        page = site.get("/hall?template=../etc", status=404)

        assert "allowed: default, group, inroom" in text(page.html.select_one(".notice"))


class TestServers:
    def test_viewers_of_a_room_are_sent_to_its_servers_by_their_weights(
        self, make_site, tracker_says
    ):
        tracker_says.says = told(hall=["webm_high"])
        [server] = tracker_says.says["rooms"]["hall"]["endpoints"]
        tracker_says.says["rooms"]["hall"]["endpoints"] = [
            server | {"url": "http://full.example/", "name": "full", "weight": 0},
            server | {"url": "http://small.example/", "name": "small", "weight": 250},
            server | {"url": "http://large.example/", "name": "large", "weight": 750},
        ]
        # Each page is drawn for itself, as those of many seconds are.
        drawing = {"tracker.internal_url": tracker_says.url, "answers.kept": "false"}
        site = make_site(**drawing)

        drawn = [site.get("/hall").html.select_one("video")["data-endpoint"] for _ in range(60)]

        assert set(drawn) == {"small", "large"}
        assert drawn.count("large") > drawn.count("small")

    def test_a_server_with_sound_alone_takes_nobody_from_the_picture(self, make_site, tracker_says):
        tracker_says.says = told(hall=["mp3"])
        [server] = tracker_says.says["rooms"]["hall"]["endpoints"]
        tracker_says.says["rooms"]["hall"]["endpoints"] = [
            server | {"url": "http://sound.example/", "name": "sound", "weight": 1000},
            server | {"url": "http://video.example/", "formats": ["hls"], "weight": 0},
        ]
        site = make_site(**{"tracker.internal_url": tracker_says.url})

        assert site.get("/hall").html.select_one("video source")["src"] == (
            "http://video.example/stream.m3u8"
        )
        assert "http://video.example/stream.m3u8" in site.get("/hall/stream.m3u").text
        assert "http://sound.example" not in site.get("/streams/v2.json").text


class TestMonitor:
    def test_what_is_wrong_comes_first(self, make_site, tracker_says):
        tracker_says.says = told(hall=None, lab=["webm_high"])
        site = make_site(**{"tracker.internal_url": tracker_says.url})

        page = site.get("/monitor").html

        rows = [[text(cell) for cell in row.select("th, td")] for row in page.select("tbody tr")]
        assert [row[:8] for row in rows] == [
            ["Great Hall", "No stream", "0", "–", "0", "3.5", "–", "–"],
            ["Lab", "Live", "1", "–", "7", "3.5", "–", "–"],
            ["Tube", "Live", "–", "–", "–", "–", "–", "–"],
        ]
        assert rows[0][8:10] == ["Keynote & more until 11:00 AEDT", "Do not record"]
        assert text(page.select_one(".alarm")) == "1 room has a talk on and no stream."

    def test_what_the_tracker_calls_wrong_is_told_in_its_words(self, make_site, tracker_says):
        tracker_says.says = told(hall=["webm_high"], lab=["webm_high"])
        tracker_says.of["/api/v1/incidents"] = {
            "incidents": [
                {
                    "room": "lab",
                    "summary": "Viewers of <b>Lab</b> waited for 12% of their time.",
                    "opened_at": "2026-11-23T21:19:00.000Z",
                }
            ]
        }
        tracker_says.of["/api/v1/rooms"] = {
            "rooms": [
                {
                    "room": "lab",
                    "viewers": {"players": 1234, "others": 5},
                    "startup_p95_ms": 2149,
                    "rebuffer_ratio": 0.1234,
                }
            ]
        }
        site = make_site(**{"tracker.internal_url": tracker_says.url})

        page = site.get("/monitor").html

        [alarm] = page.select(".incidents li")
        assert text(alarm) == ("Viewers of <b>Lab</b> waited for 12% of their time. for 2 h")
        first = [text(cell) for cell in page.select_one("tbody tr").select("th, td")]
        assert first[:8] == ["Lab", "Live", "1", "1,234", "5", "3.5", "2.1", "12.3"]
        assert page.select("tr.wrong th")[0].text.strip() == "Lab"

    def test_a_tracker_that_answers_something_else_is_like_none(self, make_site, tracker_says):
        tracker_says.says = told(hall=["webm_high"])
        tracker_says.of["/api/v1/incidents"] = {"incidents": [{"summary": 1}]}
        tracker_says.of["/api/v1/rooms"] = ["what"]
        site = make_site(**{"tracker.internal_url": tracker_says.url})

        assert "The tracker does not answer" in text(site.get("/monitor").html.select_one("main"))

    def test_without_a_tracker_nothing_is_called_wrong(self, site):
        page = site.get("/monitor").html

        assert page.select(".alarm") == []
        assert [text(row.select("td")[0]) for row in page.select("tbody tr")] == [
            "Unknown",
            "Unknown",
            "Live",
        ]


class TestJson:
    def test_now_and_next_in_the_room_s_own_time(self, site):
        answer = site.get("/hall/json")

        assert answer.content_type == "application/json"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        now, following = answer.json
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

    def test_delta_shifts_the_clock(self, site):
        titles = [item["title"] for item in site.get("/hall/json?delta=5400").json]

        assert titles == ["<b>Panel</b>", "Moved"]
        assert site.get("/hall/json?delta=-86400").json[0]["title"] == "Test Conf not yet started"

    @pytest.mark.parametrize("delta", ["x", "", "1.5", "9" * 30, "999999999999"])
    def test_a_delta_that_is_no_number_is_refused(self, site, delta):
        answer = site.get(f"/hall/json?delta={delta}", status=400)

        assert answer.json["error"].endswith(
            "; allowed: a whole number of seconds, ten years at most"
        )

    def test_a_room_without_schedule_has_no_items(self, site):
        assert site.get("/tube/json").json == []

    def test_an_unknown_room_is_said_in_json(self, site):
        assert site.get("/nowhere/json", status=404).json == {
            "error": "there is no room called nowhere"
        }


class TestRss:
    def test_now_and_next_are_items_of_a_valid_feed(self, site):
        answer = site.get("/hall/rss")

        assert answer.content_type == "application/rss+xml"
        rss = ElementTree.fromstring(answer.body)
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
        assert parsedate_to_datetime(now.findtext("pubDate")) == HALL[0].start
        assert following.findtext("title") == "Next: 30 minute break"
        assert following.findtext("link") == "http://localhost/hall"

    def test_in_a_gap_too_short_to_be_filled_nothing_is_called_now(self, site, clock, plan):
        plan(HALL[0], event("11:03", 30, "Panel"))
        clock["now"] = HALL[0].end

        rss = ElementTree.fromstring(site.get("/hall/rss").body)

        assert [item.findtext("title") for item in rss.iter("item")] == ["Next: Panel"]

    def test_what_xml_cannot_hold_does_not_break_the_feed(self, site, plan):
        plan(event("10:00", 60, "Keynote\ufffe \U0001f389", abstract="<p>tab\x08bed</p>"))

        item = ElementTree.fromstring(site.get("/hall/rss").body).find(".//item")

        assert item.findtext("title") == "Now: Keynote \U0001f389"
        assert item.findtext("description") == "<p>tabbed</p>"

    def test_a_room_without_schedule_has_an_empty_feed(self, site):
        assert ElementTree.fromstring(site.get("/tube/rss").body).findall(".//item") == []


class TestExports:
    @pytest.mark.parametrize(
        ("path", "media_type", "talks"),
        [
            ("/schedule.xml", "application/xml", 4),
            ("/schedule.json", "application/json", 4),
            ("/schedule.ics", "text/calendar", 4),
            ("/hall/schedule.ics", "text/calendar", 3),
        ],
    )
    def test_the_programme_goes_out_for_apps(self, site, path, media_type, talks):
        answer = site.get(path)

        assert answer.content_type == media_type
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.body.count(b"guid-") == 0 or media_type == "text/calendar"
        marks = (b"<event ", b'"guid"', b"BEGIN:VEVENT")
        assert sum(answer.body.count(mark) for mark in marks) == talks
        assert b"http://localhost/hall" in answer.body

    def test_an_unknown_room_has_none(self, site):
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
    def test_there_is_a_default(self, site, path, media_type):
        assert site.get(path).content_type == media_type

    @pytest.mark.parametrize(
        ("path", "file", "media_type"),
        [
            ("/brand/logo", "logo.png", "image/png"),
            ("/favicon.ico", "favicon.ico", "image/x-icon"),
            ("/robots.txt", "robots.txt", "text/plain"),
        ],
    )
    def test_a_file_dropped_into_the_folder_takes_its_place(
        self, site, tmp_path, path, file, media_type
    ):
        (tmp_path / "brand").mkdir()
        (tmp_path / "brand" / file).write_bytes(b"ours")

        answer = site.get(path)

        assert (answer.body, answer.content_type) == (b"ours", media_type)

    def test_nothing_else_of_the_folder_is_served(self, site, tmp_path):
        (tmp_path / "brand").mkdir()
        (tmp_path / "brand" / "secret.txt").write_text("x")

        for path in ("/brand/secret.txt", "/brand/..%2fconfig.json", "/brand"):
            site.get(path, status=404)


class TestEveryPage:
    PAGES = ("/", "/hall", "/tube", "/hall?template=inroom", "/monitor")

    @pytest.mark.parametrize("path", PAGES)
    def test_it_has_one_heading_a_language_landmarks_and_named_pictures(self, live_site, path):
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
    def test_it_loads_nothing_from_elsewhere_and_runs_nothing_inline(self, live_site, path):
        answer = live_site.get(path)

        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
        assert "unsafe" not in policy
        loaded = [
            element.get("src") or element.get("href")
            for element in answer.html.select("script, img, link[rel=stylesheet], link[rel=icon]")
        ]
        assert loaded
        assert [url for url in loaded if not url.startswith("/")] == []
        assert [s for s in answer.html.select("script") if s.string] == answer.html.select("style")

    def test_it_reloads_itself_where_there_is_no_javascript(self, site):
        assert site.get("/").html.select_one("noscript meta")["content"] == "600"

    def test_the_site_is_called_after_its_events(self, site):
        assert text(site.get("/").html.select_one("title")) == "Test Conf"

    def test_a_fault_of_ours_is_a_page_without_traceback(self, site, clock):
        clock["now"] = None

        answer = site.get("/", status=500)

        assert text(answer.html.select_one("h1")) == "Something is wrong on our side"
        assert "Traceback" not in answer.text

    def test_head_requests_are_answered(self, site):
        assert site.head("/hall").status_int == 200


class TestLive:
    def test_the_tracker_is_asked_once_for_many_viewers(self, live_site, tracker_says):
        for _ in range(20):
            live_site.get("/")

        assert tracker_says.asked == 1

    @pytest.mark.parametrize(
        "nonsense",
        [b"", b"<html>", b"[]", b"null", {"rooms": {"hall": {}}}, {"rooms": {"hall": {"live": 1}}},
         {"rooms": []}, b"[" * 100_000, b'{"rooms": {"hall": {"live": true, "clients": 1e999}}}'],
    )  # fmt: skip
    def test_a_tracker_that_talks_nonsense_costs_no_page(self, make_site, tracker_says, nonsense):
        tracker_says.says = nonsense

        page = make_site(**{"tracker.internal_url": tracker_says.url}).get("/")

        assert ("hall", "unknown", "On now") in cards(page)

    def test_a_tracker_that_sends_drop_by_drop_costs_a_page_little(self, make_site):
        with dripping() as url:
            site = make_site(**{"tracker.internal_url": url})
            began = time.monotonic()
            site.get("/")

            # It drips for ever. The first page also waits for its templates to be compiled.
            assert time.monotonic() - began < 15

    def test_nobody_waits_for_the_viewer_who_asks_the_tracker(self, make_site, tracker_says):
        """The tracker may need the threads that they would hold."""
        tracker_says.says = told(hall=["webm_high"])
        site = make_site(**{"tracker.internal_url": tracker_says.url})
        tracker_says.answers.clear()
        live = site.app.registry["room_statuses"]
        first = threading.Thread(target=live.get)
        first.start()
        assert tracker_says.was_asked.wait(5)

        meanwhile = live.get()
        assert first.is_alive()
        tracker_says.answers.set()
        first.join()

        assert meanwhile is None
        assert ("hall", "true", "● Live") in cards(site.get("/"))

    def test_a_stream_with_an_odd_address_is_left_out(self, make_site, tracker_says):
        says = told(hall=["webm_high"])
        says["rooms"]["hall"]["endpoints"][0]["url"] = "javascript:alert(1)//"
        tracker_says.says = says

        page = make_site(**{"tracker.internal_url": tracker_says.url}).get("/hall")

        assert "javascript:" not in page.text


class TestStart:
    def test_a_bad_configuration_stops_the_start_with_one_line(self, make_site, tmp_path):
        (tmp_path / "config.json").write_text('{"hall": {"titel": "x"}}')

        with pytest.raises(SystemExit) as stop:
            make_site()

        assert "room 'hall': key 'titel': unknown key; did you mean 'title'?" in str(stop.value)

    def test_a_new_schedule_is_shown_without_a_restart(self, site, schedule_file):
        assert site.get("/lab/json").json != []

        save_schedule(Schedule(), schedule_file)

        assert site.get("/lab/json").json == []


class TestGraphs:
    @pytest.mark.parametrize(
        ("asked", "minutes"),
        # The keynote began 20 minutes ago, and the event two hours before it.
        [("", 120), ("?range=10080", 10080), ("?range=event", 140)],
    )
    def test_the_range_is_kept_in_the_address(self, site, asked, minutes):
        page = site.get(f"/graphs{asked}")

        [chosen] = page.html.select(".ranges [aria-current=true]")
        assert chosen["href"] == f"/graphs{asked or '?range=120'}"
        assert f"overall-stats.json?range={minutes}" in page.text

    def test_a_range_that_nobody_offers_is_refused(self, site):
        page = site.get("/graphs?range=7%22%3E", status=400)

        assert "allowed: 10, 60, 120, 1440, 10080, event" in page.text

    def test_a_room_has_graphs_of_its_servers(self, site):
        page = site.get("/graphs?room=hall&range=60")

        assert page.html.h1.get_text() == "Great Hall: its servers"
        assert page.html.select_one("[data-graphs]")["data-of"] == "hall"
