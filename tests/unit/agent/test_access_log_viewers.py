"""Counting viewers in an access log."""

import os
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from streaming_system.agent.access_log_viewers import ViewerCount, ViewerWindow
from streaming_system.agent.config import AccessLogConfig, StreamConfig
from streaming_system.agent.logs.tail import MAX_LINE_BYTES

STREAMS = [
    StreamConfig(mount="live/hall", room="hall", format="hls"),
    StreamConfig(mount="live/hall-low", room="hall", format="hls", quality="low"),
    StreamConfig(mount="live/lab", room="lab", format="hls"),
]


class Log:
    """An access log and its viewer window."""

    def __init__(self, file, seconds=30.0):
        self.file = file
        file.touch()
        self.window = ViewerWindow(
            AccessLogConfig(file=file, path="/hls/{mount}", window=seconds), STREAMS
        )
        self.window.count()

    def write(
        self,
        target,
        *,
        address="203.0.113.9",
        agent="VLC",
        status=200,
        size=1000,
        end="\n",
        at="24/Nov/2026:09:00:00 +0000",
    ):
        line = f'{address} - - [{at}] "GET {target} HTTP/1.1" {status} {size} "-" "{agent}"'
        with self.file.open("a") as file:
            file.write(line + end)

    def clients(self):
        return {
            mount: count.clients for mount, count in self.window.count().items() if count.clients
        }


@pytest.fixture
def log(tmp_path):
    log = Log(tmp_path / "access.log")
    yield log
    log.window.close()


def test_viewer_is_an_address_with_a_user_agent_regardless_of_its_requests(log):
    for number in range(5):
        log.write(f"/hls/hall-{number}.ts")
        log.write(f"/hls/hall-{number}.ts", agent="Firefox")
        log.write(f"/hls/hall-{number}.ts", address="2001:db8::1")

    assert log.clients() == {"live/hall": 3}


def test_viewer_of_two_qualities_counts_once_and_viewer_of_two_rooms_twice(log):
    log.write("/hls/hall.m3u8")
    log.write("/hls/hall-low/7.ts")
    log.write("/hls/lab.m3u8?token=x")

    assert log.clients() == {"live/hall-low": 1, "live/lab": 1}


@pytest.mark.parametrize(
    ("target", "fields"),
    [
        ("/hls/hallway.m3u8", {}),
        ("/other/hall.m3u8", {}),
        ("/hls/hall.m3u8", {"status": 404}),
        ("/hls/hall.m3u8", {"status": 500}),
        ("/hls/", {}),
    ],
)
def test_other_requests_and_errors_are_not_counted(log, target, fields):
    log.write(target, **fields)

    assert log.clients() == {}


def test_viewers_of_the_last_seconds_count_from_the_start(tmp_path):
    first = Log(tmp_path / "access.log", seconds=60)
    now = datetime.now(UTC)
    for age in (0, 5, 55, 70, 3600):
        at = f"{now - timedelta(seconds=age):%d/%b/%Y:%H:%M:%S} +0000"
        first.write("/hls/hall.m3u8", agent=f"{age} s", at=at, size=7500)
    zone = timezone(timedelta(hours=-3, minutes=-30))
    first.write("/hls/hall.m3u8", agent="zone", at=f"{now.astimezone(zone):%d/%b/%Y:%H:%M:%S %z}")
    first.write("/hls/hall.m3u8", agent="no time", at="99/Xyz/2026:09:00:00 +0000")

    window = ViewerWindow(AccessLogConfig(file=first.file, path="/hls/{mount}", window=60), STREAMS)

    count = window.count()["live/hall"]
    assert count.clients == 4
    # Three of 7500 bytes and one of 1000 within 55 s.
    assert 3000 < count.sent < 4000
    window.close()
    first.window.close()


def test_lines_from_before_the_window_are_ignored(tmp_path):
    file = tmp_path / "old.log"
    file.touch()
    first = Log(file)
    first.write("/hls/hall.m3u8")

    second = Log(file)

    assert (first.clients(), second.clients()) == ({"live/hall": 1}, {})
    first.window.close()
    second.window.close()


def test_missing_log_is_an_error_until_it_exists(tmp_path):
    file = tmp_path / "access.log"
    window = ViewerWindow(AccessLogConfig(file=file, path="/hls/{mount}", window=30), STREAMS)
    with pytest.raises(FileNotFoundError):
        window.count()

    file.write_text(
        '203.0.113.9 - - [24/Nov/2026:09:00:00 +0000] "GET /hls/hall.ts HTTP/1.1" 200 9\n'
    )
    older = window.count()["live/hall"].clients
    with file.open("a") as log:
        log.write(
            '203.0.113.8 - - [24/Nov/2026:09:00:01 +0000] "GET /hls/hall.ts HTTP/1.1" 200 9\n'
        )

    assert (older, window.count()["live/hall"].clients) == (0, 1)
    window.close()


def test_viewer_expires_after_the_window(tmp_path, monkeypatch):
    log = Log(tmp_path / "access.log", seconds=10)
    log.write("/hls/hall.m3u8")
    assert log.clients() == {"live/hall": 1}
    monotonic = time.monotonic

    monkeypatch.setattr("time.monotonic", lambda: monotonic() + 9)
    assert log.clients() == {"live/hall": 1}
    monkeypatch.setattr("time.monotonic", lambda: monotonic() + 11)
    assert log.clients() == {}
    log.window.close()


def test_sent_bytes_are_counted_in_bits_per_second(log, monkeypatch):
    monotonic = time.monotonic
    monkeypatch.setattr("time.monotonic", lambda: monotonic() + 30)

    log.write("/hls/hall.m3u8", size=30_000)
    log.write("/hls/hall-0.ts", size=720_000)

    assert log.window.count()["live/hall"] == ViewerCount(clients=1, sent=200_000)


def test_incomplete_line_is_counted_when_it_is_complete(log):
    log.write("/hls/hall.m3u8", end="")
    assert log.clients() == {}

    log.write("", end="", address="\n203.0.113.10")

    assert log.clients() == {"live/hall": 1}


def test_rotated_log_is_followed(log):
    log.window.count()
    log.write("/hls/hall.m3u8", agent="before")
    log.file.rename(log.file.with_suffix(".1"))
    assert log.clients() == {"live/hall": 1}

    log.file.touch()
    log.write("/hls/hall.m3u8", agent="after")

    assert log.clients() == {"live/hall": 2}


def test_truncated_log_is_followed(log):
    for number in range(10):
        log.write("/hls/hall.m3u8", agent=f"before {number}")
    log.window.count()
    os.truncate(log.file, 0)

    log.write("/hls/hall.m3u8", agent="after")

    assert log.clients() == {"live/hall": 11}


def test_invalid_lines_are_skipped(log):
    with log.file.open("ab") as file:
        file.write(b"\xff\x00 no line\n" + b"x" * (3 * MAX_LINE_BYTES) + b'\n"""[[[\n')
    log.write("/hls/hall.m3u8")

    assert log.clients() == {"live/hall": 1}


def test_malicious_lines_are_parsed_fast(log):
    line = "a - " + "[" * 8000 + ' "GET ' + "\\" * 8000 + '" 200 5 "' + "\\" * 4001 + "\n"
    log.file.write_text(line * 50)
    log.write("/hls/hall.m3u8")
    start = time.monotonic()

    assert log.clients() == {"live/hall": 1}
    assert time.monotonic() - start < 2


def test_addresses_and_user_agents_are_not_stored(log):
    log.write("/hls/hall.m3u8", address="203.0.113.77", agent="My Own Browser")
    log.window.count()

    state = repr(vars(log.window))
    assert "203.0.113.77" not in state
    assert "My Own Browser" not in state


@pytest.mark.parametrize(
    ("agent", "is_viewer"),
    [
        ("streaming-system (agent)", False),
        ("streaming-system (agent) preview", False),
        ("streaming-system (agent) check", False),
        ("streaming-system", False),
        ("streaming-systematic", True),
        ("Mozilla/5.0 streaming-system (agent)", True),
        ("-", True),
    ],
)
def test_requests_of_our_own_checks_are_not_counted(log, agent, is_viewer):
    log.write("/hls/hall.m3u8", agent=agent, size=500)

    assert log.clients() == ({"live/hall": 1} if is_viewer else {})
