"""Viewers in an access log: who is one, and what a log does to those who read it."""

import os
import time

import pytest

from streaming_system.agent.access_log_viewers import CHUNK_BYTES, ViewerCount, ViewerWindow
from streaming_system.agent.config import AccessLogConfig, StreamConfig

STREAMS = [
    StreamConfig(mount="live/hall", room="hall", format="hls"),
    StreamConfig(mount="live/hall-low", room="hall", format="hls", quality="low"),
    StreamConfig(mount="live/lab", room="lab", format="hls"),
]


class Log:
    """An access log, and the window on it."""

    def __init__(self, file, seconds=30.0):
        self.file = file
        file.touch()
        self.window = ViewerWindow(
            AccessLogConfig(file=file, path="/hls/{mount}", window=seconds), STREAMS
        )
        self.window.count()

    def write(self, target, *, who="203.0.113.9", agent="VLC", status=200, size=1000, end="\n"):
        line = (
            f'{who} - - [24/Nov/2026:09:00:00 +0000] "GET {target} HTTP/1.1" {status} {size} "-" '
            f'"{agent}"'
        )
        with self.file.open("a") as file:
            file.write(line + end)

    def clients(self):
        return {mount: one.clients for mount, one in self.window.count().items() if one.clients}


@pytest.fixture
def log(tmp_path):
    log = Log(tmp_path / "access.log")
    yield log
    log.window.close()


def test_a_viewer_is_an_address_with_a_browser_however_often_it_asks(log):
    for number in range(5):
        log.write(f"/hls/hall-{number}.ts")
        log.write(f"/hls/hall-{number}.ts", agent="Firefox")
        log.write(f"/hls/hall-{number}.ts", who="2001:db8::1")

    assert log.clients() == {"live/hall": 3}


def test_one_who_changes_the_quality_stays_one_and_one_of_two_rooms_is_two(log):
    log.write("/hls/hall.m3u8")
    log.write("/hls/hall-low/7.ts")
    log.write("/hls/lab.m3u8?token=x")

    assert log.clients() == {"live/hall-low": 1, "live/lab": 1}


@pytest.mark.parametrize(
    ("target", "more"),
    [
        ("/hls/hallway.m3u8", {}),
        ("/other/hall.m3u8", {}),
        ("/hls/hall.m3u8", {"status": 404}),
        ("/hls/hall.m3u8", {"status": 500}),
        ("/hls/", {}),
    ],
)
def test_what_is_no_piece_of_a_stream_is_no_viewer(log, target, more):
    log.write(target, **more)

    assert log.clients() == {}


def test_what_was_written_before_is_of_the_past(tmp_path):
    file = tmp_path / "old.log"
    file.touch()
    first = Log(file)
    first.write("/hls/hall.m3u8")

    second = Log(file)

    assert (first.clients(), second.clients()) == ({"live/hall": 1}, {})
    first.window.close()
    second.window.close()


def test_who_asks_no_more_is_gone_after_the_window(tmp_path, monkeypatch):
    log = Log(tmp_path / "access.log", seconds=10)
    log.write("/hls/hall.m3u8")
    assert log.clients() == {"live/hall": 1}
    monotonic = time.monotonic

    monkeypatch.setattr("time.monotonic", lambda: monotonic() + 9)
    assert log.clients() == {"live/hall": 1}
    monkeypatch.setattr("time.monotonic", lambda: monotonic() + 11)
    assert log.clients() == {}
    log.window.close()


def test_what_is_sent_is_told_in_bits_per_second(log, monkeypatch):
    monotonic = time.monotonic
    monkeypatch.setattr("time.monotonic", lambda: monotonic() + 30)

    log.write("/hls/hall.m3u8", size=30_000)
    log.write("/hls/hall-0.ts", size=720_000)

    assert log.window.count()["live/hall"] == ViewerCount(clients=1, sent=200_000)


def test_a_line_that_is_still_being_written_is_read_once_it_is_whole(log):
    log.write("/hls/hall.m3u8", end="")
    assert log.clients() == {}

    log.write("", end="", who="\n203.0.113.10")

    assert log.clients() == {"live/hall": 1}


def test_a_log_that_is_rotated_is_followed(log):
    log.window.count()
    log.write("/hls/hall.m3u8", agent="before")
    log.file.rename(log.file.with_suffix(".1"))
    assert log.clients() == {"live/hall": 1}

    log.file.touch()
    log.write("/hls/hall.m3u8", agent="after")

    assert log.clients() == {"live/hall": 2}


def test_a_log_that_is_emptied_in_place_is_followed(log):
    for number in range(10):
        log.write("/hls/hall.m3u8", agent=f"before {number}")
    log.window.count()
    os.truncate(log.file, 0)

    log.write("/hls/hall.m3u8", agent="after")

    assert log.clients() == {"live/hall": 11}


def test_rubbish_is_passed_over(log):
    with log.file.open("ab") as file:
        file.write(b"\xff\x00 no line\n" + b"x" * (3 * CHUNK_BYTES) + b'\n"""[[[\n')
    log.write("/hls/hall.m3u8")

    assert log.clients() == {"live/hall": 1}


def test_a_hostile_line_takes_no_time(log):
    line = "a - " + "[" * 8000 + ' "GET ' + "\\" * 8000 + '" 200 5 "' + "\\" * 4001 + "\n"
    log.file.write_text(line * 50)
    log.write("/hls/hall.m3u8")
    began = time.monotonic()

    assert log.clients() == {"live/hall": 1}
    assert time.monotonic() - began < 2


def test_no_address_is_kept(log):
    log.write("/hls/hall.m3u8", who="203.0.113.77", agent="My Own Browser")
    log.window.count()

    kept = repr(vars(log.window))
    assert "203.0.113.77" not in kept
    assert "My Own Browser" not in kept


def test_our_own_programs_are_no_viewers(log):
    log.write("/hls/hall.m3u8", agent="streaming-system (agent) preview", size=500)
    log.write("/hls/hall.m3u8", who="203.0.113.10")

    assert log.clients() == {"live/hall": 1}
