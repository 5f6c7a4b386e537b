"""`make demo` starts the whole system, and Ctrl-C stops it."""

import json
import os
import re
import shutil
import signal
import socket
import tempfile
import time
from pathlib import Path

import pytest
from programs import require

from .config import set_ini_key
from .conftest import page_opener
from .sites import parse_live_rooms, run_in_checkout
from .test_quick_start import MAKE

DEMO = (".venv/bin/streaming-system", "agent", "demo")
ROOMS = ["example", "garden", "lab"]
IS_PLAYING = """() => {
    const video = document.querySelector("video");
    return video !== null && !video.paused && video.currentTime > 2 && video.videoWidth > 0;
}"""


def descendants(pid):
    """Return a process and all its descendants."""
    children = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    pids, new = [], [pid]
    while new:
        pids += new
        new = [child for parent in new for child in children.get(parent, ())]
    return pids


def commands_with(folder):
    """Return the commands of all processes that contain the path of a folder."""
    commands = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = process.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in command:
            commands.append(command)
    return commands


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def temp_folder():
    """The folder for temporary files of a demo; Chromium's socket requires a short path."""
    with tempfile.TemporaryDirectory(prefix="test-") as folder:
        yield Path(folder)


def has_thumbnails(page):
    """Return whether a page has a thumbnail of each room, in one of two sizes."""
    return all(re.search(rf'src="/preview/{room}(-large)?\.jpg"', page) for room in ROOMS)


# It takes a minute on two cores.
@pytest.mark.exhaustive
def test_demo_runs_everything_until_ctrl_c(
    checkout, serve_command, free_port, chromium, temp_folder
):
    require("ffmpeg")
    url = f"http://127.0.0.1:{free_port}"
    make = (*MAKE, f"ARGS=127.0.0.1:{free_port}", "demo")

    with serve_command(*make, url=url, env={"TMPDIR": str(temp_folder)}) as site:
        site.wait_for(lambda: "Everything runs; Ctrl-C ends it." in site.log, 120, "all is there")
        assert f"  {url}/monitor " in site.log

        # The pages show live rooms and their thumbnails.
        assert sorted(parse_live_rooms(site.text("/"))) == ROOMS
        thumbnails = [f"/preview/{room}.jpg" for room in ROOMS]
        site.wait_for(
            lambda: has_thumbnails(site.text("/")),
            60,
            "a thumbnail of each room",
        )
        assert len({site.get(path).data for path in thumbnails}) == len(ROOMS)
        listed = site.get("/tracker/streams.json").json()["rooms"]
        formats = {
            format_ for room in ROOMS for e in listed[room]["endpoints"] for format_ in e["formats"]
        }
        assert formats == ({"hls", "webm"} if shutil.which("icecast2") else {"hls"})

        # Simulated viewers are counted, and a browser can play the stream.
        site.wait_for(lambda: count_players(site) >= 2, 60, "two players report")
        with page_opener(chromium, site) as visit:
            page = visit("/example")
            page.wait_for_function(IS_PLAYING, timeout=60_000)

        started = descendants(site.process.pid)
        assert len(started) > 6
        signalled_at = time.monotonic()
        # Like the terminal: signal the process group of make and the demo.
        os.killpg(site.process.pid, signal.SIGINT)
        site.process.wait(20)
        seconds = time.monotonic() - signalled_at

    assert seconds < 8
    assert [pid for pid in started if is_running(pid)] == []
    assert commands_with(temp_folder) == []
    assert list(temp_folder.iterdir()) == []
    assert not (checkout / "var/previews").exists()
    assert "The demo is over; nothing of it runs any more." in site.log
    assert "Traceback" not in site.log
    assert "Error" not in site.log


def test_demo_uses_the_configured_rooms_until_ctrl_c(
    checkout, run_command, serve_command, free_port, temp_folder
):
    require("ffmpeg")
    assert run_command(*MAKE, "initdb", "schedule").returncode == 0
    set_ini_key(checkout / "development.ini", "address", f"127.0.0.1:{free_port}")
    rooms = {"config": {"secret": "of the tests"}, "hall": {"title": "Hall"}}
    (checkout / "config.private.json").write_text(json.dumps(rooms))
    url = f"http://127.0.0.1:{free_port}"

    with serve_command(*DEMO, "--viewers", "0", url=url, env={"TMPDIR": str(temp_folder)}) as site:
        site.wait_for(lambda: "Everything runs; Ctrl-C ends it." in site.log, 120, "all is there")
        site.wait_for(lambda: parse_live_rooms(site.text("/")) == ["hall"], 10, "the hall is live")
        started = descendants(site.process.pid)
        os.killpg(site.process.pid, signal.SIGINT)
        site.process.wait(20)

    assert [pid for pid in started if is_running(pid)] == []
    assert list(temp_folder.iterdir()) == []
    assert "The demo is over; nothing of it runs any more." in site.log
    assert "Traceback" not in site.log


def count_players(site):
    """Return the number of reporting players in all rooms."""
    reports = (site.get(f"/tracker/api/v1/rooms/{room}/playback").json() for room in ROOMS)
    return sum(room["viewers"]["players"] for room in reports)


def test_demo_reports_an_address_in_use_in_one_line(
    checkout, run_command, temp_folder, clean_environment
):
    require("ffmpeg")
    assert run_command(*MAKE, "initdb").returncode == 0
    with socket.create_server(("127.0.0.1", 0)) as used_socket:
        address = f"127.0.0.1:{used_socket.getsockname()[1]}"
        set_ini_key(checkout / "development.ini", "address", address)
        # The socket does not respond.
        used_socket.settimeout(0)

        demo = run_in_checkout(checkout, clean_environment | {"TMPDIR": str(temp_folder)}, *DEMO)

    assert (demo.returncode, demo.stdout) == (1, "")
    assert demo.stderr.startswith(f"Error: the site does not respond at http://{address}/ (")
    assert "Address already in use" in demo.stderr
    assert demo.stderr.count("\n") == 1
    assert commands_with(temp_folder) == []
    [token] = json.loads(run_command(DEMO[0], "admin", "token", "list", "--json").stdout)
    assert token["label"] == "demo"
    assert token["revoked_at"]


def test_demo_without_ffmpeg_reports_that(checkout, run_command, clean_environment, tmp_path):
    assert run_command(*MAKE, "initdb").returncode == 0

    demo = run_in_checkout(checkout, clean_environment | {"PATH": str(tmp_path)}, *DEMO)

    assert (demo.returncode, demo.stdout) == (1, "")
    assert demo.stderr == "Error: the demo needs ffmpeg, which is not installed\n"
