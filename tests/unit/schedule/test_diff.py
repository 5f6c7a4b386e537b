"""Differences between schedules."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from streaming_system.schedule.diff import SlotSummary, diff_slots

NINE = datetime(2026, 7, 4, 9, tzinfo=UTC)
TALK = SlotSummary(
    room="Hall", start=NINE, end=NINE + timedelta(hours=1), title="Keynote", guid="a"
)
OTHER = replace(TALK, title="Panel", guid="b", room="Lab")
LATER = {"start": NINE + timedelta(hours=2), "end": NINE + timedelta(hours=3)}
BERLIN = ZoneInfo("Europe/Berlin")


def describe_changes(old, new):
    return [change.describe(BERLIN) for change in diff_slots(old, new)]


@pytest.mark.parametrize(
    ("new", "lines"),
    [
        ([TALK, OTHER], []),
        ([OTHER, TALK], []),
        ([OTHER], ["gone: Keynote: Hall, Sat 04 Jul 11:00–12:00"]),
        (
            [TALK, OTHER, replace(TALK, guid="c", title="New")],
            ["new: New: Hall, Sat 04 Jul 11:00–12:00"],
        ),
        (
            [replace(TALK, **LATER), OTHER],
            ["moved: Keynote: Hall, Sat 04 Jul 11:00–12:00 → Hall, Sat 04 Jul 13:00–14:00"],
        ),
        (
            [replace(TALK, room="Lab"), OTHER],
            ["moved: Keynote: Hall, Sat 04 Jul 11:00–12:00 → Lab, Sat 04 Jul 11:00–12:00"],
        ),
        (
            [replace(TALK, title="Opening"), OTHER],
            ["renamed: Keynote → Opening: Hall, Sat 04 Jul 11:00–12:00"],
        ),
        # Without guids in the feed, a moved talk has another guid.
        (
            [replace(TALK, guid="z", **LATER), OTHER],
            ["moved: Keynote: Hall, Sat 04 Jul 11:00–12:00 → Hall, Sat 04 Jul 13:00–14:00"],
        ),
    ],
)
def test_change_is_described_in_one_line(new, lines):
    assert describe_changes([TALK, OTHER], new) == lines


def test_diff_ignores_the_unchanged_one_of_two_talks_with_the_same_title():
    lunch = replace(TALK, title="Lunch", guid="l1")
    tomorrow = replace(lunch, guid="l2", start=NINE + timedelta(days=1))

    [change] = diff_slots([lunch, tomorrow], [replace(lunch, guid="x"), replace(tomorrow, **LATER)])

    assert (change.kind, change.before) == ("moved", tomorrow)


def test_changes_are_in_order_of_time():
    kinds = [change.kind for change in diff_slots([replace(TALK, **LATER)], [OTHER])]

    assert kinds == ["appeared", "vanished"]
