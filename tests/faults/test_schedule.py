"""The schedule file and its feed break; the programme stays."""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest
from functional.agent.servers import Program

from .feeds import FeedServer, feed
from .harmed import PATIENCE, now

COMMAND = Path(sys.executable).with_name("streaming-system")
DAMAGE = {
    "deleted": None,
    "truncated": lambda good: good[: len(good) // 2],
    "emptied": lambda good: b"",
    "replaced by rubbish": lambda good: b"\x00\xff rubbish" * 5000,
}
FEEDS = {
    "hanging": "timed out",
    "endless": "is larger than",
    "dribbling": "takes longer than 4 s to download",
    "failing": "answered 500",
    "half": "cannot be downloaded",
    "rubbish": "cannot be downloaded",
}


@pytest.fixture(scope="module")
def server():
    server = FeedServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def programme(harmed, server):
    """The site's schedule file, imported from the server; the path of an ini that is impatient."""
    private = harmed.folder / "config.private.json"
    before = private.read_text()
    config = json.loads(before)
    config["hall"]["schedule"] = server.url
    private.write_text(json.dumps(config))
    ini = harmed.folder / "impatient.ini"
    text = (harmed.folder / "production.ini").read_text()
    own = (
        "feed.seconds = 1\nfeed.download = 1048576\noutbound.allowed_private_networks = 127.0.0.1\n"
    )
    ini.write_text(text.replace("[DEFAULT]\n", f"[DEFAULT]\n{own}"))
    done = imported(harmed)
    assert done.returncode == 0, done.stderr
    wait_for_talk(harmed, "The first")
    yield harmed.folder / "var/schedule.json"
    private.write_text(before)


def imported(harmed, **more):
    """Do what an organiser does by hand."""
    return subprocess.run(
        [COMMAND, "-c", "impatient.ini", "schedule", "import"],
        cwd=harmed.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **more,
    )


def replace(path, data):
    """Put a file there at one moment: two would be two events."""
    draft = path.with_suffix(".draft")
    draft.write_bytes(data)
    draft.replace(path)


def wait_for_talk(harmed, title):
    """Wait until each worker shows a talk."""
    for port in harmed.ports.frontend:
        give_up = now() + PATIENCE
        while title not in harmed.get("/hall", port=port).data.decode():
            assert now() < give_up, title
            time.sleep(0.05)


def test_the_file_is_damaged(harmed, programme, server, figures):
    good = programme.read_bytes()
    for how, damage in DAMAGE.items():
        with harmed.loaded(20) as run:
            if damage is None:
                programme.unlink()
            else:
                replace(programme, damage(good))
            run.viewers.wait_for(40)
            for port in harmed.ports.frontend:
                assert harmed.get("/readyz", port=port).status == 503
            # Each worker shows the programme that it has read last.
            wait_for_talk(harmed, "The first")
            replace(programme, good)
            run.back(now())
        run.pages_were_well()
        lines = [line["message"] for line in run.by_app["frontend"]]
        assert len(lines) == 2, lines
        assert all("the previous schedule stays in service" in line for line in lines)
        figures(f"Schedule file {how}", **run.figures)


def test_the_feeds_server_fails(harmed, programme, server, figures):
    good = programme.read_bytes()
    for mode, reason in FEEDS.items():
        server.mode = mode
        began = now()
        done = imported(harmed)

        assert (done.returncode, done.stdout) == (1, "")
        # Besides what is wrong with the configuration.
        [line] = [line for line in done.stderr.splitlines() if server.url in line]
        assert reason in line, line
        assert "Traceback" not in done.stderr
        assert programme.read_bytes() == good
        took = now() - began
        assert took < PATIENCE
        figures(f"Feed's server: {mode}", import_ended_after=round(took, 1))
    server.mode = "good"


def test_the_watch_outlives_its_feed(harmed, programme, server, figures):
    server.mode = "failing"
    watch = Program(
        *(COMMAND, "-c", "impatient.ini", "schedule", "watch", "--interval", "1"),
        folder=harmed.folder,
        name="watch",
    )
    try:
        asked, give_up = server.asked, now() + PATIENCE
        while server.asked < asked + 2:
            assert watch.process.poll() is None, watch.said
            assert now() < give_up, watch.said
            time.sleep(0.05)
        server.body, server.mode = feed("The second"), "good"
        moment = now()
        wait_for_talk(harmed, "The second")
        back = now() - moment
        assert watch.said.count("answered 500") <= 3
        assert "Traceback" not in watch.said
    finally:
        watch.kill()
    figures(
        "Feed's server fails under `schedule watch`, and is well again", pages_back=round(back, 1)
    )


def test_there_is_no_room_for_the_schedule(harmed, programme, server, figures):
    good = programme.read_bytes()
    server.body = feed("The third")

    def full():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    done = imported(harmed, preexec_fn=full)

    assert done.returncode == 1
    assert f"{programme}: cannot be written: File too large" in done.stderr
    assert programme.read_bytes() == good
    # Nothing of the attempt is left.
    assert [path.name for path in programme.parent.glob(".schedule*")] == []
    assert imported(harmed).returncode == 0
    wait_for_talk(harmed, "The third")
    figures("Disk full for the schedule", lost=0)
