"""The keys of recordings in the configuration."""

import json

import pytest

from streaming_system.config.loader import check_conference


@pytest.fixture
def check(tmp_path):
    """Return a function that checks the key relive of rooms, and returns the findings."""

    def check(**rooms):
        document = {
            name: {"schedule": "https://e.example/s.xml", "relive": value}
            for name, value in rooms.items()
        }
        path = tmp_path / "config.json"
        path.write_text(json.dumps(document))
        checked = check_conference(path, tmp_path / "none.json")
        return checked.conference, [
            finding.message for finding in checked.findings if "only" not in finding.message
        ]

    return check


@pytest.mark.parametrize(
    "value",
    [
        {"hls": "https://cdn.example/{room}/dvr.m3u8?token=x"},
        {"hls": "http://10.0.0.1:8080/dvr.m3u8", "clock-offset": -2.5},
        {"mediamtx": "https://media.example:9996", "path": "live/{room}"},
        {"files": "https://rec.example/{room}/", "names": "%s.mp4", "timezone": "Europe/Berlin"},
        {"index": "https://relive.example/conf/index.json"},
        False,
        "",
    ],
)
def test_source_is_accepted(check, value):
    conference, messages = check(hall=value)

    assert messages == []
    assert bool(conference.rooms["hall"].relive) is bool(value)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("https://cdn.example/dvr.m3u8", "an object such as"),
        ({}, "needs one of hls, mediamtx, files, index"),
        ({"hls": "https://x.example/a.m3u8", "index": "https://x.example/"}, "needs one of"),
        ({"hls": "cdn.example/dvr.m3u8"}, "https://cdn.example/dvr.m3u8"),
        ({"hls": "javascript:alert(1)//a.m3u8"}, "allowed"),
        ({"hls": "/dvr.m3u8"}, "an https:// or http:// address"),
        ({"hls": "https://x.example/hall/"}, "ends in .m3u8"),
        ({"hls": 7}, "is 7"),
        ({"hls": "https://x.example/a.m3u8", "path": "x"}, "unknown key 'path' beside 'hls'"),
        ({"hls": "https://x.example/a.m3u8", "clock-offset": True}, "a number of seconds"),
        ({"hls": "https://x.example/a.m3u8", "clock-offset": 1e9}, "a number of seconds"),
        ({"mediamtx": "https://x.example/"}, "needs 'path'"),
        ({"files": "https://x.example/"}, "needs 'names'"),
        ({"files": "https://x.example/", "names": "hall-%s.flv"}, "exec_record_done"),
        ({"files": "https://x.example/", "names": "hall.mp4"}, "has no time in it"),
        ({"files": "https://x.example/", "names": "../%s.mp4"}, "without folder"),
        ({"files": "https://x.example/", "names": "%s.mp4", "timezone": "Mars"}, "'timezone'"),
    ],
)
def test_source_that_cannot_work_is_an_error(check, value, problem):
    conference, messages = check(hall=value)

    assert conference is None
    assert len(messages) == 1
    assert problem in messages[0]
    assert "\n" not in messages[0]


def test_one_recording_of_two_rooms_is_a_warning(check):
    conference, messages = check(
        hall={"hls": "https://x.example/dvr.m3u8"}, lab={"hls": "https://x.example/dvr.m3u8"}
    )

    assert conference is not None
    assert len(messages) == 1
    assert "is the recording of room 'hall'" in messages[0]
