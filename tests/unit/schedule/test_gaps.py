"""Fillers in the gaps of a room's schedule."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from streaming_system.schedule.gaps import MAX_TIME, MIN_TIME, fill_gaps
from streaming_system.schedule.model import RoomSchedule, Slot

SYDNEY = ZoneInfo("Australia/Sydney")


def at(text, zone=SYDNEY):
    """Return the UTC time of a local time in November 2026."""
    return datetime.fromisoformat(f"2026-11-{text}").replace(tzinfo=zone).astimezone(UTC)


def talk(start, end, title="Talk"):
    return Slot(start=at(start), end=at(end), title=title, guid=f"{title} {start}")


def local_times(slots, zone=SYDNEY):
    """Return the local start and end, and the title of each slot but the first and last."""
    return [
        (
            f"{slot.start.astimezone(zone):%d %H:%M}",
            f"{slot.end.astimezone(zone):%d %H:%M}",
            slot.title,
        )
        for slot in slots
        if slot.start > MIN_TIME and slot.end < MAX_TIME
    ]


@pytest.fixture
def fill_hall():
    def fill_hall(*slots, begin=None, end=None):
        return fill_gaps(
            list(slots),
            room="Hall",
            conference="Conf",
            begin=at(begin) if begin else min(slot.start for slot in slots),
            end=at(end) if end else max(slot.end for slot in slots),
            zone=SYDNEY,
        )

    return fill_hall


def test_fillers_cover_two_days_and_the_time_before_and_after_them(fill_hall):
    filled = fill_hall(
        talk("24 09:00", "24 10:00", "One"),
        talk("24 10:30", "24 11:00", "Two"),
        talk("25 09:00", "25 10:00", "Three"),
    )

    assert local_times(filled) == [
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


def test_only_fillers_are_marked_as_fillers(fill_hall):
    filled = fill_hall(talk("24 09:00", "24 10:00"), talk("24 11:00", "24 12:00"))

    assert [slot.is_filler for slot in filled] == [True, False, True, False, True]


def test_day_without_talks_gets_a_filler(fill_hall):
    filled = fill_hall(talk("24 09:00", "24 10:00"), talk("26 09:00", "26 10:00"))

    assert ("25 00:00", "26 00:00", "Nothing in Hall today") in local_times(filled)


def test_fillers_cover_the_whole_conference_in_a_room_with_fewer_talks(fill_hall):
    filled = fill_hall(talk("25 11:00", "25 12:00", "Only"), begin="24 09:00", end="26 17:00")

    assert local_times(filled) == [
        ("24 09:00", "25 00:00", "Nothing in Hall today"),
        ("25 00:00", "25 11:00", "Not yet started in Hall"),
        ("25 11:00", "25 12:00", "Only"),
        ("25 12:00", "26 00:00", "Finished for the day in Hall"),
        ("26 00:00", "26 17:00", "Nothing in Hall today"),
    ]


@pytest.mark.parametrize(("start", "breaks"), [("10:05", 0), ("10:06", 1)])
def test_gap_of_up_to_five_minutes_gets_no_filler(fill_hall, start, breaks):
    filled = fill_hall(talk("24 09:00", "24 10:00"), talk(f"24 {start}", "24 11:00"))

    assert sum("break" in slot.title for slot in filled) == breaks


def test_overlapping_talks_create_no_negative_gap(fill_hall):
    filled = fill_hall(
        talk("24 09:00", "24 12:00", "Long"),
        talk("24 09:30", "24 10:00", "Within"),
        talk("24 12:30", "24 13:00", "Later"),
    )

    assert local_times(filled) == [
        ("24 09:00", "24 12:00", "Long"),
        ("24 09:30", "24 10:00", "Within"),
        ("24 12:00", "24 12:30", "30 minute break"),
        ("24 12:30", "24 13:00", "Later"),
    ]


def test_morning_after_a_talk_past_midnight_has_not_started(fill_hall):
    filled = fill_hall(talk("24 22:00", "25 02:00", "Party"), talk("25 09:00", "25 10:00"))

    assert ("25 02:00", "25 09:00", "Not yet started in Hall") in local_times(filled)


def test_filler_covers_a_day_of_25_hours_in_the_zone_of_the_room():
    # Berlin's clocks go back on 25 October 2026: that day has 25 hours.
    berlin = ZoneInfo("Europe/Berlin")
    slots = [
        Slot(start=start, end=start.replace(hour=12), title="T", guid=str(day))
        for day in (24, 26)
        for start in [datetime(2026, 10, day, 11, tzinfo=UTC)]
    ]

    filled = fill_gaps(
        slots, room="R", conference="C", begin=slots[0].start, end=slots[1].end, zone=berlin
    )

    [sunday] = [slot for slot in filled if slot.title == "Nothing in R today"]
    assert (sunday.end - sunday.start).total_seconds() == 25 * 3600


def test_filler_guids_are_stable_and_unique(fill_hall):
    slots = [talk("24 09:00", "24 10:00"), talk("25 09:00", "25 10:00")]

    guids = [slot.guid for slot in fill_hall(*slots)]

    assert guids == [slot.guid for slot in fill_hall(*slots)]
    assert len(set(guids)) == len(guids)


class TestUpcoming:
    def test_upcoming_returns_the_current_and_the_next_slot(self, room):
        assert [slot.title for slot in room.upcoming(at("24 09:10"))] == ["One", "Two"]

    def test_upcoming_excludes_a_talk_at_its_end(self, room):
        assert next(slot.title for slot in room.upcoming(at("24 10:00"))) == "Two"

    def test_upcoming_starts_with_the_next_talk_in_a_short_gap(self, room):
        assert next(slot.title for slot in room.upcoming(at("24 10:02"))) == "Two"

    def test_upcoming_returns_the_last_filler_after_the_conference(self, room):
        assert [slot.title for slot in room.upcoming(at("30 09:00"))] == ["Conf finished"]

    @pytest.fixture
    def room(self, fill_hall):
        slots = fill_hall(talk("24 09:00", "24 10:00", "One"), talk("24 10:03", "24 11:00", "Two"))
        return RoomSchedule(timezone=SYDNEY, slots=slots)
