"""Fixtures and helpers for tests of the schedule page."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from streaming_system.schedule.model import RoomSchedule, Schedule, Slot
from streaming_system.schedule.storage import save_schedule

HOSTILE = "</script><b>Bold & \"quoted\"</b><img src=x onerror='document.title=1'>"
WIDE = {"width": 1280, "height": 800}
# At noon no test crosses the end of the schedule's day.
NOON = datetime.now(UTC).replace(hour=12, minute=10, second=0, microsecond=0)


@pytest.fixture
def write_schedule(site):
    """Return a function that replaces the schedule: room, minutes from noon, length, title."""

    def write_schedule(*talks, **fields):
        rooms = {}
        for room, start, minutes, title in talks:
            start_time = NOON + timedelta(minutes=start)
            rooms.setdefault(room, []).append(
                Slot(
                    start=start_time,
                    end=start_time + timedelta(minutes=minutes),
                    title=title,
                    guid={"Vögel": "Birds"}.get(title, re.sub(r"\W", "-", title)),
                    speakers=("Ada Lovelace",),
                    track="A track with a long name",
                    language="en",
                    **fields,
                )
            )
        save_schedule(
            Schedule(
                rooms={
                    room: RoomSchedule(timezone=ZoneInfo("UTC"), slots=tuple(slots))
                    for room, slots in rooms.items()
                }
            ),
            site.checkout / "var/schedule.json",
        )

    write_schedule(
        ("example", -10, 60, "Opening"),
        ("example", 60, 30, "Vögel"),
        ("garden", 0, 120, "Soldering"),
        ("garden", 10, 30, HOSTILE),
        ("lab", 600, 120, "Night owls"),
        ("lab", 1440, 60, "Tomorrow's talk"),
    )
    return write_schedule


@pytest.fixture
def open_schedule(visit, write_schedule, site):
    """Return a function that opens a page of the schedule shortly after noon."""

    def open_schedule(path="/schedule", **options):
        options = {"viewport": WIDE} | options
        page = visit(at_noon(path), **options)
        if options.get("java_script_enabled", True):
            page.locator(":is(.star, .favourite):visible").first.wait_for()
        return page

    return open_schedule


def at_noon(path, **later):
    """Return the address of a page shortly after noon, or later."""
    moment = NOON + timedelta(**(later or {"seconds": 5}))
    separator = "&" if "?" in path else "?"
    return f"{path}{separator}delta={int((moment - datetime.now(UTC)).total_seconds())}"


def visible_titles(page):
    return page.locator(".talk a:visible")
