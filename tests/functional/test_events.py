"""Several conferences on one site: pages below /NAME/, each with its own configuration."""

import json
import re
import shutil
import time
from collections import deque
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urljoin, urlsplit
from zoneinfo import ZoneInfo

import pytest
from timeouts import extended
from webob import Request

from streaming_system.schedule.gaps import fill_gaps
from streaming_system.schedule.model import RoomSchedule, Schedule, Slot
from streaming_system.schedule.storage import save_schedule

from .pages import NOW, streams_document

BERLIN, SYDNEY = ZoneInfo("Europe/Berlin"), ZoneInfo("Australia/Sydney")
# Long enough for a machine under load.
CHANGE_TIMEOUT = 60.0


def talk(title, start, minutes=60):
    return Slot(
        start=start, end=start + timedelta(minutes=minutes), title=title, guid="guid-of-every-talk"
    )


def write_event(folder, name, talks, zone, **sections):
    """Write the folder of a conference; ``talks`` has one talk for each room."""
    own = folder / name
    own.mkdir(parents=True)
    rooms = {}
    for room, slot in talks.items():
        slots = fill_gaps(
            [slot], room=room, conference=name, begin=slot.start, end=slot.end, zone=zone
        )
        rooms[room] = RoomSchedule(timezone=zone, slots=slots)
    save_schedule(Schedule(rooms=rooms), own / "var/schedule.json")
    default = {"title": name.upper(), "conference": name.upper(), "logo": "/brand/logo"}
    document = {"default": default, **{room: {} for room in talks}, **sections}
    (own / "config.json").write_text(json.dumps(document))
    return own


@pytest.fixture
def folder(tmp_path):
    """Two conferences that are on and share ids of rooms and talks, and one of the past."""
    folder = tmp_path / "events"
    write_event(
        folder,
        "ada-conf",
        {"hall": talk("Engines", NOW - timedelta(minutes=10))},
        BERLIN,
        config={"languages": ["de", "en"], "theme": "terminal", "embed": "*"},
        hall={"title": "Saal"},
    )
    bob = {"hall": talk("Bridges", NOW - timedelta(minutes=10))}
    write_event(folder, "bob", bob, SYDNEY)
    brand = folder / "bob/brand"
    brand.mkdir()
    (brand / "logo.svg").write_text("<svg>bob</svg>")
    write_event(folder, "old", {"hall": talk("History", NOW - timedelta(days=14))}, SYDNEY)
    coming = {"hall": talk("Futures", NOW + timedelta(days=14))}
    write_event(folder, "soon", coming, BERLIN)
    return folder


@pytest.fixture
def make_events(make_site, folder, stub_tracker):
    """Return a function that creates a site with the conferences."""
    stub_tracker.document = streams_document(ada_conf__hall=["webm_high"], bob__hall=None)

    def make_events(**settings):
        return make_site(
            **{
                "events.folder": str(folder),
                "tracker.internal_url": stub_tracker.url,
                **settings,
            }
        )

    return make_events


@pytest.fixture
def site(make_events):
    """A site with rooms of its own and the conferences."""
    return make_events()


def crawl(site, start):
    """Return the status of every address below a path, and of those that its pages link to."""
    statuses, waiting = {}, deque([start])
    while waiting:
        address = waiting.popleft()
        # The tracker is another app.
        if address in statuses or address.startswith("/tracker/"):
            continue
        response = site.get(address, expect_errors=True)
        statuses[address] = response.status_int
        if not address.startswith(start):
            continue
        if response.content_type == "text/html" and response.status_int == 200:
            for element in response.html.select("[href], [src], [data-from], [data-worker]"):
                found = element.get("href") or element.get("src")
                found = found or element.get("data-from") or element.get("data-worker")
                target = urlsplit(urljoin(f"http://localhost{address}", found))
                # Other queries change the presentation only.
                query = f"?{target.query}" if target.path.endswith("/oembed") else ""
                if target.netloc == "localhost":
                    waiting.append(f"{target.path}{query}")
        elif response.content_type == "application/manifest+json":
            manifest = response.json
            waiting += [manifest["start_url"], *(icon["src"] for icon in manifest["icons"])]
    return statuses


class TestPages:
    def test_each_conference_has_its_own_talks_look_and_language(self, site):
        ada, bob = site.get("/ada-conf/hall"), site.get("/bob/hall")

        assert "Engines" in ada.text
        assert "Bridges" not in ada.text
        assert "00:10" in ada.text
        assert ada.html.html["lang"] == "de"
        assert ada.html.select("link[href^='/ada-conf/theme/']")
        assert "Bridges" in bob.text
        assert "10:10" in bob.text
        assert bob.html.html["lang"] == "en"
        assert "/theme/" not in bob.text
        assert site.get("/bob/brand/logo").text == "<svg>bob</svg>"
        assert site.get("/ada-conf/brand/logo").text != "<svg>bob</svg>"
        colours = [page.html.select_one("meta[name=theme-color]")["content"] for page in (ada, bob)]
        assert colours[0] != colours[1]

    def test_same_room_is_live_in_one_conference_only(self, site):
        ada, bob = site.get("/ada-conf/hall"), site.get("/bob/hall")

        assert ada.html.select_one(".stage")["data-live"] == "true"
        assert ada.html.select_one(".stage")["data-room"] == "ada_conf__hall"
        assert bob.html.select_one(".stage")["data-live"] == "false"
        assert site.get("/hall").html.select_one(".stage")["data-live"] == "false"

    def test_same_talk_id_is_another_talk(self, site):
        assert "Engines" in site.get("/ada-conf/talk/guid-of-every-talk").html.h1.text
        assert "Bridges" in site.get("/bob/talk/guid-of-every-talk").html.h1.text
        site.get("/talk/guid-of-every-talk", status=404)

    def test_addresses_of_the_site_itself_are_unchanged(self, make_site, site):
        alone = make_site()
        for path in ("/hall", "/schedule", "/schedule.ics", "/hall/json", "/streams/v2.json"):
            before = alone.get(path).text.replace("streams.json", "")
            after = site.get(path).text
            assert urls(before) <= urls(after), path

    def test_feedback_form_names_the_conference_and_archives_have_none(self, make_events, folder):
        for name in ("bob", "old"):
            path = folder / name / "config.json"
            config = json.loads(path.read_text())
            config["default"]["feedback"] = "internal"
            path.write_text(json.dumps(config))
        site = make_events()

        form = site.get("/bob/talk/guid-of-every-talk").html.select_one("form.feedback")

        assert form["action"] == "/tracker/talk/bob__guid-of-every-talk/feedback"
        archived = site.get("/old/talk/guid-of-every-talk").html
        assert archived.select("form.feedback") == []

    @pytest.mark.parametrize(
        ("query", "encoded"),
        [("", ""), ("lang=de", "?lang=de"), ("q=\xff\r\nX: y", "?q=%FF%0D%0AX:%20y")],
    )
    def test_address_of_a_conference_gets_a_slash(self, site, query, encoded):
        environ = {"PATH_INFO": "/bob", "QUERY_STRING": query, "HTTP_HOST": "evil.example"}

        response = Request(Request.blank("/").environ | environ).get_response(site.app)

        # It depends on no header.
        assert (response.status_code, response.headers["Location"]) == (301, f"/bob/{encoded}")

    def test_no_link_is_broken_or_leaves_the_conference(self, site):
        statuses = crawl(site, "/ada-conf/")
        own = {path for path in statuses if path.startswith("/ada-conf/")}
        assert len(own) > 40
        assert {path: status for path, status in statuses.items() if status >= 400} == {}
        assert statuses.keys() - own == {"/events"}
        # Every page links to the list of conferences, and only the list to the others.
        for name, path in (("ada-conf", "hall"), ("bob", "schedule"), ("bob", "monitor")):
            page = site.get(f"/{name}/{path}").html
            paths = {
                urlsplit(urljoin("http://localhost", link.get("href") or link.get("src"))).path
                for link in page.select("[href^='/'], [src^='/'], [href^='http://localhost']")
            }
            leaving = {path for path in paths if not path.startswith(f"/{name}/")}
            assert {path for path in leaving if not path.startswith("/tracker/")} == {"/events"}

    def test_programs_get_addresses_of_the_conference(self, site):
        [entry] = site.get("/ada-conf/streams/v2.json").json
        room = entry["groups"][0]["rooms"][0]
        assert entry["schedule"] == "http://localhost/ada-conf/schedule.xml"
        assert urlsplit(room["link"]).path == "/ada-conf/adaconf/hall"
        assert site.get(urlsplit(room["link"]).path).location.endswith("/ada-conf/hall")
        manifest = site.get("/ada-conf/manifest.webmanifest").json
        assert {manifest[key] for key in ("id", "start_url", "scope")} == {"/ada-conf/"}
        worker = site.get("/ada-conf/sw.js")
        assert worker.headers["Service-Worker-Allowed"] == "/ada-conf/"
        url = "http://localhost/ada-conf/hall"
        embed = site.get("/ada-conf/oembed", {"url": url}).json
        assert "http://localhost/ada-conf/embed/hall" in embed["html"]
        site.get("/ada-conf/oembed", {"url": "http://localhost/hall"}, status=404)
        assert "http://localhost/ada-conf/hall" in site.get("/ada-conf/hall/rss").text

    def test_process_has_one_set_of_metrics(self, site):
        assert site.get("/metrics").status_int == 200
        for path in ("metrics", "healthz", "readyz", "events"):
            site.get(f"/bob/{path}", status=404)


def urls(text):
    return set(re.findall(r'(?:href|src)="([^"]+)"', text))


class TestArchive:
    def test_pages_of_a_past_conference_poll_nothing(self, make_events, stub_tracker, folder):
        site = make_events(**{"push.url": "http://127.0.0.1:1/"})
        for name in ("ada-conf", "bob", "soon"):
            shutil.rmtree(folder / name)
        before = stub_tracker.request_count
        for path in ("", "hall", "schedule", "talk/guid-of-every-talk", "schedule.xml"):
            assert site.get(f"/old/{path}").status_int == 200
        room = site.get("/old/hall")

        assert "History" in site.get("/old/schedule?day=all").text
        assert room.html.select_one(".stage")["data-live"] == "false"
        assert "data-streams" not in room.html.body.attrs
        assert "data-push" not in room.html.body.attrs
        assert stub_tracker.request_count == before

    def test_archive_is_built_at_the_first_request_and_evicted(self, make_events, folder):
        for number in range(6):
            shutil.copytree(folder / "old", folder / f"old{number}")
        site = make_events()
        events = site.app._events
        site.get("/events")
        assert list(events._apps) == []

        for number in range(6):
            assert "History" in site.get(f"/old{number}/schedule?day=all").text
        site.get("/bob/")
        assert len(events._apps) < 6
        assert "bob" in events._apps
        assert "History" in site.get("/old0/schedule?day=all").text


class TestList:
    def test_conferences_are_on_or_come_or_are_over(self, site):
        page = site.get("/events").html
        groups = {
            section.h2.text: [link.text for link in section.select("h3 a")]
            for section in page.select("section.conferences")
        }

        assert groups == {
            "On now": ["Test Conf", "ADA-CONF", "BOB"],
            "Upcoming": ["SOON"],
            "Past conferences": ["OLD"],
        }
        # The day in Berlin is still the one before.
        dates = {one.select_one("h3 a").text: one.time.text for one in page.select(".conference")}
        assert (dates["ADA-CONF"], dates["BOB"]) == ("23 Nov 2026", "24 Nov 2026")
        assert [one.select_one("h3 a").text for one in page.select(".conference:has(.badge)")] == [
            "ADA-CONF"
        ]

    def test_json_has_local_times(self, site):
        entries = {one["name"]: one for one in site.get("/events.json").json["events"]}

        assert entries["ada-conf"] == {
            "name": "ada-conf",
            "title": "ADA-CONF",
            "phase": "now",
            "url": "http://localhost/ada-conf/",
            "schedule_url": "http://localhost/ada-conf/schedule",
            "starts_at": "2026-11-24T00:10:00+01:00",
            "ends_at": "2026-11-24T01:10:00+01:00",
            "timezone": "Europe/Berlin",
            "live_rooms": ["hall"],
        }
        assert [entries[name]["phase"] for name in ("bob", "soon", "old")] == [
            "now",
            "upcoming",
            "past",
        ]

    def test_it_is_the_start_page_of_a_site_without_rooms(self, make_events, tmp_path):
        (tmp_path / "config.json").write_text("{}")
        site = make_events()

        page = site.get("/").html
        assert [link.text for link in page.select("h3 a")] == ["ADA-CONF", "BOB", "SOON", "OLD"]
        assert page.select_one("nav a[href='/schedule']") is None

    def test_start_page_with_rooms_names_the_conferences(self, site):
        page = site.get("/")
        assert "Keynote" in page.text
        links = [link.text for link in page.html.select(".other-conferences h3 a")]
        assert links == ["ADA-CONF", "BOB", "SOON"]

    def test_site_without_conferences_has_no_list(self, make_site):
        site = make_site()
        site.get("/events", status=404)
        assert "/events" not in site.get("/").text


def wait_for(condition):
    deadline = time.monotonic() + extended(CHANGE_TIMEOUT)
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


class TestChanges:
    def test_added_and_removed_folder_is_noticed(self, site, folder):
        site.get("/bob/")
        site.get("/new/", status=404)
        write_event(folder, "new", {"lab": talk("Novelty", NOW)}, BERLIN)
        wait_for(lambda: site.get("/new/", expect_errors=True).status_int == 200)
        assert "Novelty" in site.get("/new/lab").text
        assert "NEW" in site.get("/events.json").text

        shutil.rmtree(folder / "new")
        wait_for(lambda: site.get("/new/", expect_errors=True).status_int == 404)
        assert site.get("/bob/hall").status_int == 200

    def test_broken_conference_leaves_the_others_in_service(self, site, folder, caplog):
        write_event(folder, "new", {"lab": talk("Novelty", NOW)}, BERLIN, lab={"titel": "x"})
        wait_for(lambda: site.get("/new/", expect_errors=True).status_int == 503)

        assert site.get("/bob/hall").status_int == 200
        lines = [one.getMessage() for one in caplog.records if "is not in service" in one.message]
        assert len(lines) == 1
        assert "room 'lab': key 'titel': unknown key; did you mean 'title'?" in lines[0]
        assert "\n" not in lines[0]

    def test_refused_change_leaves_the_old_version_in_service(self, make_events, folder, tmp_path):
        workers = tmp_path / "workers"
        site = make_events(**{"workers.folder": str(workers)})
        assert "Bridges" in site.get("/bob/hall").text
        assert "BOB" in site.get("/events.json").text
        config = folder / "bob/config.json"
        document = json.loads(config.read_text())
        config.write_text("{")
        (workers / "bob").mkdir(parents=True, exist_ok=True)

        def refusals():
            (workers / "bob/reload").touch()
            site.get("/bob/")
            return [
                path
                for path in (workers / "bob").glob("*.json")
                if "config.json" in path.read_text()
            ]

        wait_for(refusals)
        assert "Bridges" in site.get("/bob/hall").text
        assert "BOB" in site.get("/events").text

        document["hall"] = {"title": "Arched hall"}
        config.write_text(json.dumps(document))
        (workers / "bob/reload").touch()
        wait_for(lambda: "Arched hall" in site.get("/bob/hall").text)
        assert "Arched hall" not in site.get("/ada-conf/hall").text

    def test_imported_schedule_shows_at_once(self, site, folder):
        assert "Bridges" in site.get("/bob/hall").text
        path = folder / "bob/var/schedule.json"
        changed = replace(talk("Tunnels", NOW), guid="guid-Tunnels")
        save_schedule(
            Schedule(rooms={"hall": RoomSchedule(timezone=SYDNEY, slots=(changed,))}), path
        )
        wait_for(lambda: "Tunnels" in site.get("/bob/hall").text)
        assert "Engines" in site.get("/ada-conf/hall").text

    @pytest.mark.parametrize("name", ["hall", "schedule", "events", "Ada", "a--b", "a_b"])
    def test_name_that_the_site_uses_is_left_out(self, site, folder, name):
        before = site.get("/hall").text
        write_event(folder, name, {"lab": talk("Novelty", NOW)}, BERLIN)
        site.app._events._scanned_at = float("-inf")
        assert site.get("/hall").text == before
        assert name not in site.app._events.names()
