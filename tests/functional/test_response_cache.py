"""The response cache: hits, invalidation, compression, and its use by the tracker."""

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


def fetch_encoded(site, path, headers):
    """Return a response without decoding it, as WebTest would."""
    response = Request.blank(path, headers=headers).get_response(site.app)
    # Reading the whole body closes its file.
    assert response.body
    return response


class CountingApp:
    """A WSGI app that counts the requests to another one."""

    def __init__(self, app):
        self.app, self.count = app, 0

    def __call__(self, environ, start_response):
        self.count += 1
        return self.app(environ, start_response)


@pytest.fixture
def frozen_clock(monkeypatch):
    """Freeze the monotonic clock, so that slow machines do not matter."""
    monkeypatch.setattr(response_cache, "time", SimpleNamespace(monotonic=lambda: 1000.0))


@pytest.fixture
def counting_site(site, frozen_clock):
    """A site that counts the requests that reach Pyramid."""
    site.app.app = CountingApp(site.app.app)
    return site


class TestPages:
    def test_requests_within_a_second_are_hits(self, counting_site):
        pages = [counting_site.get("/hall?template=group") for _ in range(5)]

        assert counting_site.app.app.count == 1
        assert len({page.body for page in pages}) == 1
        assert len({page.headers["X-Request-ID"] for page in pages}) == 5
        page = counting_site.get("/hall?template=group", headers={"X-Request-ID": "of-the-proxy"})
        assert page.headers["X-Request-ID"] == "of-the-proxy"

    def test_new_schedule_invalidates_pages(self, counting_site, write_schedule):
        write_schedule(make_talk("10:00", 60, "First title"))
        assert "First title" in counting_site.get("/schedule")

        write_schedule(make_talk("10:00", 60, "Second title"))

        page = counting_site.get("/schedule")
        assert "Second title" in page
        assert "First title" not in page

    def test_entry_expires_after_a_second(self, counting_site, clock):
        for _ in range(2):
            counting_site.get("/hall/json")
            clock["now"] += timedelta(seconds=1)

        assert counting_site.app.app.count == 2

    def test_entry_from_the_future_is_a_miss(self, counting_site, clock):
        counting_site.get("/hall/json")
        clock["now"] -= timedelta(hours=1)

        counting_site.get("/hall/json")

        assert counting_site.app.app.count == 2

    @pytest.mark.parametrize("order", [(VENUE, AWAY), (AWAY, VENUE)])
    def test_venue_and_public_have_separate_entries(self, counting_site, order):
        pages = {}
        for _ in range(2):
            for client in order:
                page = counting_site.get("/hall", extra_environ=client)
                pages.setdefault(client["REMOTE_ADDR"], []).append(page)

        assert counting_site.app.app.count == 2
        for page in pages[VENUE["REMOTE_ADDR"]]:
            assert IN_ROOM in page.html.text
        for page in pages[AWAY["REMOTE_ADDR"]]:
            assert IN_ROOM not in page.html.text

    def test_etag_of_the_venue_does_not_match_for_the_public(self, counting_site):
        tag = counting_site.get("/hall", extra_environ=VENUE).headers["ETag"]

        headers = {"If-None-Match": tag}

        counting_site.get("/hall", headers=headers, extra_environ=VENUE, status=304)
        assert counting_site.get("/hall", headers=headers, extra_environ=AWAY, status=200).body

    def test_each_language_has_an_entry(self, counting_site):
        for _ in range(2):
            for accepted, language in (("de-AT, en;q=0.5", "de"), ("fr", "fr"), ("de", "de")):
                page = counting_site.get("/", headers={"Accept-Language": accepted})
                assert page.html.html["lang"] == language

        assert counting_site.app.app.count == 2

    def test_each_host_name_has_an_entry(self, counting_site):
        for host in ("one.example", "two.example"):
            assert host in counting_site.get("/streams/v2.json", headers={"Host": host})

    def test_hit_with_matching_etag_gets_304(self, counting_site):
        tag = counting_site.get("/").headers["ETag"]

        for etags in (tag, f'"other", W/{tag}'):
            response = counting_site.get("/", headers={"If-None-Match": etags}, status=304)
            assert response.body == b""
            assert response.headers["ETag"] == tag
            assert response.headers["Cache-Control"] == "max-age=1, public"
            assert "Content-Length" not in response.headers
        counting_site.get("/", headers={"If-None-Match": '"other"'}, status=200)
        assert counting_site.app.app.count == 1

    def test_errors_and_other_methods_are_not_cached(self, counting_site):
        for _ in range(2):
            counting_site.get("/nothing/here/at/all", status=404)
            counting_site.head("/")
            counting_site.get("/robots.txt", headers={"Range": "bytes=0-3"})

        assert counting_site.app.app.count == 6

    def test_ini_can_disable_the_cache(self, make_site):
        site = make_site(**{"response_cache.enabled": "false"})

        assert not isinstance(site.app, ResponseCacheMiddleware)

    def test_hits_are_in_the_access_log(self, make_site, caplog):
        site = make_site(access_log="true")
        caplog.set_level("INFO", "streaming_system.access")

        for _ in range(2):
            site.get("/hall/json?q=secret")

        records = [each for each in caplog.records if each.name == "streaming_system.access"]
        lines = [re.sub(r"[\d.]+ ms", "", record.getMessage()) for record in records]
        assert lines == ["GET /hall/json 200 "] * 2


class TestCompression:
    @pytest.mark.parametrize(
        ("encoding", "decode"), [("gzip", gzip.decompress), ("br", brotli.decompress)]
    )
    def test_compressed_page_is_smaller_and_has_the_same_content(self, site, encoding, decode):
        plain = site.get("/")
        accepts = {"Accept-Encoding": encoding}
        response = fetch_encoded(site, "/", accepts)

        assert response.headers["Content-Encoding"] == encoding
        assert decode(response.body) == plain.body
        assert len(response.body) == int(response.headers["Content-Length"]) < len(plain.body) / 2
        assert response.headers["ETag"] == f"W/{plain.headers['ETag']}"
        for etag in (response.headers["ETag"], plain.headers["ETag"]):
            site.get("/", headers=accepts | {"If-None-Match": etag}, status=304)

    def test_vary_header_has_the_encoding(self, site):
        for accepted in ("", "gzip"):
            response = site.get("/", headers={"Accept-Encoding": accepted})
            assert set(response.vary) == {"Accept-Language", "Accept-Encoding"}

    @pytest.mark.parametrize("accepted", ["identity", "gzip;q=0, *;q=0", "zstd", "rubbish;;"])
    def test_client_without_supported_encoding_gets_none(self, site, accepted):
        response = site.get("/", headers={"Accept-Encoding": accepted})

        assert "Content-Encoding" not in response.headers

    def test_style_sheets_are_compressed_and_images_are_not(self, site):
        version = site.app.registry["assets"].version
        accepts = {"Accept-Encoding": "gzip"}

        sheet = fetch_encoded(site, f"/static/{version}/site.css", accepts)
        icon = fetch_encoded(site, "/brand/icon-192.png", accepts)

        assert sheet.headers["Content-Encoding"] == "gzip"
        assert "immutable" in sheet.headers["Cache-Control"]
        assert "Content-Encoding" not in icon.headers


class BlockingApp:
    """A WSGI app whose responses the test can delay."""

    registry = None

    def __init__(self):
        self.count = 0
        self.may_respond = threading.Event()
        self.may_respond.set()
        self.is_requested = threading.Event()

    def block(self):
        """Block the next request until the test sets ``may_respond``."""
        self.may_respond.clear()
        self.is_requested.clear()

    def __call__(self, environ, start_response):
        self.count += 1
        body = f"{self.count:4}".encode() * 256
        self.is_requested.set()
        assert self.may_respond.wait(30)
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
def blocking_app():
    return BlockingApp()


@pytest.fixture
def cached_app(blocking_app, frozen_clock):
    """Return a function that caches the responses of the blocking app, with a test clock."""
    time = {"now": datetime(2026, 11, 25, 12, tzinfo=UTC)}

    def cached_app(**options):
        cached = ResponseCacheMiddleware(
            blocking_app,
            dependencies=lambda: (),
            vary_key=lambda environ: None,
            clock=lambda: time["now"],
            on_hit=lambda environ, status, seconds: None,
            **options,
        )
        return TestApp(cached), time

    return cached_app


class TestStaleWhileRevalidate:
    def test_other_requests_get_the_stale_entry_during_revalidation(self, cached_app, blocking_app):
        app, time = cached_app()
        first = app.get("/").body
        time["now"] += timedelta(seconds=1.5)
        blocking_app.block()
        revalidated = []
        thread = threading.Thread(target=lambda: revalidated.append(app.get("/").body))
        thread.start()
        assert blocking_app.is_requested.wait(30)

        assert app.get("/").body == first

        blocking_app.may_respond.set()
        thread.join(30)
        assert revalidated == [app.get("/").body]
        assert revalidated != [first]

    def test_stale_entry_is_a_miss_after_two_seconds(self, cached_app, blocking_app):
        app, time = cached_app()
        first = app.get("/").body
        time["now"] += timedelta(seconds=2)
        blocking_app.block()
        bodies = []
        threads = [threading.Thread(target=lambda: bodies.append(app.get("/").body)) for _ in "ab"]
        for thread in threads:
            thread.start()
        assert blocking_app.is_requested.wait(30)
        blocking_app.may_respond.set()
        for thread in threads:
            thread.join(30)

        assert first not in bodies

    def test_cache_evicts_entries_beyond_its_size(self, cached_app, blocking_app):
        app, _ = cached_app(max_bytes=64_000)

        for number in range(100):
            app.get(f"/?{number}")

        # Each has a body of 1 kB, which counts twice, 600 bytes of key and headers, and 4 kB of
        # objects.
        assert len(app.app._cache) == 9
        app.get("/?99")
        assert blocking_app.count == 100
        app.get("/?0")
        assert blocking_app.count == 101


@pytest.fixture
def register(tracker):
    """Return a function that registers an endpoint of the hall."""

    def register():
        form = {"secret": SECRET, "group": "hall", "data": json.dumps({"overall_clients": 1})}
        assert tracker.post("/endpoint/register", form).text.startswith("OK")

    return register


class TestTracker:
    def test_report_invalidates_the_stream_list(self, tracker, register):
        assert not tracker.get("/streams.json").json["rooms"]["hall"]["live"]

        register()

        assert tracker.get("/streams.json").json["rooms"]["hall"]["live"]

    def test_report_to_another_worker_shows_after_a_second(
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

    def test_hits_are_in_the_metrics(self, tracker):
        for _ in range(3):
            tracker.get("/hall/streams.json")

        line = 'streaming_http_requests_total{method="GET",route="room.streams",status="2xx"} 3.0'
        assert line in tracker.get("/metrics").text

    def test_each_origin_has_an_entry(self, tracker_settings):
        allowed = "https://live.example"
        app = TestApp(tracker_app.main({}, **tracker_settings, allowed_origins=allowed))

        responses = {
            origin: app.get("/streams.json", headers={"Origin": origin})
            for origin in (allowed, "https://evil.example", allowed)
        }

        assert responses[allowed].headers["Access-Control-Allow-Origin"] == allowed
        assert "Access-Control-Allow-Origin" not in responses["https://evil.example"].headers
        assert json.loads(responses[allowed].body)
        app.app.registry["db.sessions"].kw["bind"].dispose()
