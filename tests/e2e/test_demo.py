"""`make demo`: the whole system alive, by one command, and gone by Ctrl-C."""

import json
import os
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
from .served import parse_live_rooms, run_in_checkout
from .test_newcomer import MAKE

DEMO = (".venv/bin/streaming-system", "encoder", "demo")
ROOMS = ["example", "garden", "lab"]
PLAYS = """() => {
    const video = document.querySelector("video");
    return video !== null && !video.paused && video.currentTime > 2 && video.videoWidth > 0;
}"""


def descendants(pid):
    """Return a process and all that it and its children have started."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, new = [], [pid]
    while new:
        found += new
        new = [child for parent in new for child in parents.get(parent, ())]
    return found


def naming(folder):
    """Return the commands of all processes that name a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = process.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in command:
            found.append(command)
    return found


def runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def own():
    """The folder for all that a demo makes of its own; Chromium's socket needs a short name."""
    with tempfile.TemporaryDirectory(prefix="test-") as folder:
        yield Path(folder)


# The whole of it takes a minute of both cores: only worth it now and then.
@pytest.mark.exhaustive
def test_everything_is_alive_until_ctrl_c(checkout, serve, free_port, chromium, own):
    require("ffmpeg")
    url = f"http://127.0.0.1:{free_port}"
    make = (*MAKE, f"ARGS=127.0.0.1:{free_port}", "demo")

    with serve(*make, url=url, env={"TMPDIR": str(own)}) as site:
        site.wait_for(lambda: "Everything runs; Ctrl-C ends it." in site.log, 120, "all is there")
        assert f"  {url}/monitor " in site.log

        # The pages show what a visitor is promised.
        assert sorted(parse_live_rooms(site.text("/"))) == ROOMS
        pictures = [f"/preview/{room}.jpg" for room in ROOMS]
        site.wait_for(
            lambda: all(f'src="{picture}"' in site.text("/") for picture in pictures),
            60,
            "a picture of each room",
        )
        assert len({site.get(picture).data for picture in pictures}) == len(ROOMS)
        listed = site.get("/tracker/streams.json").json()["rooms"]
        formats = {
            format_ for room in ROOMS for e in listed[room]["endpoints"] for format_ in e["formats"]
        }
        assert formats == ({"hls", "webm"} if shutil.which("icecast2") else {"hls"})

        # Its own viewers count, and ours can watch.
        site.wait_for(lambda: players(site) >= 2, 60, "two players report")
        with page_opener(chromium, site) as visit:
            page = visit("/example")
            page.wait_for_function(PLAYS, timeout=60_000)

        started = descendants(site.process.pid)
        assert len(started) > 6
        began = time.monotonic()
        # As the terminal does: to make and the demo, and to nobody else.
        os.killpg(site.process.pid, signal.SIGINT)
        site.process.wait(20)
        took = time.monotonic() - began

    assert took < 8
    assert [pid for pid in started if runs(pid)] == []
    assert naming(own) == []
    assert list(own.iterdir()) == []
    assert not (checkout / "var/previews").exists()
    assert "The demo is over; nothing of it runs any more." in site.log
    assert "Traceback" not in site.log
    assert "Error" not in site.log


def test_a_room_is_alive_until_it_is_ended(checkout, run, serve, free_port, own):
    require("ffmpeg")
    assert run(*MAKE, "initdb", "schedule").returncode == 0
    set_ini_key(checkout / "development.ini", "address", f"127.0.0.1:{free_port}")
    rooms = {"config": {"secret": "of the tests"}, "hall": {"title": "Hall"}}
    (checkout / "config.private.json").write_text(json.dumps(rooms))
    url = f"http://127.0.0.1:{free_port}"

    with serve(*DEMO, "--viewers", "0", url=url, env={"TMPDIR": str(own)}) as site:
        site.wait_for(lambda: "Everything runs; Ctrl-C ends it." in site.log, 120, "all is there")
        site.wait_for(lambda: parse_live_rooms(site.text("/")) == ["hall"], 10, "the hall is live")
        started = descendants(site.process.pid)
        os.killpg(site.process.pid, signal.SIGINT)
        site.process.wait(20)

    assert [pid for pid in started if runs(pid)] == []
    assert list(own.iterdir()) == []
    assert "The demo is over; nothing of it runs any more." in site.log
    assert "Traceback" not in site.log


def players(site):
    """Return how many players report, in all rooms together."""
    counted = (site.get(f"/tracker/api/v1/rooms/{room}/playback").json() for room in ROOMS)
    return sum(room["viewers"]["players"] for room in counted)


def test_an_address_that_is_taken_is_one_line(checkout, run, own, clean_environment):
    require("ffmpeg")
    assert run(*MAKE, "initdb").returncode == 0
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        set_ini_key(checkout / "development.ini", "address", address)
        # Whoever has it does not answer as a tracker does.
        taken.settimeout(0)

        demo = run_in_checkout(checkout, clean_environment | {"TMPDIR": str(own)}, *DEMO)

    assert (demo.returncode, demo.stdout) == (1, "")
    assert demo.stderr.startswith(f"Error: the site does not answer at http://{address}/ (")
    assert "Address already in use" in demo.stderr
    assert demo.stderr.count("\n") == 1
    assert naming(own) == []
    [token] = json.loads(run(DEMO[0], "admin", "token", "list", "--json").stdout)
    assert token["label"] == "demo"
    assert token["revoked_at"]


def test_without_ffmpeg_it_says_so(checkout, run, clean_environment, tmp_path):
    assert run(*MAKE, "initdb").returncode == 0

    demo = run_in_checkout(checkout, clean_environment | {"PATH": str(tmp_path)}, *DEMO)

    assert (demo.returncode, demo.stdout) == (1, "")
    assert demo.stderr == "Error: the demo needs ffmpeg, which is not installed\n"
