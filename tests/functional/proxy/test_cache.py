"""nginx's cache: cached pages, their age, and responses that are never cached."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from streaming_system.schedule.model import RoomSchedule, Schedule, Slot
from streaming_system.schedule.storage import save_schedule

from .site import FROM_CACHE, VENUE, VIEWER, wait_until

CONCURRENT_VIEWERS = 30


def get_concurrently(site, path, **more):
    """Send many requests at the same time."""
    with ThreadPoolExecutor(CONCURRENT_VIEWERS) as viewers:
        return list(viewers.map(lambda _: site.get(path, **more), range(CONCURRENT_VIEWERS)))


def cache_states(responses):
    """Count the responses by X-Cache."""
    states = [response.headers.get("X-Cache", "") for response in responses]
    return {state: states.count(state) for state in sorted(set(states))}


def schedule_with_talk(title):
    """Return a schedule with one current talk."""
    now = datetime.now(UTC)
    talk = Slot(start=now - timedelta(hours=1), end=now + timedelta(hours=1), title=title, guid="1")
    hall = RoomSchedule(timezone=ZoneInfo("UTC"), slots=(talk,))
    return Schedule(rooms={"hall": hall}, imported_at=now)


class TestMicroCache:
    def test_concurrent_viewers_of_a_new_page_cause_one_request_to_the_app(self, proxied):
        # The first page of an app loads its templates.
        proxied.get("/hall?told=before")

        # nginx stops waiting after half a second, so a busy machine needs further attempts.
        for number in range(20):
            start = time.monotonic()
            responses = get_concurrently(proxied, f"/hall?told=first{number}")
            if time.monotonic() - start < 0.5:
                break

        assert {response.status for response in responses} == {200}
        assert cache_states(responses)["MISS"] == 1
        # All other requests are answered from the cache.
        assert set(cache_states(responses)) <= {"MISS", *FROM_CACHE}
        assert len({response.data for response in responses}) == 1

    def test_page_is_cached_for_a_second(self, proxied):
        # A busy machine can need more than a second for two requests.
        for number in range(10):
            start = time.monotonic()
            first, second = (proxied.get(f"/lab?told=within{number}") for _ in range(2))
            if time.monotonic() - start < 1:
                break

        assert (first.headers["X-Cache"], second.headers["X-Cache"]) == ("MISS", "HIT")

    def test_expired_page_is_revalidated(self, proxied):
        proxied.get("/?told=renewed")
        proxied.wait_until_expired()

        responses = get_concurrently(proxied, "/?told=renewed")

        # Requests during the revalidation also reach the app.
        assert set(cache_states(responses)) <= {"REVALIDATED", "EXPIRED", "HIT"}
        assert {response.status for response in responses} == {200}

    def test_all_pages_are_new_two_seconds_after_an_import(self, make_proxied):
        site = make_proxied(frontends=2)
        file = site.folder / "var/schedule.json"
        save_schedule(schedule_with_talk("Former title"), file)
        paths = [
            *(
                "/",
                "/hall",
                "/hall?template=group",
                "/schedule",
                "/schedule?view=list",
                "/hall/rss",
            ),
            *("/hall/json", "/hall/atom", "/hall/schedule", "/schedule.xml", "/schedule.json"),
            "/schedule2.json",
            *("/schedule.ics", "/schedule/file.json", "/streams/v2.json", "/monitor"),
        ]
        encodings = [{"Accept-Encoding": encoding} for encoding in ("", "gzip", "br")]
        requests = [(path, headers) for path in paths for headers in encodings]
        for path, headers in requests:
            assert b"Former title" in site.get(path, headers=headers).data, path

        save_schedule(schedule_with_talk("Brand new title"), file)
        # A second in nginx, and another one in the app.
        site.wait_until_expired()
        site.wait_until_expired()

        for path, headers in requests:
            response = site.get(path, headers=headers)
            assert b"Brand new title" in response.data, path
            # nginx and browsers cache it for a second.
            assert response.headers["Cache-Control"] == "max-age=1, public", path

    def test_conditional_request_gets_304(self, proxied):
        for path in ("/", "/hall", "/schedule", "/hall/rss"):
            first = proxied.get(path, headers={"Accept-Encoding": "gzip"})
            again = proxied.get(path, headers={"If-None-Match": first.headers["ETag"]})
            assert (path, again.status, again.data) == (path, 304, b"")

    def test_languages_are_cached_separately(self, proxied):
        content_languages = {
            language: proxied.get("/?told=both", headers={"Accept-Language": language}).headers[
                "Content-Language"
            ]
            for language in ("de", "fr", "de", "en")
        }

        assert content_languages == {"de": "de", "fr": "fr", "en": "en"}
        again = proxied.get("/?told=both", headers={"Accept-Language": "de"})
        assert again.headers["X-Cache"] in FROM_CACHE

    @pytest.mark.parametrize(
        ("spellings", "language"),
        [
            (("de", "de-AT,de;q=0.9,en;q=0.8", "de-CH, de;q=0.7, *;q=0.5"), "de"),
            (("fr-FR,fr;q=0.8,en-US;q=0.5", "pl, fr;q=0.9, en;q=0.1", "de;q=0, fr"), "fr"),
            (("", "pl", "en-US,en;q=0.9,de;q=0.1", "*"), "en"),
        ],
    )
    def test_equivalent_language_headers_share_a_cached_page(self, proxied, spellings, language):
        # On a busy machine, the page can expire in between.
        for number in range(10):
            path = f"/hall?told={language}{number}"
            responses = [
                proxied.get(path, headers={"Accept-Language": value}) for value in spellings
            ]
            if cache_states(responses).get("MISS") == 1:
                break

        assert {response.headers["Content-Language"] for response in responses} == {language}
        assert cache_states(responses)["MISS"] == 1

    def test_errors_are_not_cached(self, proxied):
        for _ in range(2):
            response = proxied.get("/schedule?day=x")
            assert (response.status, response.headers["X-Cache"]) == (400, "MISS")

    def test_tracker_is_not_cached(self, proxied):
        for _ in range(2):
            assert "X-Cache" not in proxied.get("/tracker/streams.js").headers

    def test_stream_lists_are_cached_for_a_second(self, proxied):
        for path in ("/tracker/streams.json", "/tracker/hall/streams.json"):
            first = proxied.get(path)
            assert (path, first.status) == (path, 200)
            responses = [proxied.get(path) for _ in range(20)]
            assert {response.headers["X-Cache"] for response in responses} <= {
                *FROM_CACHE,
                "EXPIRED",
            }
            assert sum(response.headers["X-Cache"] in FROM_CACHE for response in responses) >= 15
            generated_at = datetime.fromisoformat(responses[-1].json()["generated_at"])
            assert datetime.now(UTC) - generated_at < timedelta(seconds=10)

    def test_cache_key_of_stream_lists_ignores_unknown_parameters(self, proxied):
        path = "/tracker/hall/streams.json"
        proxied.get(path)
        responses = [proxied.get(f"{path}?{number}&region=&x={number}") for number in range(20)]

        assert {response.status for response in responses} == {200}
        assert sum(response.headers["X-Cache"] in FROM_CACHE for response in responses) >= 15

    def test_cached_stream_lists_are_served_while_the_tracker_is_down(self, make_proxied):
        site = make_proxied(frontends=0, trackers=1)
        before = site.get("/tracker/streams.json").json()
        site.kill("tracker")

        def get_list():
            return site.get("/tracker/streams.json")

        wait_until(lambda: get_list().headers["X-Cache"] == "STALE", 10, "the list has expired")
        assert (get_list().status, get_list().json()) == (200, before)
        # This list is not in the cache.
        assert site.get("/tracker/lab/streams.json").status == 503

    def test_pages_get_live_rooms_from_all_tracker_workers(self, proxied):
        response = proxied.request(
            "POST",
            "/tracker/endpoint/register",
            fields={
                "secret": "s3cret of the proxy",
                "group": "lab",
                "data": '{"overall_clients": 5}',
            },
            encode_multipart=False,
        )

        assert response.data == b"OK\n"
        deadline = time.monotonic() + 15
        while b'"live"' not in proxied.get("/streams/v2.json").data:
            assert time.monotonic() < deadline, proxied.get("/streams/v2.json").data
            time.sleep(0.2)


class TestFiles:
    def test_static_files_are_cached_regardless_of_the_query(self, proxied):
        page = proxied.get("/").data.decode()
        path = re.search(r"/static/[0-9a-f]{12}/site\.css", page)[0]
        first = proxied.get(path)
        assert first.headers["Cache-Control"] == "immutable, max-age=31536000, public"

        for query in ("", "?1", "?2"):
            assert proxied.get(path + query).headers["X-Cache"] == "HIT"

    def test_static_file_at_the_path_of_another_version_is_not_immutable(self, proxied):
        response = proxied.get("/static/0123456789ab/site.css")

        assert response.status == 200
        assert "immutable" not in response.headers["Cache-Control"]

    def test_texts_are_compressed(self, proxied):
        for path in ("/", "/static/site.css", "/hall/json", "/tracker/streams.json?x"):
            plain = proxied.get(path)
            compressed = proxied.get(
                path, headers={"Accept-Encoding": "gzip"}, decode_content=False
            )
            if len(plain.data) < 512:
                continue
            assert (path, compressed.headers["Content-Encoding"]) == (path, "gzip")
            assert "Accept-Encoding" in compressed.headers["Vary"]
            assert len(compressed.data) < len(plain.data) / 1.5

    def test_crew_pages_are_not_compressed(self, proxied):
        response = proxied.get(
            "/tracker/admin/login", headers={"Accept-Encoding": "gzip"}, decode_content=False
        )

        assert response.status == 200
        assert "Content-Encoding" not in response.headers


class TestOutage:
    @pytest.fixture
    def fragile(self, make_proxied):
        site = make_proxied(frontends=2)
        yield site
        site.stop()

    def test_cached_pages_are_served_while_the_app_is_down(self, fragile):
        paths = ("/", "/hall", "/schedule", "/robots.txt", "/hall/json")
        before = {path: fragile.get(path).data for path in paths}
        assert all(before.values())

        fragile.kill("frontend")
        # Longer than stale pages are served during a revalidation.
        deadline = time.monotonic() + 7
        while time.monotonic() < deadline:
            for path in paths:
                response = fragile.get(path)
                assert (path, response.status, response.data) == (path, 200, before[path])
            time.sleep(0.2)
        # This page is not in the cache.
        missing = fragile.get("/lab")
        assert (missing.status, missing.headers["Retry-After"]) == (503, "5")
        assert missing.headers["Cache-Control"] == "no-store"
        assert b"back in a moment" in missing.data

        for port in fragile.ports.frontend:
            fragile.start_worker("frontend", port)
        for (_, port), worker in fragile.workers.items():
            worker.wait_for(f"http://127.0.0.1:{port}/robots.txt", seconds=60)
        start = time.monotonic()
        while fragile.get("/lab").status != 200:
            assert time.monotonic() - start < 5
            time.sleep(0.1)

    def test_all_requests_succeed_while_one_of_two_workers_is_down(self, fragile):
        fragile.workers["frontend", fragile.ports.frontend[0]].kill()

        responses = [fragile.get(f"/hall?{number}") for number in range(20)]

        assert {response.status for response in responses} == {200}

    def test_tracker_that_is_down_is_reported_in_one_line(self, fragile):
        response = fragile.get("/tracker/streams.js")

        assert response.status == 503
        assert response.data == b"ERROR AWAY for a moment; send it again in 5 s\n"
        assert fragile.get("/hall").status == 200

    @pytest.mark.parametrize("path", ["endpoint/register", "endpoint/logs", "flumotion/log"])
    def test_report_of_the_legacy_protocol_gets_200_while_the_tracker_is_down(self, fragile, path):
        """The original's programs stop after any other status."""
        response = fragile.request("POST", f"/tracker/{path}", body=b"secret=s")

        assert (response.status, response.headers["Retry-After"]) == (200, "5")
        assert response.headers["Cache-Control"] == "no-store"
        assert response.data == b"ERROR AWAY for a moment; send it again in 5 s\n"
        for method, other in (("GET", path), ("POST", "hall/log"), ("PUT", f"api/v1/{path}")):
            response = fragile.request(method, f"/tracker/{other}", body=b"")
            assert (response.status, response.headers["Retry-After"]) == (503, "5")


def is_venue_page(response):
    assert response.status == 200
    # Only pages with a player have its stylesheet.
    return b"player.css" not in response.data


class TestVenue:
    def test_venue_and_others_get_their_own_pages_in_any_order(self, venue_site):
        for path in ("/hall", "/hall?lang=de", "/%68all", "/hall?template=default", "/hall?x"):
            for source in (VENUE, VIEWER, VIEWER, VENUE, VIEWER):
                response = venue_site.get(path, source=source)
                assert (path, source, is_venue_page(response)) == (path, source, source == VENUE)
                assert "private" in response.headers["Cache-Control"]
                assert response.headers.get("X-Cache") in (None, "MISS")

    def test_venue_and_others_get_their_own_pages_at_the_same_time(self, venue_site):
        sources = [VENUE, VIEWER] * (CONCURRENT_VIEWERS // 2)
        with ThreadPoolExecutor(CONCURRENT_VIEWERS) as viewers:
            responses = list(
                viewers.map(lambda source: venue_site.get("/lab", source=source), sources)
            )

        assert [is_venue_page(response) for response in responses] == [
            source == VENUE for source in sources
        ]

    def test_page_with_a_template_parameter_is_cached(self, venue_site):
        for template in ("group", "inroom"):
            venue_site.get(f"/hall?template={template}")
            again = venue_site.get(f"/hall?template={template}", source=VENUE)
            assert again.headers["X-Cache"] in FROM_CACHE
            assert is_venue_page(again) == (template == "inroom")

    def test_pages_without_a_venue_variant_are_cached(self, venue_site):
        for path in ("/", "/schedule", "/monitor", "/hall/json"):
            venue_site.get(path)
            assert venue_site.get(path, source=VENUE).headers["X-Cache"] in FROM_CACHE

    def test_conditional_requests_work_with_the_mark(self, venue_site):
        for source in (VENUE, VIEWER):
            first = venue_site.get("/hall", source=source, headers={"Accept-Encoding": "gzip"})
            conditional = {"If-None-Match": first.headers["ETag"]}
            again = venue_site.get("/hall", source=source, headers=conditional)
            assert again.status == (304 if venue_site.marks else 200)

    @pytest.mark.parametrize(
        "claim",
        [
            {"X-Forwarded-For": VENUE},
            {"X-Forwarded-For": f"{VENUE}, {VENUE}"},
            {"X_Forwarded_For": VENUE},
            {"Forwarded": f"for={VENUE}"},
            {"X-Real-IP": VENUE},
            {"X-Forwarded-By": VENUE},
            {"Remote-Addr": VENUE},
        ],
    )
    def test_forwarding_headers_do_not_select_the_venue_page(self, venue_site, claim):
        assert not is_venue_page(venue_site.get("/hall", headers=claim))
