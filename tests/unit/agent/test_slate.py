"""Slates: which streams have lost their input, and what the agent reports about them."""

import logging

import pytest

from streaming_system.agent.config import AgentConfigError, load_agent_config
from streaming_system.agent.stats import (
    build_reports,
    is_significant_change,
    replace_lost_mounts,
    validate_stats,
)
from streaming_system.plugin import MountStats
from streaming_system.util.log_once import LogOnce

INI = """
[agent]
trackers = http://127.0.0.1:8000/tracker
token = sst_x
name = edge1
[source:a]
use = icecast
url = http://127.0.0.1:8000
streams =
    /hall.webm = hall webm_high
    /hall-low.webm = hall webm_low
    /lab.webm = lab webm
slate =
    /hall.webm = /slate.webm
    /hall-low.webm = /slate.webm
    /lab.webm = /lab-slate.webm
"""
HALL, LOW, LAB, SLATE, LAB_SLATE = (
    MountStats(mount=mount, clients=clients, sent=1000, bitrate=100)
    for mount, clients in (
        ("/hall.webm", 7),
        ("/hall-low.webm", 2),
        ("/lab.webm", 3),
        ("/slate.webm", 5),
        ("/lab-slate.webm", "4"),
    )
)


@pytest.fixture
def load(tmp_path):
    """Return a function that loads an agent.ini."""

    def load(text=INI):
        (tmp_path / "agent.ini").write_text(text)
        return load_agent_config(tmp_path / "agent.ini")

    return load


@pytest.fixture
def report(load):
    """Return a function that returns the reports of stats, by room."""
    agent = load()
    [source] = agent.sources

    def report(*stats):
        stats = replace_lost_mounts(stats, source.slates)
        validated = validate_stats(
            "a", source.streams, stats, LogOnce(logging.getLogger("streaming_system.agent"))
        )
        reports = build_reports(agent, "test", validated.mounts.values())
        return {room: report for (room, _), report in reports.items()}

    return report


def test_slate_of_a_streaming_mount_is_no_slate(report):
    reports = report(HALL, LOW, LAB, SLATE, LAB_SLATE)

    assert [(room, r["clients"], "slate" in r) for room, r in reports.items()] == [
        ("hall", 9, False),
        ("lab", 3, False),
    ]


def test_room_without_input_is_on_slate_with_the_viewers_of_the_slate(report):
    reports = report(HALL, LOW, SLATE, LAB_SLATE)

    assert (reports["lab"]["clients"], reports["lab"]["slate"]) == (4, True)
    assert "slate" not in reports["hall"]


def test_mounts_with_one_slate_share_its_viewers(report):
    [hall] = report(SLATE).values()

    assert (hall["clients"], hall["bitrate"], hall["slate"]) == (5, 1000, True)
    assert hall["figures"]["webm_high"]["clients"] == 3
    assert hall["figures"]["webm_low"]["clients"] == 2


def test_room_with_one_input_left_is_not_on_slate(report):
    [hall] = report(LOW, SLATE).values()

    assert (hall["clients"], "slate" in hall) == (7, False)


def test_mount_without_input_and_slate_has_ended(report):
    assert report() == {}


def test_slate_is_reported_at_once(report):
    before, after = report(LAB, LAB_SLATE)["lab"], report(LAB_SLATE)["lab"]

    assert is_significant_change({**before, "clients": 4}, after)


@pytest.mark.parametrize("clients", [None, -1, "many", [], float("nan")])
def test_slate_with_invalid_viewers_is_no_error(report, clients):
    stats = report(MountStats(mount="/lab-slate.webm", clients=clients))

    assert stats == {} or stats["lab"]["clients"] == 0


@pytest.mark.parametrize(
    "line",
    [
        "/attic.webm = /slate.webm",
        "/hall.webm = /lab.webm",
        "/hall.webm =",
        "/hall.webm",
        "/lab.webm = /other.webm\n    /lab.webm = /slate.webm",
    ],
)
def test_invalid_slate_is_one_line(load, line):
    with pytest.raises(AgentConfigError, match=r"agent\.ini: \[source:a\] slate: is '") as error:
        load(INI.partition("slate =")[0] + f"slate =\n    {line}\n")

    assert "\n" not in str(error.value)
