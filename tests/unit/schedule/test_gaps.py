"""The gaps of a room's day."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from streaming_system.schedule.gaps import MAX_TIME, MIN_TIME, fill_gaps
from streaming_system.schedule.model import RoomSchedule, Slot

SYDNEY = ZoneInfo("Australia/Sydney")


def at(text, zone=SYDNEY):
    """Return the instant of a local time in the days of a conference in November 2026."""
    return datetime.fromisoformat(f"2026-11-{text}").replace(tzinfo=zone).astimezone(UTC)


def talk(start, end, title="Talk"):
    return Slot(start=at(start), end=at(end), title=title, guid=f"{title} {start}")


def told(events, zone=SYDNEY):
    """Tell a schedule as people read it: local start and end, and the title."""
    return [
        (
            f"{event.start.astimezone(zone):%d %H:%M}",
            f"{event.end.astimezone(zone):%d %H:%M}",
            event.title,
        )
        for event in events
        if event.start > MIN_TIME and event.end < MAX_TIME
    ]


@pytest.fixture
def fill_hall():
    def fill_hall(*events, begin=None, end=None):
        return fill_gaps(
            list(events),
            room="Hall",
            conference="Conf",
            begin=at(begin) if begin else min(event.start for event in events),
            end=at(end) if end else max(event.end for event in events),
            zone=SYDNEY,
        )

    return fill_hall


def test_two_days_are_filled_from_before_the_conference_to_after_it(fill_hall):
    filled = fill_hall(
        talk("24 09:00", "24 10:00", "One"),
        talk("24 10:30", "24 11:00", "Two"),
        talk("25 09:00", "25 10:00", "Three"),
    )

    assert told(filled) == [
        ("24 09:00", "24 10:00", "One"),
        ("24 10:00", "24 10:30", "30 minute break"),
        ("24 10:30", "24 11:00", "Two"),
        ("24 11:00", "25 00:00", "Finished for the day in Hall"),
        ("25 00:00", "25 09:00", "Not yet started in Hall"),
        ("25 09:00", "25 10:00", "Three"),
    ]
    first, last = filled[0], filled[-1]
    assert (first.title, first.start, first.end) == (
        "Conf not yet started",
        MIN_TIME,
        at("24 09:00"),
    )
    assert (last.title, last.start, last.end) == ("Conf finished", at("25 10:00"), MAX_TIME)


def test_only_fillers_are_marked_generated(fill_hall):
    filled = fill_hall(talk("24 09:00", "24 10:00"), talk("24 11:00", "24 12:00"))

    assert [event.is_filler for event in filled] == [True, False, True, False, True]


def test_a_day_without_talks_says_so(fill_hall):
    filled = fill_hall(talk("24 09:00", "24 10:00"), talk("26 09:00", "26 10:00"))

    assert ("25 00:00", "26 00:00", "Nothing in Hall today") in told(filled)


def test_a_room_that_starts_later_and_ends_earlier_than_the_conference(fill_hall):
    filled = fill_hall(talk("25 11:00", "25 12:00", "Only"), begin="24 09:00", end="26 17:00")

    assert told(filled) == [
        ("24 09:00", "25 00:00", "Nothing in Hall today"),
        ("25 00:00", "25 11:00", "Not yet started in Hall"),
        ("25 11:00", "25 12:00", "Only"),
        ("25 12:00", "26 00:00", "Finished for the day in Hall"),
        ("26 00:00", "26 17:00", "Nothing in Hall today"),
    ]


@pytest.mark.parametrize(("start", "breaks"), [("10:05", 0), ("10:06", 1)])
def test_a_gap_of_up_to_five_minutes_is_no_break(fill_hall, start, breaks):
    filled = fill_hall(talk("24 09:00", "24 10:00"), talk(f"24 {start}", "24 11:00"))

    assert sum("break" in event.title for event in filled) == breaks


def test_overlapping_talks_leave_no_gap_of_negative_length(fill_hall):
    filled = fill_hall(
        talk("24 09:00", "24 12:00", "Long"),
        talk("24 09:30", "24 10:00", "Within"),
        talk("24 12:30", "24 13:00", "Later"),
    )

    assert told(filled) == [
        ("24 09:00", "24 12:00", "Long"),
        ("24 09:30", "24 10:00", "Within"),
        ("24 12:00", "24 12:30", "30 minute break"),
        ("24 12:30", "24 13:00", "Later"),
    ]


def test_after_a_party_past_midnight_the_next_morning_has_not_started(fill_hall):
    filled = fill_hall(talk("24 22:00", "25 02:00", "Party"), talk("25 09:00", "25 10:00"))

    assert ("25 02:00", "25 09:00", "Not yet started in Hall") in told(filled)


def test_days_are_those_of_the_room_s_zone_and_as_long_as_they_are():
    # Berlin's clocks go back on 25 October 2026: that day has 25 hours.
    berlin = ZoneInfo("Europe/Berlin")
    events = [
        Slot(start=start, end=start.replace(hour=12), title="T", guid=str(day))
        for day in (24, 26)
        for start in [datetime(2026, 10, day, 11, tzinfo=UTC)]
    ]

    filled = fill_gaps(
        events, room="R", conference="C", begin=events[0].start, end=events[1].end, zone=berlin
    )

    [sunday] = [event for event in filled if event.title == "Nothing in R today"]
    assert (sunday.end - sunday.start).total_seconds() == 25 * 3600


def test_fillers_have_guids_that_stay_the_same(fill_hall):
    events = [talk("24 09:00", "24 10:00"), talk("25 09:00", "25 10:00")]

    guids = [event.guid for event in fill_hall(*events)]

    assert guids == [event.guid for event in fill_hall(*events)]
    assert len(set(guids)) == len(guids)


class TestUpcoming:
    def test_now_and_next(self, room):
        assert [event.title for event in room.upcoming(at("24 09:10"))] == ["One", "Two"]

    def test_a_talk_has_ended_at_its_end(self, room):
        assert next(event.title for event in room.upcoming(at("24 10:00"))) == "Two"

    def test_in_a_short_pause_the_next_talk_comes_first(self, room):
        assert next(event.title for event in room.upcoming(at("24 10:02"))) == "Two"

    def test_after_the_end_only_that_remains(self, room):
        assert [event.title for event in room.upcoming(at("30 09:00"))] == ["Conf finished"]

    @pytest.fixture
    def room(self, fill_hall):
        events = fill_hall(talk("24 09:00", "24 10:00", "One"), talk("24 10:03", "24 11:00", "Two"))
        return RoomSchedule(timezone=SYDNEY, slots=events)
