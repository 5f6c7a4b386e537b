"""Timed sources: their configuration, and which one is active at a time."""

import json
import re
from datetime import UTC, datetime

import pytest

from streaming_system import config
from streaming_system.config import Fallback
from streaming_system.config.stream_sources import (
    active_external_fallbacks,
    active_source,
    active_youtube_id,
    is_served_by_endpoints,
    next_source_change,
)

DAYS = [
    {"from": "2026-11-25T09:00", "until": "2026-11-25T18:00", "youtube": "day1"},
    {"from": "2026-11-26T09:00", "youtube": "day2"},
    {"from": "2026-11-26T12:00", "url": "https://cdn.example/{room}/"},
    {"from": "2026-11-26T15:00+00:00", "iframe": "https://vimeo.example/event/1/embed", "": ""},
]


@pytest.fixture
def load(tmp_path):
    def load(**hall):
        path = tmp_path / "config.json"
        path.write_text(json.dumps({"hall": {"schedule-timezone": "Europe/Berlin"} | hall}))
        return config.load_conference(path, tmp_path / "none.json").rooms["hall"]

    return load


def utc(day, hour, minute=0):
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "active", "change"),
    [
        (utc(25, 7, 59), None, utc(25, 8)),
        (utc(25, 8), "day1", utc(25, 17)),
        (utc(25, 17), None, utc(26, 8)),
        (utc(26, 8), "day2", utc(26, 11)),
        (utc(26, 11), "https://cdn.example/{room}/", utc(26, 15)),
        (utc(26, 15), "https://vimeo.example/event/1/embed", None),
        (utc(30, 0), "https://vimeo.example/event/1/embed", None),
    ],
)
def test_active_source_follows_the_time_zone_of_the_room(load, now, active, change):
    hall = load(sources=DAYS)
    source = active_source(hall, now)

    assert (source and source.value) == active
    assert next_source_change(hall, now) == change


def test_youtube_and_fallbacks_apply_without_active_source(load):
    hall = load(sources=DAYS, youtube="always", fallbacks=["https://old.example/"])

    assert (is_served_by_endpoints(hall, utc(25, 7)), active_youtube_id(hall, utc(25, 7))) == (
        True,
        "always",
    )
    assert [fallback.value for fallback in active_external_fallbacks(hall, utc(25, 7))] == [
        "https://old.example/",
        "always",
    ]
    assert (is_served_by_endpoints(hall, utc(25, 9)), active_youtube_id(hall, utc(25, 9))) == (
        False,
        "day1",
    )
    assert active_external_fallbacks(hall, utc(25, 9)) == (Fallback(kind="youtube", value="day1"),)
    assert active_youtube_id(hall, utc(26, 12)) == ""


def test_first_source_may_omit_its_start(load):
    hall = load(sources=[{"youtube": "first"}, {"from": "2026-11-26T09:00", "youtube": "second"}])

    assert active_source(hall, datetime(1999, 1, 1, tzinfo=UTC)).value == "first"
    assert active_source(hall, utc(26, 8)).value == "second"


def test_default_sources_use_the_time_zone_of_each_room(tmp_path):
    path = tmp_path / "config.json"
    document = {
        "default": {"sources": DAYS},
        "berlin": {"schedule-timezone": "Europe/Berlin"},
        "tokyo": {"schedule-timezone": "Asia/Tokyo"},
    }
    path.write_text(json.dumps(document))
    rooms = config.load_conference(path, tmp_path / "none.json").rooms

    assert rooms["berlin"].sources[0].start == utc(25, 8)
    assert rooms["tokyo"].sources[0].start == utc(25, 0)


@pytest.mark.parametrize(
    ("sources", "line"),
    [
        ("day1", "is 'day1'; allowed: a list of sources"),
        (["day1"], "source 1: is 'day1'; allowed: an object such as"),
        (
            [{"form": "x", "youtube": "a"}],
            "source 1: unknown key 'form'; did you mean 'from'? allowed:",
        ),
        ([{"from": "2026-11-25"}], "source 1: needs one of youtube, url, iframe"),
        ([DAYS[0] | {"url": "https://x.example/"}], "source 1: needs one of youtube, url, iframe"),
        ([DAYS[0] | {"from": "nine"}], "source 1, 'from': is 'nine'; allowed: a time such as"),
        ([DAYS[0] | {"until": 7}], "source 1, 'until': is 7; allowed: a time such as"),
        ([DAYS[0] | {"youtube": "a b"}], "source 1, 'youtube': is 'a b'; allowed: the id of"),
        ([DAYS[0], {"from": "2026-11-26", "url": "/x"}], "source 2, 'url': is '/x'; allowed:"),
        ([{"iframe": "javascript:alert(1)"}], "source 1, 'iframe': is 'javascript:alert(1)'"),
        ([{"iframe": "https://a.example; script-src *"}], "source 1, 'iframe': is 'https://a.e"),
        ([{"iframe": "https://u:p@a.example/"}], "source 1, 'iframe': is 'https://u:p@a.exam"),
        ([DAYS[1], DAYS[0]], "source 2, 'from': must be later than that of source 1; put them in"),
        (
            [DAYS[0] | {"until": "2026-11-26T10:00"}, DAYS[1]],
            "source 2, 'from': overlaps source 1, which is on until 2026-11-26T09:00Z",
        ),
        ([DAYS[0] | {"until": "2026-11-25T09:00"}], "source 1, 'until': must be later than its"),
        ([DAYS[0], {"youtube": "x"}], "source 2: lacks 'from'; only the first may omit it"),
    ],
)
def test_invalid_source_is_reported_with_key_and_number(load, tmp_path, sources, line):
    with pytest.raises(config.ConfigError) as error:
        load(sources=sources)

    start = rf"{tmp_path}/config\.json:1:\d+: room 'hall': key 'sources': {re.escape(line)}"
    assert re.match(start, str(error.value))


def test_time_without_offset_needs_a_time_zone(load):
    with pytest.raises(config.ConfigError, match=r"'from': 2026-11-25T09:00 has no offset"):
        load(sources=DAYS, **{"schedule-timezone": False})
