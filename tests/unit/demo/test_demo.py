"""The parts of the demo: programs that are tended, files that are served."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import urllib3

from streaming_system.agent.access_log_viewers import ViewerWindow
from streaming_system.agent.config import AccessLogConfig, StreamConfig
from streaming_system.demo import processes as module
from streaming_system.demo.hls_server import HlsServer
from streaming_system.demo.processes import DemoStoppedError, ProcessGroup


@pytest.fixture
def said():
    return []


@pytest.fixture
def children(tmp_path, said):
    stop = threading.Event()
    children = ProcessGroup(tmp_path, stop, said.append)
    yield children
    children.end()


class TestChildren:
    def test_what_ends_is_told_and_started_again(self, children, said, monkeypatch):
        monkeypatch.setattr(module, "RESTART_INTERVAL", 0.0)
        child = children.start("encoder", ("sh", "-c", "echo no camera >&2; exit 1"))
        first = child.process.pid
        child.process.wait()

        children.tend()
        assert said == ["encoder has ended (no camera); it is started again."]
        time.sleep(0.01)
        children.tend()

        assert child.process.pid != first

    def test_what_never_lasts_is_left_alone(self, children, said, monkeypatch):
        monkeypatch.setattr(module, "RESTART_INTERVAL", 0.0)
        child = children.start("viewer", ("false",))

        for _ in range(10):
            child.process.wait()
            children.tend()
            time.sleep(0.01)

        assert said == [
            "viewer has ended; it is started again.",
            "viewer has ended; it is started again.",
            "viewer has ended; the rest goes on without it.",
        ]

    def test_what_is_not_needed_stays_away(self, children, said, monkeypatch):
        monkeypatch.setattr(module, "RESTART_INTERVAL", 0.0)
        child = children.start("site", ("true",), again=False)
        first = child.process.pid
        child.process.wait()

        for _ in range(3):
            children.tend()

        assert (child.process.pid, said) == (
            first,
            ["site has ended; the rest goes on without it."],
        )

    def test_who_does_not_listen_is_killed_with_all_that_it_has_started(self, children, tmp_path):
        deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
        script = f"{sys.executable} -c '{deaf}' & echo $! > inner; trap '' TERM; echo > ready; wait"
        child = children.start("deaf", ("sh", "-c", script))
        assert children.wait_until((tmp_path / "ready").exists, 10, child)
        inner = int((tmp_path / "inner").read_text())
        began = time.monotonic()

        children.end()

        assert time.monotonic() - began < module.TERMINATE_TIMEOUT + 2
        assert not child.runs
        _wait_until_gone(inner)

    def test_waiting_ends_with_the_demo_and_with_what_it_waits_for(self, children):
        child = children.start("short", ("true",))
        child.process.wait()
        assert not children.wait_until(lambda: False, 60, child)

        children.stop.set()
        with pytest.raises(DemoStoppedError):
            children.wait_until(lambda: False, 60)
        with pytest.raises(DemoStoppedError):
            children.start("late", ("true",))


def _wait_until_gone(pid):
    give_up = time.monotonic() + 10
    while _runs(pid):
        assert time.monotonic() < give_up, "it has outlived the demo"
        time.sleep(0.02)


def _runs(pid):
    try:
        # Whoever adopts it may not have buried it yet.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_nothing_outlives_a_demo_that_is_killed(tmp_path):
    code = (
        "import sys, threading, time; from pathlib import Path\n"
        "from streaming_system.demo.processes import Children\n"
        "children = Children(Path(sys.argv[1]), threading.Event(), print)\n"
        "print(children.start('one', ('sleep', '60')).process.pid, flush=True); time.sleep(60)"
    )
    demo = subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE)
    pid = int(demo.stdout.readline())
    give_up = time.monotonic() + 10
    while not Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"sleep"):
        assert time.monotonic() < give_up, "it does not start"
        time.sleep(0.02)

    demo.kill()
    demo.wait()
    demo.stdout.close()

    _wait_until_gone(pid)


def test_files_are_served_to_pages_of_the_site_and_viewers_counted(tmp_path):
    folder, log = tmp_path / "hls", tmp_path / "access.log"
    (folder / "hall").mkdir(parents=True)
    (folder / "hall/stream.m3u8").write_text("#EXTM3U\n")
    server = HlsServer(folder, log)
    window = ViewerWindow(
        AccessLogConfig(file=log, path="/{mount}", window=30),
        [StreamConfig(mount="hall", room="hall", format="hls")],
    )
    window.count()
    try:
        with urllib3.PoolManager(retries=False, timeout=5) as pool:
            answers = [
                pool.request("GET", f"{server.url}{path}", headers={"User-Agent": agent})
                for path, agent in (
                    ("/hall/stream.m3u8", 'Player "1"'),
                    ("/hall/stream.m3u8?a=b", 'Player "1"'),
                    ("/hall/stream.m3u8", "streaming-system (agent)"),
                    ("/hall/stream.m3u8", "Player 2"),
                    ("/hall/none.ts", "Player 3"),
                    ("/../access.log", "Player 4"),
                )
            ]
    finally:
        server.close()

    assert [answer.status for answer in answers] == [200, 200, 200, 200, 404, 404]
    assert answers[0].headers["Access-Control-Allow-Origin"] == "*"
    assert answers[0].headers["Content-Type"] == "application/vnd.apple.mpegurl"
    assert answers[0].headers["Cache-Control"] == "no-store"
    assert window.count()["hall"].clients == 2
    window.close()
