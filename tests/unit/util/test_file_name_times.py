"""Times in the names of recordings."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from streaming_system.util.file_name_times import FileNamePattern

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("pattern", "name", "start"),
    [
        ("hall-%Y-%m-%d_%H-%M-%S.mp4", "hall-2026-07-01_10-00-30.mp4", "2026-07-01T08:00:30"),
        ("hall-%d-%b-%y-%T.mp4", "hall-24-Nov-26-10:00:00.mp4", "2026-11-24T09:00:00"),
        ("hall-%s.mp4", "hall-1795510800.mp4", "2026-11-24T09:00:00"),
        ("%F_%H%M.webm", "2026-11-24_1000.webm", "2026-11-24T09:00:00"),
        ("%F_%T%z.mp4", "2026-11-24_10:00:00+0200.mp4", "2026-11-24T08:00:00"),
        ("100%%-%s.mp4", "100%-1795510800.mp4", "2026-11-24T09:00:00"),
    ],
)
def test_start_is_in_the_name(pattern, name, start):
    expected = datetime.fromisoformat(start).replace(tzinfo=UTC)

    FileNamePattern(pattern).validate()

    assert FileNamePattern(pattern).parse_start(name, BERLIN) == expected


@pytest.mark.parametrize(
    "name",
    ["hall-2026-02-30_10-00.mp4", "hall-0000-01-01_10-00.mp4", "hall-1970-01-01_10-00.mp4",
     "lab-2026-11-24_10-00.mp4", "hall-2026-11-24_10-00.mp4.part", "hall-２０２６-11-24_10-00.mp4"],
)  # fmt: skip
def test_other_names_have_no_start(name):
    assert FileNamePattern("hall-%Y-%m-%d_%H-%M.mp4").parse_start(name, BERLIN) is None


@pytest.mark.parametrize(("latest", "start"), [("01:10", "00:30"), ("01:50", "01:30")])
def test_end_of_recording_decides_between_two_equal_hours(latest, start):
    """Clocks in Berlin go back from 3:00 to 2:00, at 1:00 UTC."""
    pattern = FileNamePattern("hall-%Y%m%d-%H%M.mp4")

    found = pattern.parse_start(
        "hall-20261025-0230.mp4",
        BERLIN,
        latest=datetime.fromisoformat(f"2026-10-25T{latest}:00+00:00"),
    )

    assert f"{found:%H:%M}" == start


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("hall.mp4", "has no time in it"),
        ("hall-%Y-%m-%d.mp4", "has no time in it"),
        ("hall-%Q.mp4", "has the unknown part %Q"),
        ("hall-%s-%s.mp4", "has %s twice"),
        ("hall-%s.mp4%", "has the unknown part %"),
    ],
)
def test_pattern_without_a_time_is_an_error(pattern, problem):
    with pytest.raises(ValueError, match=problem):
        FileNamePattern(pattern).validate()
