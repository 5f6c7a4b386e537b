"""The index in every phase of an event, for one room and for many, with a frozen clock."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from streaming_system.schedule.gaps import fill_gaps
from streaming_system.schedule.model import RoomSchedule, Schedule
from streaming_system.schedule.storage import save_schedule

from .pages import SYDNEY, make_talk, streams_document
from .test_frontend import cards, text

TODAY = [make_talk("10:00", 60, "Keynote"), make_talk("12:00", 30, "Moved")]
TOMORROW = [
    make_talk("10:00", 60, "Keynote"),
    make_talk("23:30", 120, "Night owls"),
]


def local(moment):
    return datetime.fromisoformat(moment).replace(tzinfo=SYDNEY).astimezone(UTC)


@pytest.fixture
def configure(tmp_path):
    """Return a function that changes the configuration."""

    def configure(change):
        path = tmp_path / "config.json"
        document = json.loads(path.read_text())
        change(document)
        path.write_text(json.dumps(document))

    return configure


@pytest.fixture
def tracked(make_site, stub_tracker):
    """Return a function that creates a site whose tracker lists some rooms."""

    def tracked(**rooms):
        stub_tracker.document = streams_document(**rooms)
        return make_site(**{"tracker.internal_url": stub_tracker.url})

    return tracked


@pytest.fixture
def days(schedule_file):
    """Give the hall a day that ends after midnight, the next day, and one a week later."""

    def moved(talk, **by):
        return type(talk)(
            start=talk.start + timedelta(**by),
            end=talk.end + timedelta(**by),
            title=f"{talk.title} {by['days']}",
            guid=f"{talk.guid}-{by['days']}",
        )

    talks = [*TOMORROW, moved(TOMORROW[0], days=1), moved(TOMORROW[0], days=8)]
    events = fill_gaps(talks, room="hall", conference="Test Conf", begin=talks[0].start,
                  end=talks[-1].end, zone=SYDNEY)  # fmt: skip
    save_schedule(
        Schedule(rooms={"hall": RoomSchedule(timezone=SYDNEY, slots=events)}), schedule_file
    )


def groups(page):
    """Return the ids of the rooms that are live, start soon, and are collapsed."""
    main = page.html.select_one("[data-refresh=rooms]")
    lists = main.select("ul.cards")

    def ids(wanted):
        return [c["data-room"] for ul in lists if wanted(ul) for c in ul.select(".card")]

    folded = ids(lambda ul: ul.find_parent("details"))
    soon = ids(lambda ul: not ul.find_parent("details") and "cards-small" in ul["class"])
    shown = ids(lambda ul: not ul.find_parent("details") and "cards-small" not in ul["class"])
    return shown, soon, folded


class TestRooms:
    def test_index_orders_live_then_starting_soon_then_other_rooms(self, tracked, clock):
        site = tracked(hall=["webm_high"], lab=None)

        assert groups(site.get("/")) == (["hall", "tube"], ["lab"], [])
        clock["now"] = local("2026-11-24T09:50")
        assert groups(site.get("/")) == (["hall", "tube"], [], ["lab"])

    def test_index_refetches_when_a_room_becomes_starting_soon(self, tracked, clock):
        clock["now"] = local("2026-11-24T09:50")
        page = tracked(hall=["webm_high"], lab=None).get("/")

        assert page.html.select_one("[data-refresh=rooms]")["data-changes"] == (
            "2026-11-23T23:00:00+00:00"
        )

    def test_single_room_has_a_large_card(self, tracked, configure):
        configure(lambda document: [document.pop(room) for room in ("lab", "tube")])

        page = tracked(hall=None).get("/").html

        assert len(page.select(".card")) == len(page.select(".cards-hero .card")) == 1
        assert page.select("details") == []

    def test_index_of_sixty_rooms_collapses_inactive_ones(self, tracked, configure):
        configure(
            lambda document: document.update({f"r{n}": {"title": f"R{n}"} for n in range(60)})
        )
        shown, soon, folded = groups(tracked(r7=["webm_high"], hall=None).get("/"))

        assert (shown, soon) == (["tube", "r7"], ["lab"])
        assert len(folded) == 60
        assert folded[1:4] == ["r0", "r1", "r2"]

    def test_index_without_tracker_response_explains_unknown_status(self, site, configure):
        page = site.get("/")

        assert text(page.html.select_one(".notice-quiet")) == (
            "We cannot tell right now which rooms are live. Try opening one."
        )
        assert ("hall", "unknown", "On now") in cards(page)

    def test_index_with_tracker_response_has_no_notice(self, live_site):
        assert live_site.get("/").html.select(".notice-quiet") == []

    def test_configured_streams_play_without_tracker(self, make_site, configure):
        configure(lambda d: d["hall"].update({"fallbacks": ["https://cdn.example/{room}/"]}))
        site = make_site(**{"tracker.internal_url": "http://127.0.0.1:9"})

        assert "We cannot tell" in site.get("/").text
        page = site.get("/hall").html
        assert page.select(".stage source")[0]["src"] == "https://cdn.example/hall/stream.m3u8"
        assert "We cannot tell right now which rooms are live." in text(page.select_one(".under"))

    @pytest.mark.parametrize("delta", [0, 2400, 86400])
    def test_room_without_stream_shows_notice_before_during_and_after_talk(self, make_site, delta):
        site = make_site(**{"tracker.internal_url": "http://127.0.0.1:9"})

        page = site.get(f"/lab?delta={delta}")

        assert page.text.count("We cannot tell right now which rooms are live.") == 1

    def test_room_with_tracker_response_has_no_notice(self, live_site):
        for path in ("/hall", "/lab"):
            assert "We cannot tell" not in live_site.get(path)


class TestEvent:
    def test_index_before_event_shows_start_and_first_talks(self, tracked, clock, days):
        clock["now"] = local("2026-11-22T08:57")
        page = tracked(hall=None, lab=None).get("/").html

        banner = page.select_one(".banner")
        assert text(banner.h2) == "Test Conf starts on Tuesday 24 November at 10:00 AEDT."
        assert text(banner.select_one(".countdown")) == "2 days 1 h 3 min"
        assert banner.select_one(".countdown")["data-countdown"] == "2026-11-23T23:00:00+00:00"
        assert [text(talk.a) for talk in banner.select(".programme li")] == [
            "Keynote",
            "Night owls",
        ]
        assert banner.select_one("a.button")["href"] == "/schedule"

    def test_index_during_event_has_no_banner(self, tracked, clock, days):
        for moment in ("2026-11-24T10:20", "2026-11-24T12:00", "2026-11-25T00:30"):
            clock["now"] = local(moment)
            assert tracked(hall=["webm_high"]).get("/").html.select(".banner") == []

    def test_index_between_days_shows_when_event_continues(self, tracked, clock, days):
        # The time after midnight belongs to the previous day, so this is tomorrow.
        clock["now"] = local("2026-11-25T01:40")
        banner = tracked(hall=None).get("/").html.select_one(".banner")

        assert text(banner.h2) == "Test Conf continues tomorrow at 10:00 AEDT."
        assert [text(talk.a) for talk in banner.select(".programme li")] == ["Keynote 1"]

        clock["now"] = local("2026-11-26T09:00")
        banner = tracked(hall=None).get("/").html.select_one(".banner")
        assert text(banner.h2) == "Test Conf continues on Wednesday 2 December at 10:00 AEDT."

    def test_index_after_event_links_recordings(self, tracked, clock, days, configure):
        configure(lambda d: d["default"].update({"recordings": "https://media.example/c/x"}))
        clock["now"] = local("2027-01-03T10:00")
        banner = tracked(hall=None).get("/").html.select_one(".banner")

        assert text(banner.h2) == "Test Conf is over."
        assert "It ended on Wednesday 2 December 2026 at 11:00 AEDT." in text(banner)
        assert [link["href"] for link in banner.select("a")] == [
            "https://media.example/c/x",
            "/schedule",
        ]

    def test_streaming_room_is_live_outside_of_schedule(self, tracked, clock, days):
        clock["now"] = local("2026-11-22T08:57")
        page = tracked(hall=["webm_high"], lab=None).get("/")

        assert groups(page)[0] == ["hall", "tube"]
        assert page.html.select(".banner") != []

    def test_each_event_has_a_heading(self, tracked, configure, clock):
        configure(lambda document: document["lab"].update({"conference": "</h2><b>Lab Days"}))
        page = tracked(hall=["webm_high"], lab=None).get("/")

        sections = page.html.select(".event")
        assert [text(section.h2) for section in sections] == ["Test Conf", "</h2><b>Lab Days"]
        assert [c["data-room"] for c in sections[1].select(".card")] == ["lab"]
        assert (
            text(sections[1].h3) == "</h2><b>Lab Days starts on Tuesday 24 November at 11:00 AEDT."
        )
