"""The programme's pages over HTTP, as a browser without JavaScript gets them."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import icalendar
import pytest

from streaming_system.schedule.gaps import fill_gaps
from streaming_system.schedule.model import RoomSchedule, Schedule, Slot
from streaming_system.schedule.storage import save_schedule
from streaming_system.web import response_cache

SYDNEY = ZoneInfo("Australia/Sydney")
# 10:20 on Tuesday in Sydney.
NOW = datetime(2026, 11, 23, 23, 20, tzinfo=UTC)
HOSTILE = "</script><b>Café & </title>"


def event(start, minutes, title, **more):
    """Return a talk that starts at a local time of November 2026, "24 10:00"."""
    begins = datetime.strptime(f"2026-11-{start}", "%Y-%m-%d %H:%M").replace(tzinfo=SYDNEY)
    begins = begins.astimezone(UTC)
    more = {"guid": f"guid-{title}"} | more
    return Slot(start=begins, end=begins + timedelta(minutes=minutes), title=title, **more)


HALL = [
    event("24 10:00", 60, "Keynote", speakers=("Ada Lovelace", "Bo"), track="Main", language="en",
          abstract="<p>About <b>it</b></p>", url="https://e.example/keynote", subtitle="A subtitle",
          do_not_record=True),
    event("24 11:30", 30, HOSTILE, guid="a/b?c@e.example", track="</style>"),
    event("24 23:30", 90, "Night owls"),
    event("25 02:00", 30, "Last song"),
    event("25 09:00", 30, "Closing", language="فارسی"),
]  # fmt: skip
LAB = [
    event("24 10:30", 60, "Soldering", track="Workshops"),
    event("24 10:45", 30, "Also soldering"),
    event("24 12:00", 26 * 60, "Exhibition"),
]


@pytest.fixture
def schedule_file(tmp_path):
    return tmp_path / "schedule.json"


@pytest.fixture
def plan(schedule_file):
    """Return a function that replaces the programme; each room is a list of talks."""

    def plan(zone=SYDNEY, **rooms):
        everything = [event for events in rooms.values() for event in events]
        save_schedule(
            Schedule(
                rooms={
                    name: RoomSchedule(
                        timezone=zone,
                        slots=fill_gaps(
                            events,
                            room=name,
                            conference="Test Conf",
                            begin=min(event.start for event in everything),
                            end=max(event.end for event in everything),
                            zone=zone,
                        ),
                    )
                    for name, events in rooms.items()
                }
            ),
            schedule_file,
        )

    return plan


@pytest.fixture
def site(make_site, plan):
    """The pages, with no tracker to ask."""
    plan(hall=HALL, lab=LAB)
    return make_site()


def text(element):
    return " ".join(element.get_text().split()) if element else ""


def titles(page):
    return [text(talk.a) for talk in page.html.select(".talk")]


def cells(page):
    """Return the table as people see it: per row the title in each column, spans filled in."""
    rows = page.html.select(".grid tbody tr")
    drawn = [{} for _ in rows]
    for number, row in enumerate(rows):
        for cell in row.select("td"):
            column = next(c for c in range(100) if c not in drawn[number])
            for below in range(int(cell.get("rowspan", 1))):
                drawn[number + below][column] = text(cell.a)
    assert len({len(row) for row in drawn}) == 1
    return {
        text(row.th): [columns[n] for n in sorted(columns)]
        for row, columns in zip(rows, drawn, strict=True)
    }


class TestTheGrid:
    def test_today_is_a_table_of_rooms_and_times(self, site):
        page = site.get("/schedule")

        heads = [(text(th), th.get("colspan")) for th in page.html.select(".grid thead th")]
        assert heads == [("Great Hall", None), ("Lab", "2")]
        assert cells(page) == {
            "10:00": ["Keynote", "", ""],
            "10:30": ["Keynote", "Soldering", ""],
            "10:45": ["Keynote", "Soldering", "Also soldering"],
            "11:00": ["", "Soldering", "Also soldering"],
            "11:15": ["", "Soldering", ""],
            "11:30": [text_of(HOSTILE), "", ""],
            "12:00": ["", "Exhibition", ""],
            **{
                f"{hour}:{minute}": ["", "Exhibition", ""]
                for hour in range(12, 24)
                for minute in ("00", "30")
                if (hour, minute) != (23, "30")
            },
            "23:30": ["Night owls", "Exhibition", ""],
            "00:00": ["Night owls", "Exhibition", ""],
            "00:30": ["Night owls", "Exhibition", ""],
            "01:00": ["", "Exhibition", ""],
            "01:30": ["", "Exhibition", ""],
            "02:00": ["Last song", "Exhibition", ""],
        }

    def test_what_began_the_day_before_goes_on(self, site):
        page = site.get("/schedule?day=2026-11-25")

        assert titles(page) == ["Closing", "Exhibition"]
        assert text(page.html.select_one(".goes-on")) == "since Tue"
        assert next(iter(cells(page))) == "09:00"
        assert cells(page)["13:30"] == ["", "Exhibition"]
        slots = site.get("/schedule?day=2026-11-25&view=list").html.select(".slot")
        assert [(text(s.h3), text(s.a)) for s in slots] == [
            ("Still on", "Exhibition"),
            ("09:00", "Closing"),
        ]

    def test_a_talk_says_all_that_a_list_of_talks_needs(self, site):
        talk = site.get("/schedule").html.select_one(".talk")

        assert text(talk.select_one(".when")) == "10:00–11:00 Great Hall"
        assert [t["datetime"] for t in talk.select("time")] == [
            "2026-11-24T10:00+11:00",
            "2026-11-24T11:00+11:00",
        ]
        assert talk.a["href"] == "/talk/guid-Keynote"
        assert talk.a["lang"] == "en"
        assert text(talk.select_one(".speakers")) == "Ada Lovelace, Bo"
        notes = [text(note) for note in talk.select(".notes span")]
        assert notes == ["Not recorded", "Main", "EN"]

    def test_nothing_is_on_for_hours(self, site, plan):
        plan(hall=[event("24 10:00", 30, "Early"), event("24 20:00", 30, "Late")])

        rows = site.get("/schedule").html.select(".grid tbody tr")

        assert [(text(row.th), "gap" in row["class"]) for row in rows] == [
            ("10:00", False),
            ("10:30", True),
            ("20:00", False),
        ]

    def test_talks_at_odd_minutes_do_not_overlap(self, site, plan):
        plan(hall=[event("24 10:00", 7, "One"), event("24 10:07", 1, "Two")])

        assert cells(site.get("/schedule")) == {"10:00": ["One"], "10:07": ["Two"]}

    def test_a_long_event_alone_fills_each_of_its_days(self, site, plan):
        plan(hall=[event("24 10:00", 3 * 24 * 60, "Exhibition")])

        days = site.get("/schedule").html.select("#days a")
        assert [text(a) for a in days][1:3] == ["Wed 25 Nov", "Thu 26 Nov"]
        for day in ("2026-11-24", "2026-11-25", "2026-11-27"):
            assert titles(site.get(f"/schedule?day={day}")) == ["Exhibition"]


def text_of(html):
    return " ".join(html.split())


class TestTheList:
    def test_it_has_the_times_and_what_starts_then(self, site):
        page = site.get("/schedule?view=list").html

        assert [text(h) for h in page.select("h2")] == ["Tuesday 24 November"]
        slots = [(text(s.h3), len(s.select(".talk"))) for s in page.select(".slot")]
        assert slots == [("10:00", 1), ("10:30", 1), ("10:45", 1), ("11:30", 1), ("12:00", 1),
                         ("23:30", 1), ("02:00", 1)]  # fmt: skip

    def test_all_days_are_a_list(self, site):
        page = site.get("/schedule?day=all")

        assert [text(h) for h in page.html.select("h2")] == [
            "Tuesday 24 November",
            "Wednesday 25 November",
        ]
        assert len(titles(page)) == 8


class TestTheWay:
    def test_days_keep_the_rest_of_the_address(self, site):
        days = site.get("/schedule?room=hall&view=list").html.select("#days a")

        assert [(text(a), a["href"], a.get("aria-current")) for a in days] == [
            ("Tue 24 Nov", "/schedule?day=2026-11-24&room=hall&view=list", "page"),
            ("Wed 25 Nov", "/schedule?day=2026-11-25&room=hall&view=list", None),
            ("All days", "/schedule?day=all&room=hall", None),
        ]

    @pytest.mark.parametrize(
        ("query", "current"), [("", []), ("?view=grid", ["Grid"]), ("?view=list", ["List"])]
    )
    def test_the_switch_says_what_was_chosen(self, site, query, current):
        page = site.get(f"/schedule{query}").html

        assert [text(a) for a in page.select("#views [aria-current]")] == current
        assert len(page.select(".grid")) == (query != "?view=list")

    def test_the_grid_is_for_wide_screens_unless_asked_for(self, site):
        def media(query):
            sheet = site.get(f"/schedule{query}").html.select_one("link[href*=schedule-grid]")
            return sheet and sheet["media"]

        assert media("") == "screen and (min-width: 900px)"
        assert media("?view=grid") == "screen"
        assert media("?view=list") is None

    def test_a_room_can_be_chosen(self, site):
        form = site.get("/schedule?day=2026-11-25").forms[1]
        form["room"] = "hall"

        page = form.submit()

        assert page.request.query_string == "room=hall&day=2026-11-25"
        assert titles(page) == ["Closing"]

    @pytest.mark.parametrize(
        ("now", "day"),
        [
            (datetime(2026, 10, 1, tzinfo=UTC), "Tue 24 Nov"),
            # At three in the night, it is still the evening before.
            (datetime(2026, 11, 24, 16, 0, tzinfo=UTC), "Tue 24 Nov"),
            (datetime(2026, 11, 24, 19, 0, tzinfo=UTC), "Wed 25 Nov"),
            (datetime(2027, 1, 1, tzinfo=UTC), "Tue 24 Nov"),
        ],
    )
    def test_without_a_day_it_is_today_or_the_next_or_the_first(self, site, clock, now, day):
        clock["now"] = now

        assert text(site.get("/schedule").html.select_one("#days [aria-current]")) == day

    @pytest.mark.parametrize(
        ("query", "status"),
        [("day=tomorrow", 400), ("day=2026-13-01", 400), ("view=cube", 400), ("room=cellar", 404)],
    )
    def test_what_cannot_be_is_refused(self, site, query, status):
        site.get(f"/schedule?{query}", status=status)

    @pytest.mark.parametrize("day", ["2026-12-24", "0001-01-01", "9999-12-31"])
    def test_day_without_talks_gets_a_filler(self, site, day):
        page = site.get(f"/schedule?day={day}").html

        assert text(page.select_one("#programme h2")).startswith("Nothing is planned on ")
        assert len(page.select("#days a")) == 3


class TestSearch:
    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            ("keynote", ["Keynote"]),
            ("LOVELACE key", ["Keynote"]),
            ("cafe", [text_of(HOSTILE)]),
            ("workshops", ["Soldering"]),
            ("lab", ["Soldering", "Also soldering", "Exhibition"]),
            ("closing", ["Closing"]),
            ("</script>", [text_of(HOSTILE)]),
            ("unicorn", []),
        ],
    )
    def test_search_covers_all_words_and_days(self, site, words, expected):
        form = site.get("/schedule?day=2026-11-24").forms[0]
        form["q"] = words

        page = form.submit()

        assert titles(page) == expected
        # Questions that differ in case share a cached page.
        assert page.forms[0]["q"].value == words.lower()

    def test_a_day_and_a_room_narrow_it(self, site):
        assert titles(site.get("/schedule?q=o&room=hall&day=2026-11-25")) == ["Closing"]

    def test_nothing_found_leads_back(self, site):
        page = site.get("/schedule?q=unicorn").html

        assert text(page.select_one("#programme h2")) == "No talk matches all of these words."
        assert text(page.select_one("#count")) == "0 talks with “unicorn”."

    def test_many_results_are_on_several_pages(self, make_site, plan):
        plan(
            hall=[event(f"24 {10 + n // 6}:{n % 6}0", 10, f"Song {n}") for n in range(70)],
            lab=[event("25 09:00", 30, f"Song {n}") for n in range(70, 120)],
        )
        page = make_site().get("/schedule?q=song")

        found, notes = [], []
        while True:
            found += titles(page)
            notes.append(text(page.html.select_one(".pages p")))
            assert text(page.html.select_one("#count")) == "120 talks with “song”."
            if not page.html.select(".pages [rel=next]"):
                break
            page = page.click("More talks")

        assert sorted(found) == sorted(f"Song {n}" for n in range(120))
        assert notes == [
            "Talks 1 to 50 of 120.",
            "Talks 51 to 100 of 120.",
            "Talks 101 to 120 of 120.",
        ]
        assert titles(page.click("Previous talks").click("Previous talks")) == found[:50]
        # The links of a page lead to the first page of another selection, or to this page.
        assert "page=3" not in page.html.select_one("#days a")["href"]
        assert "page=3" in page.html.select_one(".languages a")["href"]
        assert not make_site().get("/schedule?day=all").html.select(".pages")

    @pytest.mark.parametrize("page", ["0", "2", "-1", "x", "1.0", "10000"])
    def test_page_beyond_the_results_is_refused(self, site, page):
        response = site.get(f"/schedule?q=soldering&page={page}", status="4*")

        assert f"Page is '{page}'; allowed: 1" in text(response.html)

    @pytest.mark.parametrize(
        "words", ["Soldering  LAB", "soldering%20lab", "SOLDERING+lab+", "q=soldering+lab&q=x&x=1"]
    )
    def test_equal_questions_are_rendered_once(self, site, monkeypatch, words):
        monkeypatch.setattr(response_cache, "time", SimpleNamespace(monotonic=lambda: 1000.0))
        first = site.get("/schedule?q=soldering+lab")
        site.app.app = None

        page = site.get(f"/schedule?{words if 'q=' in words else f'q={words}'}")

        assert page.body == first.body


class TestOneRoom:
    def test_its_schedule_is_a_list_of_all_its_days(self, site):
        page = site.get("/lab/schedule")

        assert text(page.html.h1) == "Schedule of Lab"
        assert titles(page) == ["Soldering", "Also soldering", "Exhibition"]
        assert [a["href"] for a in page.html.select("#days a")] == [
            "/lab/schedule?day=2026-11-24",
            "/lab/schedule?day=2026-11-25",
            "/lab/schedule?day=all",
        ]

    def test_its_grid_has_one_room(self, site):
        page = site.get("/lab/schedule?view=grid")

        assert [text(th) for th in page.html.select(".grid thead th")] == ["Lab"]

    def test_a_room_without_programme_says_so(self, site):
        page = site.get("/tube/schedule").html

        assert text(page.select_one("#programme h2")) == "There is no schedule yet."

    def test_an_unknown_room_has_none(self, site):
        site.get("/cellar/schedule", status=404)

    def test_a_talk_shown_from_another_room_is_listed_once_for_all(self, site, plan):
        plan(hall=[event("24 10:00", 30, "Plenary")],
             lab=[event("24 10:00", 30, "Plenary", guid="2", relayed_from="Hall")])  # fmt: skip

        assert titles(site.get("/schedule")) == ["Plenary"]
        [talk] = site.get("/lab/schedule").html.select(".talk")
        assert text(talk.select_one(".notes")) == "in Hall"
        assert "shown from Hall" in text(site.get("/talk/2").html.select_one("dl"))


class TestATalk:
    def test_its_page_tells_everything(self, site):
        page = site.get("/talk/guid-Keynote").html

        assert text(page.h1) == "Keynote"
        assert text(page.select_one(".subtitle")) == "A subtitle"
        assert text(page.select_one(".speakers")) == "Ada Lovelace, Bo"
        assert page.select_one(".abstract b").string == "it"
        facts = [text(dd) for dd in page.select("dl dd")]
        assert facts == ["10:00 – 11:00 AEDT (Australia/Sydney)", "Great Hall", "Main", "English",
                         "This talk must not be recorded."]  # fmt: skip
        links = {text(a): a["href"] for a in page.select("main a")}
        assert links == {
            "Tuesday 24 November 2026": "/schedule?day=2026-11-24",
            "Great Hall": "/hall",
            "Watch in Great Hall": "/hall#stream",
            "Add to calendar": "/talk/guid-Keynote.ics",
            "More about this talk": "https://e.example/keynote",
            "Schedule of Great Hall": "/hall/schedule",
            "All rooms on Tuesday": "/schedule?day=2026-11-24",
        }

    @pytest.mark.parametrize(
        ("minutes", "status"),
        [
            (-4 * 1440, "Starts in 3 days"),
            (-100, "Starts in 1 h 20 min"),
            (-21, "Starts in 1 min"),
            (-20, "On now, 60 min left"),
            (39, "On now, 1 min left"),
            (40, "Ended"),
        ],
    )
    def test_it_says_how_it_stands(self, site, clock, minutes, status):
        clock["now"] = NOW + timedelta(minutes=minutes)

        badge = site.get("/talk/guid-Keynote").html.select_one("[data-status]")

        assert text(badge) == status.replace("On now, 60 min", "On now, 1 h 0 min")

    def test_one_that_ends_on_another_day_says_so(self, site):
        facts = site.get("/talk/guid-Night owls".replace(" ", "%20"), status=404)
        assert text(facts.html.h1) == "This page does not exist"

        path = next(
            talk.a["href"]
            for talk in site.get("/schedule").html.select(".talk")
            if text(talk.a) == "Night owls"
        )
        page = site.get(path).html
        assert text(page.dd) == "23:30 – Wednesday 01:00 AEDT (Australia/Sydney)"

    def test_a_guid_that_no_address_can_hold_gets_another(self, site):
        links = [talk.a["href"] for talk in site.get("/schedule").html.select(".talk")]

        assert all(len(link.split("/")) == 3 for link in links)
        assert text(site.get(links[3]).html.h1) == text_of(HOSTILE)

    def test_its_calendar_has_it_alone(self, site):
        response = site.get("/talk/guid-Keynote.ics")

        assert response.content_type == "text/calendar"
        [talk] = icalendar.Calendar.from_ical(response.body).walk("VEVENT")
        assert str(talk["summary"]) == "Keynote"
        [in_all] = [
            event
            for event in icalendar.Calendar.from_ical(site.get("/schedule.ics").body).walk("VEVENT")
            if event["summary"] == "Keynote"
        ]
        assert talk["uid"] == in_all["uid"]
        assert talk["dtstart"].dt == HALL[0].start

    def test_a_removed_talk_is_not_found(self, site, plan):
        plan(hall=[event("24 10:00", 30, "Another")])

        assert "perhaps it has been cancelled" in site.get("/talk/guid-Keynote", status=404).text
        response = site.get("/talk/guid-Keynote.ics", status=404)
        assert "no such talk" in response.json["error"]


class TestEveryPage:
    PAGES = ("/schedule", "/schedule?view=list", "/schedule?day=all", "/schedule?q=cafe",
             "/hall/schedule", "/talk/guid-Keynote", "/hall", "/")  # fmt: skip

    @pytest.mark.parametrize("path", PAGES)
    def test_what_a_feed_says_is_text(self, site, path, clock):
        clock["now"] = NOW + timedelta(minutes=75)
        page = site.get(path)

        assert "<b>Café" not in page.text
        assert "</style>" not in page.text
        assert page.text.count("</script>") == page.text.count("<script")

    @pytest.mark.parametrize("path", PAGES)
    def test_it_has_one_heading_and_no_style_of_its_own(self, site, path):
        page = site.get(path)

        assert len(page.html.select("h1")) == 1
        assert page.html.select("[style], style, script:not([src])") == []
        ids = [element["id"] for element in page.html.select("[id]")]
        assert len(ids) == len(set(ids))
        assert len(page.html.select("main")) == 1

    @pytest.mark.parametrize("path", [*PAGES[:6], "/talk/guid-Keynote.ics"])
    def test_it_is_sent_once(self, site, path):
        first = site.get(path)

        again = site.get(path, headers={"If-None-Match": first.headers["ETag"]}, status=304)

        assert again.body == b""
        assert "max-age" in first.headers["Cache-Control"]

    def test_it_is_sent_again_when_the_schedule_has_changed(self, site, plan):
        tag = site.get("/schedule").headers["ETag"]

        plan(hall=[event("24 10:00", 30, "Another")])

        page = site.get("/schedule", headers={"If-None-Match": tag}, status=200)
        assert titles(page) == ["Another"]

    def test_the_minute_does_not_change_it(self, site, clock):
        tag = site.get("/schedule").headers["ETag"]

        clock["now"] += timedelta(minutes=7)

        site.get("/schedule", headers={"If-None-Match": tag}, status=304)

    def test_an_empty_schedule_is_a_page(self, site, schedule_file):
        save_schedule(Schedule(rooms={}), schedule_file)

        page = site.get("/schedule").html

        assert text(page.select_one("#programme h2")) == "There is no schedule yet."
        assert page.select("#days a, .by-room") == []

    def test_one_room_needs_no_choice_of_rooms(self, site, plan):
        plan(hall=HALL[:1])

        page = site.get("/schedule")

        assert page.html.select(".by-room") == []
        assert titles(page) == ["Keynote"]

    def test_rooms_lead_to_their_talks(self, site):
        room = site.get("/hall").html
        assert room.select_one(".about a[href='/talk/guid-Keynote']")
        assert room.select_one(".programme a")["href"].startswith("/talk/")
        assert room.select_one("a[href='/hall/schedule']")
        assert site.get("/").html.select_one("header nav a[href='/schedule']")


def test_only_the_rooms_of_the_configuration_are_shown(site, plan, conference):
    plan(hall=HALL[:1], cellar=LAB)

    assert titles(site.get("/schedule")) == ["Keynote"]
    assert json.loads(site.get("/schedule.json").text)
