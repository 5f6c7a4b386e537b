"""What nginx keeps, for how long, and what it never keeps."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from streaming_system.schedule.model import RoomSchedule, Schedule, Slot
from streaming_system.schedule.storage import save_schedule

from .site import FROM_CACHE, VENUE, VIEWER, wait_until

MANY = 30


def at_once(site, path, **more):
    """Ask many times at the same moment."""
    with ThreadPoolExecutor(MANY) as viewers:
        return list(viewers.map(lambda _: site.get(path, **more), range(MANY)))


def states(answers):
    """Count what the cache did, by its name for it."""
    found = [answer.headers.get("X-Cache", "") for answer in answers]
    return {state: found.count(state) for state in sorted(set(found))}


def of_one_talk(title):
    """Return a schedule whose only talk is on now."""
    now = datetime.now(UTC)
    talk = Slot(start=now - timedelta(hours=1), end=now + timedelta(hours=1), title=title, guid="1")
    hall = RoomSchedule(timezone=ZoneInfo("UTC"), slots=(talk,))
    return Schedule(rooms={"hall": hall}, imported_at=now)


class TestMicroCache:
    def test_many_viewers_of_a_new_page_cost_the_app_one_request(self, proxied):
        # The app's first page of all takes longer: it reads its templates.
        proxied.get("/hall?before")

        # Whoever has waited for half a second asks the app: it may be that the machine is busy.
        for number in range(20):
            began = time.monotonic()
            answers = at_once(proxied, f"/hall?first{number}")
            if time.monotonic() - began < 0.5:
                break

        assert {answer.status for answer in answers} == {200}
        assert states(answers)["MISS"] == 1
        # The others waited for it, or came later and found it; none asked the app.
        assert set(states(answers)) <= {"MISS", *FROM_CACHE}
        assert len({answer.data for answer in answers}) == 1

    def test_within_the_second_the_app_is_not_asked_again(self, proxied):
        # A machine that is busy may need longer than a second for two requests.
        for number in range(10):
            began = time.monotonic()
            first, second = (proxied.get(f"/lab?within{number}") for _ in range(2))
            if time.monotonic() - began < 1:
                break

        assert (first.headers["X-Cache"], second.headers["X-Cache"]) == ("MISS", "HIT")

    def test_afterwards_nobody_gets_the_page_of_before(self, proxied):
        proxied.get("/?renewed")
        proxied.wait_until_expired()

        answers = at_once(proxied, "/?renewed")

        # The app says that it has not changed; until it has, others ask, too.
        assert set(states(answers)) <= {"REVALIDATED", "EXPIRED", "HIT"}
        assert {answer.status for answer in answers} == {200}

    def test_two_seconds_after_an_import_nothing_is_old(self, make_proxied):
        site = make_proxied(frontends=2)
        file = site.folder / "var/schedule.json"
        save_schedule(of_one_talk("What it was called"), file)
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
            *("/schedule.ics", "/schedule/file.json", "/streams/v2.json", "/monitor"),
        ]
        codings = [{"Accept-Encoding": coding} for coding in ("", "gzip", "br")]
        asked = [(path, coding) for path in paths for coding in codings]
        for path, coding in asked:
            assert b"What it was called" in site.get(path, headers=coding).data, path

        save_schedule(of_one_talk("Brand new title"), file)
        # A second in nginx, and one more in which the app may renew it.
        site.wait_until_expired()
        site.wait_until_expired()

        for path, coding in asked:
            answer = site.get(path, headers=coding)
            assert b"Brand new title" in answer.data, path
            # nginx has shown it for a second at most, and so may browsers.
            assert answer.headers["Cache-Control"] == "max-age=1, public", path

    def test_what_a_browser_has_is_not_sent_again(self, proxied):
        for path in ("/", "/hall", "/schedule", "/hall/rss"):
            first = proxied.get(path, headers={"Accept-Encoding": "gzip"})
            again = proxied.get(path, headers={"If-None-Match": first.headers["ETag"]})
            assert (path, again.status, again.data) == (path, 304, b"")

    def test_each_language_is_kept_by_itself(self, proxied):
        said = {
            language: proxied.get("/?both", headers={"Accept-Language": language}).headers[
                "Content-Language"
            ]
            for language in ("de", "fr", "de", "en")
        }

        assert said == {"de": "de", "fr": "fr", "en": "en"}
        again = proxied.get("/?both", headers={"Accept-Language": "de"})
        assert again.headers["X-Cache"] in FROM_CACHE

    @pytest.mark.parametrize(
        ("spellings", "language"),
        [
            (("de", "de-AT,de;q=0.9,en;q=0.8", "de-CH, de;q=0.7, *;q=0.5"), "de"),
            (("fr-FR,fr;q=0.8,en-US;q=0.5", "pl, fr;q=0.9, en;q=0.1", "de;q=0, fr"), "fr"),
            (("", "pl", "en-US,en;q=0.9,de;q=0.1", "*"), "en"),
        ],
    )
    def test_spellings_of_a_language_share_a_page(self, proxied, spellings, language):
        # A machine that is busy may need longer for them than a page is kept.
        for number in range(10):
            path = f"/hall?spelt={language}{number}"
            answers = [proxied.get(path, headers={"Accept-Language": one}) for one in spellings]
            if states(answers).get("MISS") == 1:
                break

        assert {answer.headers["Content-Language"] for answer in answers} == {language}
        assert states(answers)["MISS"] == 1

    def test_errors_are_not_kept(self, proxied):
        for _ in range(2):
            answer = proxied.get("/hall?delta=x")
            assert (answer.status, answer.headers["X-Cache"]) == (400, "MISS")

    def test_the_tracker_is_not_kept(self, proxied):
        for _ in range(2):
            assert "X-Cache" not in proxied.get("/tracker/streams.js").headers

    def test_of_its_lists_one_answer_a_second_does_for_all(self, proxied):
        for path in ("/tracker/streams.json", "/tracker/hall/streams.json"):
            first = proxied.get(path)
            assert (path, first.status) == (path, 200)
            found = [proxied.get(path) for _ in range(20)]
            assert {answer.headers["X-Cache"] for answer in found} <= {*FROM_CACHE, "EXPIRED"}
            assert sum(answer.headers["X-Cache"] in FROM_CACHE for answer in found) >= 15
            # It is never old.
            made = datetime.fromisoformat(found[-1].json()["generated_at"])
            assert datetime.now(UTC) - made < timedelta(seconds=10)

    def test_of_a_rooms_list_nothing_is_asked_but_the_region(self, proxied):
        path = "/tracker/hall/streams.json"
        proxied.get(path)
        found = [proxied.get(f"{path}?{number}&region=&x={number}") for number in range(20)]

        assert {answer.status for answer in found} == {200}
        assert sum(answer.headers["X-Cache"] in FROM_CACHE for answer in found) >= 15

    def test_lists_outlive_the_tracker_for_a_moment(self, make_proxied):
        site = make_proxied(frontends=0, trackers=1)
        said = site.get("/tracker/streams.json").json()
        site.kill("tracker")

        def answer():
            return site.get("/tracker/streams.json")

        wait_until(lambda: answer().headers["X-Cache"] == "STALE", 10, "the list has expired")
        assert (answer().status, answer().json()) == (200, said)
        # What nobody has asked for lately is not there.
        assert site.get("/tracker/lab/streams.json").status == 503

    def test_pages_know_from_the_trackers_workers_what_is_live(self, proxied):
        answer = proxied.request(
            "POST",
            "/tracker/endpoint/register",
            fields={
                "secret": "s3cret of the proxy",
                "group": "lab",
                "data": '{"overall_clients": 5}',
            },
            encode_multipart=False,
        )

        assert answer.data == b"OK\n"
        give_up = time.monotonic() + 15
        while b'"live"' not in proxied.get("/streams/v2.json").data:
            assert time.monotonic() < give_up, proxied.get("/streams/v2.json").data
            time.sleep(0.2)


class TestFiles:
    def test_static_files_are_kept_for_ever_whatever_is_asked_of_them(self, proxied):
        page = proxied.get("/").data.decode()
        path = re.search(r"/static/[0-9a-f]{12}/site\.css", page)[0]
        first = proxied.get(path)
        assert first.headers["Cache-Control"] == "immutable, max-age=31536000, public"

        for question in ("", "?1", "?2"):
            assert proxied.get(path + question).headers["X-Cache"] == "HIT"

    def test_a_page_of_another_version_does_not_fix_todays_file_for_ever(self, proxied):
        answer = proxied.get("/static/0123456789ab/site.css")

        assert answer.status == 200
        assert "immutable" not in answer.headers["Cache-Control"]

    def test_text_is_sent_small_and_the_page_is_the_same(self, proxied):
        for path in ("/", "/static/site.css", "/hall/json", "/tracker/streams.json?x"):
            plain = proxied.get(path)
            small = proxied.get(path, headers={"Accept-Encoding": "gzip"}, decode_content=False)
            if len(plain.data) < 512:
                continue
            assert (path, small.headers["Content-Encoding"]) == (path, "gzip")
            assert "Accept-Encoding" in small.headers["Vary"]
            assert len(small.data) < len(plain.data) / 1.5

    def test_pages_of_the_crew_are_not_compressed(self, proxied):
        answer = proxied.get(
            "/tracker/admin/login", headers={"Accept-Encoding": "gzip"}, decode_content=False
        )

        assert answer.status == 200
        assert "Content-Encoding" not in answer.headers


class TestAway:
    @pytest.fixture
    def fragile(self, make_proxied):
        site = make_proxied(frontends=2)
        yield site
        site.stop()

    def test_pages_stay_while_the_app_is_away_and_it_comes_back(self, fragile):
        kept = ("/", "/hall", "/schedule", "/robots.txt", "/hall/json")
        before = {path: fragile.get(path).data for path in kept}
        assert all(before.values())

        fragile.kill("frontend")
        # None of them may be shown so long while it is renewed, but for when the app is away.
        deadline = time.monotonic() + 7
        while time.monotonic() < deadline:
            for path in kept:
                answer = fragile.get(path)
                assert (path, answer.status, answer.data) == (path, 200, before[path])
            time.sleep(0.2)
        # What nobody has looked at lately is not there; that is said to people.
        missing = fragile.get("/lab")
        assert (missing.status, missing.headers["Retry-After"]) == (503, "5")
        assert missing.headers["Cache-Control"] == "no-store"
        assert b"back in a moment" in missing.data

        for port in fragile.ports.frontend:
            fragile.start_worker("frontend", port)
        for (_, port), worker in fragile.workers.items():
            worker.wait_for(f"http://127.0.0.1:{port}/robots.txt", seconds=60)
        began = time.monotonic()
        while fragile.get("/lab").status != 200:
            assert time.monotonic() - began < 5
            time.sleep(0.1)

    def test_one_worker_of_two_is_missed_by_nobody(self, fragile):
        fragile.workers["frontend", fragile.ports.frontend[0]].kill()

        answers = [fragile.get(f"/hall?{number}") for number in range(20)]

        assert {answer.status for answer in answers} == {200}

    def test_a_tracker_that_is_away_is_told_in_one_line(self, fragile):
        answer = fragile.get("/tracker/streams.js")

        assert answer.status == 503
        assert answer.data == b"ERROR AWAY for a moment; send it again in 5 s\n"
        assert fragile.get("/hall").status == 200


def in_room(answer):
    assert answer.status == 200
    # The words differ by language; the player's stylesheet is with the player alone.
    return b"player.css" not in answer.data


class TestVenue:
    def test_neither_gets_the_others_page_in_any_order(self, venue_site):
        for path in ("/hall", "/hall?lang=de", "/%68all", "/hall?template=default", "/hall?x"):
            for source in (VENUE, VIEWER, VIEWER, VENUE, VIEWER):
                answer = venue_site.get(path, source=source)
                assert (path, source, in_room(answer)) == (path, source, source == VENUE)
                assert "private" in answer.headers["Cache-Control"]
                assert answer.headers.get("X-Cache") in (None, "MISS")

    def test_nor_at_the_same_moment(self, venue_site):
        sources = [VENUE, VIEWER] * (MANY // 2)
        with ThreadPoolExecutor(MANY) as viewers:
            answers = list(viewers.map(lambda one: venue_site.get("/lab", source=one), sources))

        assert [in_room(answer) for answer in answers] == [one == VENUE for one in sources]

    def test_a_page_that_is_asked_for_by_name_is_kept(self, venue_site):
        for template in ("group", "inroom"):
            venue_site.get(f"/hall?template={template}")
            again = venue_site.get(f"/hall?template={template}", source=VENUE)
            assert again.headers["X-Cache"] in FROM_CACHE
            assert in_room(again) == (template == "inroom")

    def test_other_pages_are_kept(self, venue_site):
        for path in ("/", "/schedule", "/monitor", "/hall/json"):
            venue_site.get(path)
            assert venue_site.get(path, source=VENUE).headers["X-Cache"] in FROM_CACHE

    def test_with_the_mark_browsers_are_told_that_they_have_a_page(self, venue_site):
        for source in (VENUE, VIEWER):
            first = venue_site.get("/hall", source=source, headers={"Accept-Encoding": "gzip"})
            asked = {"If-None-Match": first.headers["ETag"]}
            again = venue_site.get("/hall", source=source, headers=asked)
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
    def test_nobody_gets_into_the_room_by_claiming_so(self, venue_site, claim):
        assert not in_room(venue_site.get("/hall", headers=claim))
