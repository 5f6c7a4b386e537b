"""The number and the time of the last change of a talk."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from streaming_system.schedule.fillers import Filler, FillerType
from streaming_system.schedule.model import Link, RoomSchedule, Schedule, Slot
from streaming_system.schedule.revisions import with_revisions

FIRST = datetime(2026, 11, 1, 8, tzinfo=UTC)
SECOND = FIRST + timedelta(days=1)
TALK = Slot(
    start=datetime(2026, 11, 24, 9, tzinfo=UTC),
    end=datetime(2026, 11, 24, 10, tzinfo=UTC),
    title="Keynote",
    guid="keynote",
)


def schedule_of(*slots, room="hall"):
    return Schedule(rooms={room: RoomSchedule(timezone=ZoneInfo("UTC"), slots=slots)})


def revisions(schedule):
    """Return the revision and the time of the last change of each talk, by guid."""
    return {
        slot.guid: (slot.revision, slot.changed_at)
        for room in schedule.rooms.values()
        for slot in room.slots
    }


def test_new_talk_has_revision_0_and_the_time_of_the_import():
    schedule = with_revisions(schedule_of(TALK), Schedule(), now=FIRST)

    assert revisions(schedule) == {"keynote": (0, FIRST)}


def test_unchanged_talk_keeps_its_revision_while_another_is_added():
    before = with_revisions(schedule_of(TALK), Schedule(), now=FIRST)

    after = with_revisions(schedule_of(replace(TALK, guid="new"), TALK), before, now=SECOND)

    assert revisions(after) == {"new": (0, SECOND), "keynote": (0, FIRST)}


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Opening"},
        {"start": TALK.start - timedelta(hours=1)},
        {"end": TALK.end + timedelta(minutes=5)},
        {"speakers": ("Ada",)},
        {"links": (Link(url="https://e.org"),)},
        {"do_not_record": True},
    ],
)
def test_changed_talk_has_the_next_revision(change):
    before = with_revisions(schedule_of(TALK), Schedule(), now=FIRST)

    after = with_revisions(schedule_of(replace(TALK, **change)), before, now=SECOND)
    again = with_revisions(
        schedule_of(replace(TALK, **change)), after, now=SECOND + SECOND.resolution
    )

    assert revisions(after) == revisions(again) == {"keynote": (1, SECOND)}


def test_talk_in_another_room_has_the_next_revision():
    before = with_revisions(schedule_of(TALK), Schedule(), now=FIRST)

    after = with_revisions(schedule_of(TALK, room="lab"), before, now=SECOND)

    assert revisions(after) == {"keynote": (1, SECOND)}


def test_talk_of_a_file_without_revisions_has_the_time_of_the_next_import():
    after = with_revisions(schedule_of(TALK), schedule_of(TALK), now=SECOND)

    assert revisions(after) == {"keynote": (0, SECOND)}


def test_filler_has_no_revision():
    filler = replace(TALK, filler=Filler(type=FillerType.BREAK, minutes=9))

    schedule = with_revisions(schedule_of(filler), Schedule(), now=FIRST)

    assert revisions(schedule) == {"keynote": (0, None)}
