"""Checks of all services on a machine know of each other."""

import subprocess
import sys
import time

import pytest

from streaming_system.agent.open_checks import (
    CONNECT_MS,
    DISCONNECT_SECONDS,
    SOCKET_LIST,
    find_open_checks,
    is_certain,
    is_connected,
    open_check,
)

URL = "https://edge1.example.org:8000/hall.webm?secret=1"
OTHER_SERVICE = f"""
import sys
from streaming_system.agent.open_checks import open_check
with open_check({URL!r}):
    print("connected", flush=True)
    sys.stdin.read()
"""


def count(*urls):
    return sum(map(is_connected, find_open_checks(urls)))


def test_check_is_found_while_it_is_connected():
    with open_check(URL):
        with open_check("http://127.0.0.1:8000/hall.webm"):
            assert count("/hall.webm") == 2
        assert count("/hall.webm", URL) == 1
        assert find_open_checks(["/lab.webm", "/hall", "live/hall"]) == frozenset()
    assert count("/hall.webm") == 0


@pytest.mark.parametrize("mount", ["", "//[", "http://[::1", "/%ff", "mount with spaces"])
def test_any_name_of_a_mount_is_allowed(mount):
    with open_check(mount):
        assert count(mount) == 1


def test_number_is_uncertain_for_a_moment_after_the_begin_and_the_end(monkeypatch):
    url = "http://127.0.0.1:8000/moment.webm"
    with open_check(url):
        [name] = find_open_checks([url])
        assert not is_certain(name)
        now = time.monotonic()
        with monkeypatch.context() as clock:
            clock.setattr("time.monotonic", lambda: now + CONNECT_MS / 1000)
            assert is_certain(name)
    [name] = find_open_checks([url])
    assert (is_connected(name), is_certain(name)) == (False, False)
    deadline = time.monotonic() + 10 * DISCONNECT_SECONDS
    while find_open_checks([url]):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_check_of_another_service_is_found_until_that_ends_in_whatever_way():
    if not SOCKET_LIST.exists():
        pytest.skip("only Linux lists the names of Unix sockets")
    process = subprocess.Popen(
        [sys.executable, "-c", OTHER_SERVICE], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout.readline() == b"connected\n"
        assert count("/hall.webm") == 1
        assert b"secret" not in SOCKET_LIST.read_bytes()
    finally:
        process.kill()
        process.communicate()
    assert count("/hall.webm") == 0
