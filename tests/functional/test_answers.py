"""Answers that are kept for a second: who gets them, and who never does."""

import gzip
import json
import re
import threading
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import brotli
import pytest
from webob import Request
from webtest import TestApp

from streaming_system import tracker as tracker_app
from streaming_system.web import response_cache
from streaming_system.web.response_cache import ResponseCacheMiddleware

from .conftest import SECRET
from .pages import make_talk

VENUE = {"REMOTE_ADDR": "192.0.2.7"}
AWAY = {"REMOTE_ADDR": "203.0.113.1"}
IN_ROOM = "video streaming is not permitted from within the venue"


def as_sent(site, path, headers):
    """Return an answer without decoding it, which WebTest would."""
    answer = Request.blank(path, headers=headers).get_response(site.app)
    # All of it is read, so that a file that it comes from is closed.
    assert answer.body
    return answer


class Counting:
    """A WSGI app that counts what reaches the one behind it."""

    def __init__(self, app):
        self.app, self.count = app, 0

    def __call__(self, environ, start_response):
        self.count += 1
        return self.app(environ, start_response)


@pytest.fixture
def still(monkeypatch):
    """Only the test's own clock goes, however slow the machine is."""
    monkeypatch.setattr(response_cache, "time", SimpleNamespace(monotonic=lambda: 1000.0))


@pytest.fixture
def counted(site, still):
    """The pages of three rooms, and what reaches Pyramid of what they are asked."""
    site.app.app = Counting(site.app.app)
    return site


class TestPages:
    def test_within_a_second_all_get_what_the_first_one_got(self, counted):
        pages = [counted.get("/hall?template=group") for _ in range(5)]

        assert counted.app.app.count == 1
        assert len({page.body for page in pages}) == 1
        assert len({page.headers["X-Request-ID"] for page in pages}) == 5
        own = counted.get("/hall?template=group", headers={"X-Request-ID": "of-the-proxy"})
        assert own.headers["X-Request-ID"] == "of-the-proxy"

    def test_a_new_schedule_is_shown_at_once(self, counted, write_schedule):
        write_schedule(make_talk("10:00", 60, "First title"))
        assert "First title" in counted.get("/schedule")

        write_schedule(make_talk("10:00", 60, "Second title"))

        page = counted.get("/schedule")
        assert "Second title" in page
        assert "First title" not in page

    def test_a_second_later_the_page_is_about_another_moment(self, counted, clock):
        for _ in range(2):
            counted.get("/hall/json")
            clock["now"] += timedelta(seconds=1)

        assert counted.app.app.count == 2

    def test_a_clock_that_goes_back_brings_nothing_back(self, counted, clock):
        counted.get("/hall/json")
        clock["now"] -= timedelta(hours=1)

        counted.get("/hall/json")

        assert counted.app.app.count == 2

    @pytest.mark.parametrize("order", [(VENUE, AWAY), (AWAY, VENUE)])
    def test_neither_the_venue_nor_the_public_gets_the_other_s_page(self, counted, order):
        got = {}
        for _ in range(2):
            for where in order:
                page = counted.get("/hall", extra_environ=where)
                got.setdefault(where["REMOTE_ADDR"], []).append(page)

        assert counted.app.app.count == 2
        for page in got[VENUE["REMOTE_ADDR"]]:
            assert IN_ROOM in page.html.text
        for page in got[AWAY["REMOTE_ADDR"]]:
            assert IN_ROOM not in page.html.text

    def test_a_page_of_the_venue_is_no_answer_to_the_public_s_tag(self, counted):
        tag = counted.get("/hall", extra_environ=VENUE).headers["ETag"]

        held = {"If-None-Match": tag}

        counted.get("/hall", headers=held, extra_environ=VENUE, status=304)
        assert counted.get("/hall", headers=held, extra_environ=AWAY, status=200).body

    def test_each_language_has_its_own(self, counted):
        for _ in range(2):
            for accepted, language in (("de-AT, en;q=0.5", "de"), ("fr", "fr"), ("de", "de")):
                page = counted.get("/", headers={"Accept-Language": accepted})
                assert page.html.html["lang"] == language

        assert counted.app.app.count == 2

    def test_each_name_of_the_site_has_its_own(self, counted):
        for host in ("one.example", "two.example"):
            assert host in counted.get("/streams/v2.json", headers={"Host": host})

    def test_what_a_browser_has_is_not_sent_again(self, counted):
        tag = counted.get("/").headers["ETag"]

        for held in (tag, f'"other", W/{tag}'):
            answer = counted.get("/", headers={"If-None-Match": held}, status=304)
            assert answer.body == b""
            assert answer.headers["ETag"] == tag
            assert answer.headers["Cache-Control"] == "max-age=1, public"
            assert "Content-Length" not in answer.headers
        counted.get("/", headers={"If-None-Match": '"other"'}, status=200)
        assert counted.app.app.count == 1

    def test_errors_and_other_methods_are_not_kept(self, counted):
        for _ in range(2):
            counted.get("/nothing/here/at/all", status=404)
            counted.head("/")
            counted.get("/robots.txt", headers={"Range": "bytes=0-3"})

        assert counted.app.app.count == 6

    def test_the_ini_can_do_without(self, make_site):
        site = make_site(**{"response_cache.enabled": "false"})

        assert not isinstance(site.app, ResponseCacheMiddleware)

    def test_each_is_a_line_of_the_access_log(self, make_site, caplog):
        site = make_site(access_log="true")
        caplog.set_level("INFO", "streaming_system.access")

        for _ in range(2):
            site.get("/hall/json?q=secret")

        lines = [re.sub(r"[\d.]+ ms", "", record.getMessage()) for record in caplog.records]
        assert lines == ["GET /hall/json 200 "] * 2


class TestCompression:
    @pytest.mark.parametrize(
        ("coding", "decode"), [("gzip", gzip.decompress), ("br", brotli.decompress)]
    )
    def test_a_page_is_the_same_in_less(self, site, coding, decode):
        whole = site.get("/")
        accepts = {"Accept-Encoding": coding}
        answer = as_sent(site, "/", accepts)

        assert answer.headers["Content-Encoding"] == coding
        assert decode(answer.body) == whole.body
        assert len(answer.body) == int(answer.headers["Content-Length"]) < len(whole.body) / 2
        assert answer.headers["ETag"] == f"W/{whole.headers['ETag']}"
        for held in (answer.headers["ETag"], whole.headers["ETag"]):
            site.get("/", headers=accepts | {"If-None-Match": held}, status=304)

    def test_caches_are_told_that_there_is_more_than_one(self, site):
        for accepted in ("", "gzip"):
            answer = site.get("/", headers={"Accept-Encoding": accepted})
            assert set(answer.vary) == {"Accept-Language", "Accept-Encoding"}

    @pytest.mark.parametrize("accepted", ["identity", "gzip;q=0, *;q=0", "zstd", "rubbish;;"])
    def test_who_takes_none_gets_none(self, site, accepted):
        answer = site.get("/", headers={"Accept-Encoding": accepted})

        assert "Content-Encoding" not in answer.headers

    def test_files_are_compressed_too_and_pictures_are_not(self, site):
        version = site.app.registry["assets"].version
        accepts = {"Accept-Encoding": "gzip"}

        sheet = as_sent(site, f"/static/{version}/site.css", accepts)
        icon = as_sent(site, "/brand/icon-192.png", accepts)

        assert sheet.headers["Content-Encoding"] == "gzip"
        assert "immutable" in sheet.headers["Cache-Control"]
        assert "Content-Encoding" not in icon.headers


class Small:
    """A WSGI app with a registry, whose answers can be held back."""

    registry = None

    def __init__(self):
        self.count = 0
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.is_asked = threading.Event()

    def hold(self):
        """Answer the next one when the test says so."""
        self.may_answer.clear()
        self.is_asked.clear()

    def __call__(self, environ, start_response):
        self.count += 1
        body = f"{self.count:4}".encode() * 256
        self.is_asked.set()
        assert self.may_answer.wait(30)
        start_response(
            "200 OK",
            [
                ("Content-Type", "text/plain"),
                ("Content-Length", str(len(body))),
                ("Cache-Control", "max-age=1, public"),
            ],
        )
        return [body]


@pytest.fixture
def small():
    return Small()


@pytest.fixture
def keep(small, still):
    """Return a function that keeps the small app's answers, by a clock of the test."""
    time = {"now": datetime(2026, 11, 25, 12, tzinfo=UTC)}

    def keep(**more):
        kept = ResponseCacheMiddleware(
            small,
            dependencies=lambda: (),
            vary_key=lambda environ: None,
            clock=lambda: time["now"],
            on_hit=lambda environ, status, seconds: None,
            **more,
        )
        return TestApp(kept), time

    return keep


class TestKeeping:
    def test_while_one_renews_it_the_others_get_the_one_of_before(self, keep, small):
        app, time = keep()
        first = app.get("/").body
        time["now"] += timedelta(seconds=1.5)
        small.hold()
        renewed = []
        thread = threading.Thread(target=lambda: renewed.append(app.get("/").body))
        thread.start()
        assert small.is_asked.wait(30)

        assert app.get("/").body == first

        small.may_answer.set()
        thread.join(30)
        assert renewed == [app.get("/").body]
        assert renewed != [first]

    def test_after_two_seconds_nobody_does(self, keep, small):
        app, time = keep()
        first = app.get("/").body
        time["now"] += timedelta(seconds=2)
        small.hold()
        got = []
        threads = [threading.Thread(target=lambda: got.append(app.get("/").body)) for _ in "ab"]
        for thread in threads:
            thread.start()
        assert small.is_asked.wait(30)
        small.may_answer.set()
        for thread in threads:
            thread.join(30)

        assert first not in got

    def test_it_takes_no_more_memory_than_it_may(self, keep, small):
        app, _ = keep(max_bytes=20_000)

        for number in range(100):
            app.get(f"/?{number}")

        # Each has a body of 1 kB, which counts twice, and 150 bytes of key and headers.
        assert len(app.app._cache) == 9
        app.get("/?99")
        assert small.count == 100
        app.get("/?0")
        assert small.count == 101


@pytest.fixture
def register(tracker):
    """Return a function that registers an endpoint of the hall."""

    def register():
        form = {"secret": SECRET, "group": "hall", "data": json.dumps({"overall_clients": 1})}
        assert tracker.post("/endpoint/register", form).text.startswith("OK")

    return register


class TestTracker:
    def test_a_report_shows_at_once(self, tracker, register):
        assert not tracker.get("/streams.json").json["rooms"]["hall"]["live"]

        register()

        assert tracker.get("/streams.json").json["rooms"]["hall"]["live"]

    def test_what_another_worker_was_told_shows_a_second_later(
        self, tracker, tracker_settings, register
    ):
        other = TestApp(tracker_app.main({}, **tracker_settings), extra_environ=AWAY)
        now = datetime.now(UTC)
        other.app.registry["clock"] = lambda: now
        assert not other.get("/streams.json").json["rooms"]["hall"]["live"]
        register()

        now += timedelta(seconds=1)

        assert other.get("/streams.json").json["rooms"]["hall"]["live"]
        other.app.registry["db.sessions"].kw["bind"].dispose()

    def test_each_counts_in_the_metrics(self, tracker):
        for _ in range(3):
            tracker.get("/hall/streams.json")

        line = 'streaming_http_requests_total{method="GET",route="room.streams",status="2xx"} 3.0'
        assert line in tracker.get("/metrics").text

    def test_a_site_that_may_not_ask_is_not_given_another_s_answer(self, tracker_settings):
        allowed = "https://live.example"
        app = TestApp(tracker_app.main({}, **tracker_settings, allowed_origins=allowed))

        answers = {
            origin: app.get("/streams.json", headers={"Origin": origin})
            for origin in (allowed, "https://evil.example", allowed)
        }

        assert answers[allowed].headers["Access-Control-Allow-Origin"] == allowed
        assert "Access-Control-Allow-Origin" not in answers["https://evil.example"].headers
        assert json.loads(answers[allowed].body)
        app.app.registry["db.sessions"].kw["bind"].dispose()
