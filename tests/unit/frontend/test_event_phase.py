"""The phase of an event, and what it means for the badges of rooms."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from streaming_system.config import Room
from streaming_system.frontend.event_phase import event_phase
from streaming_system.frontend.room_view import RoomView
from streaming_system.schedule.model import Slot

ZONE = ZoneInfo("UTC")
FIRST = datetime(2026, 2, 3, 10, tzinfo=UTC)
TALKS = tuple(
    Slot(start=start, end=start + timedelta(hours=2), title="Talk", guid=f"{start}")
    for start in (FIRST, FIRST + timedelta(hours=4), FIRST + timedelta(days=1))
)
PHASES = {
    "before": timedelta(minutes=-10),
    "on": timedelta(hours=3),
    "between": timedelta(hours=10),
    "after": timedelta(days=2),
}


@pytest.mark.parametrize(("phase", "since_start"), PHASES.items())
def test_phase_of_an_event(phase, since_start):
    assert event_phase(TALKS, FIRST + since_start, ZONE) == phase


def test_event_without_talks_is_unplanned():
    assert event_phase((), FIRST, ZONE) == "unplanned"


@pytest.mark.parametrize(
    ("phase", "badge"),
    [("before", "Starts 10:00"), ("on", "Live"), ("between", "Starts 10:00"), ("after", "")],
)
def test_room_that_streams_outside_of_its_event_has_no_live_badge(phase, badge):
    now = {"between": FIRST + timedelta(hours=23)}.get(phase, FIRST + PHASES[phase])
    state = RoomView(
        room=Room(id="hall", title="Hall"),
        now=now,
        zone=ZONE,
        slots=tuple(talk for talk in TALKS if talk.end > now),
        live=True,
        phase=phase,
    )

    assert state.badge == badge
    assert state.has_live_badge == (phase == "on")
