"""Reports of rooms: sums of valid stats, in the format of the tracker's API."""

import logging
import re
from dataclasses import replace

import pytest

from streaming_system.agent.config import load_agent_config
from streaming_system.agent.source_registry import configure_sources, load_sources
from streaming_system.agent.stats import build_reports, is_significant_change, validate_stats
from streaming_system.agent.subprocesses import ProcessRunner
from streaming_system.agent.supervisor.check_tools import CheckTools
from streaming_system.agent.supervisor.check_types import CHECK_TYPES
from streaming_system.agent.supervisor.config import parse_components, parse_supervisor_config
from streaming_system.plugin import MountStats
from streaming_system.tracker.endpoints.formats import LEGACY_STREAMS
from streaming_system.tracker.schemas.endpoint import STREAM_FORMATS, EndpointReportSchema
from streaming_system.util.log_once import LogOnce

log = logging.getLogger("streaming_system.agent")

INI = """
[agent]
trackers = http://127.0.0.1:8000/tracker
token = sst_x
name = edge1
url = https://edge1.example.org/{room}/
capacity = 10G
region = eu
tags = cdn
[source:a]
use = static
streams =
    /hall.webm = hall webm_high 800k
    /hall-low.webm = hall webm_low 300k
    /hall.m3u8 = hall hls
    /lab.opus = lab opus
"""


@pytest.fixture
def agent(tmp_path):
    (tmp_path / "agent.ini").write_text(INI)
    return load_agent_config(tmp_path / "agent.ini")


def test_report_of_a_room_is_the_sum_of_its_mounts(agent):
    streams = agent.sources[0].streams
    stats = [
        MountStats(mount="/hall.webm", clients=3, sent=2_000_000),
        MountStats(mount="/hall-low.webm", clients=2),
        MountStats(mount="/hall.m3u8", clients=5, sent=4_000_000, bitrate=1_000_000),
        MountStats(mount="/attic.webm", clients=99),
    ]

    reports = build_reports(
        agent,
        "test",
        validate_stats("a", streams, stats, LogOnce(log)).mounts.values(),
    )

    assert reports == {
        ("hall", "edge1"): {
            "url": "https://edge1.example.org/{room}/",
            "capacity": 10**10,
            "region": "eu",
            "tags": ["cdn"],
            "software": "test",
            "formats": ["webm", "hls"],
            "qualities": ["high", "low"],
            "clients": 10,
            # Where sent bytes are unknown, the nominal bitrate counts.
            "bitrate": 2_000_000 + 2 * 300_000 + 4_000_000,
            "cbitrate": 3 * 800_000 + 2 * 300_000 + 5 * 1_000_000,
            "figures": {
                "webm_high": {"clients": 3, "bitrate": 2_000_000, "cbitrate": 2_400_000},
                "webm_low": {"clients": 2, "bitrate": 600_000, "cbitrate": 600_000},
            },
        }
    }


@pytest.mark.parametrize("clients", [0, 10_000_000])
def test_api_accepts_the_smallest_and_largest_report(agent, clients):
    streams = agent.sources[0].streams
    stats = [
        MountStats(mount=s.mount, clients=clients, sent=10**13, bitrate=10**13) for s in streams
    ]

    reports = build_reports(
        agent,
        "x" * 200,
        validate_stats("a", streams, stats, LogOnce(log)).mounts.values(),
    )

    assert set(reports) == {("hall", "edge1"), ("lab", "edge1")}
    for report in reports.values():
        assert EndpointReportSchema().deserialize(report)["clients"] == clients


def test_formats_and_streams_match_the_tracker():
    from streaming_system.agent import config, stats

    assert config.FORMATS == STREAM_FORMATS
    assert frozenset(LEGACY_STREAMS) == stats.REPORTED_STREAMS


def test_report_has_the_files_that_players_cannot_guess(agent):
    streams = [
        replace(stream, file="a.webm" if stream.quality == "high" else "")
        for stream in agent.sources[0].streams
    ]
    stats = [MountStats(mount=stream.mount, clients=1) for stream in streams]

    reports = build_reports(
        agent, "test", validate_stats("a", streams, stats, LogOnce(log)).mounts.values()
    )

    assert reports["hall", "edge1"]["files"] == {"webm_high": "a.webm"}
    assert "files" not in reports["lab", "edge1"]
    assert EndpointReportSchema().deserialize(reports["hall", "edge1"])["files"]


@pytest.mark.parametrize(
    ("stats", "logged", "total"),
    [
        # A server whose viewers are not distinguished: the log replaces its number.
        ({"clients": 7}, 20, 20),
        # Players of RTMP are in no log.
        ({"clients": 5, "segment_clients": 0}, 20, 25),
        # Four play HLS, and are in the log, too.
        ({"clients": 9, "segment_clients": 4}, 20, 25),
        ({"clients": None, "segment_clients": None}, 20, 20),
        ({"clients": 3, "segment_clients": 8}, 20, 20),
    ],
)
def test_viewers_of_an_access_log_count_beside_those_that_it_does_not_have(
    agent, stats, logged, total
):
    [mount] = _validate(agent, MountStats(mount="/hall.m3u8", **stats))

    assert mount.with_logged_viewers(logged, 1000).clients == total


@pytest.mark.parametrize(
    ("stats", "connections", "sessions", "viewers"),
    [
        ({"clients": 8}, 1, 0, 7),
        ({"clients": 0}, 1, 0, 0),
        # A check by HLS is no client of a server that does not count HLS.
        ({"clients": 8}, 0, 1, 8),
        ({"clients": 8, "segment_clients": 8}, 0, 1, 7),
        ({"clients": 8, "segment_clients": 0}, 0, 1, 8),
        ({"clients": 8, "includes_checks": False}, 1, 1, 8),
    ],
)
def test_own_checks_are_subtracted_where_the_server_counts_them(
    agent, stats, connections, sessions, viewers
):
    [mount] = _validate(agent, MountStats(mount="/hall.m3u8", **stats))

    assert mount.without_checks(connections=connections, sessions=sessions).clients == viewers


def _validate(agent, *stats):
    return validate_stats("a", agent.sources[0].streams, stats, LogOnce(log)).mounts.values()


REPORT = {"clients": 5, "bitrate": 1000, "cbitrate": 1000, "formats": ["hls"], "figures": {}}


@pytest.mark.parametrize(
    ("change", "is_significant"),
    [
        ({}, False),
        ({"clients": 6}, True),
        ({"formats": ["hls", "webm"]}, True),
        ({"bitrate": 1050}, False),
        ({"bitrate": 1200}, True),
        ({"bitrate": 0}, True),
        ({"figures": {"webm_high": {"clients": 5}}}, False),
    ],
)
def test_small_change_of_a_bitrate_is_insignificant(change, is_significant):
    assert is_significant_change(REPORT | change, REPORT) is is_significant


def test_example_agent_ini_is_valid_with_all_comments_enabled(root, tmp_path):
    text = (root / "conf/agent.ini.example").read_text().replace("/etc/streaming/", "")
    # A disabled key or section has no space after its "#"; a comment has one.
    (tmp_path / "agent.ini").write_text(re.sub(r"^#(?=\[|[a-z]|  )", "", text, flags=re.MULTILINE))
    for name in ("agent.token", "tracker.secret", "icecast.password", "ome.token"):
        (tmp_path / name).write_text("secret")

    agent = load_agent_config(tmp_path / "agent.ini")
    sources = configure_sources(agent)
    components = parse_components(
        agent, CheckTools(runner=ProcessRunner(), ffmpeg=parse_supervisor_config(agent).ffmpeg)
    )

    assert (agent.token, agent.secret) == ("secret", "secret")
    assert {source.source.name for source in sources} == set(load_sources())
    uses = re.findall(r"^use = (\w+)", text.partition("[watch]")[2], re.MULTILINE)
    assert set(uses) == set(CHECK_TYPES)
    assert len(components) == len(uses)


def test_manual_has_every_source_type_and_key(root):
    manual = (root / "docs/reference/agent.md").read_text()
    example = (root / "conf/agent.ini.example").read_text()
    keys = set(re.findall(r"^#?([a-z.]+) =", example, re.MULTILINE))

    assert [name for name in load_sources() if f"### `{name}`" not in manual] == []
    assert [kind for kind in CHECK_TYPES if f"| `{kind}` |" not in manual] == []
    assert [key for key in keys if f"`{key.removesuffix('.file')}" not in manual] == []
