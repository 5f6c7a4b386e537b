"""Processes and the web server of the demo."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import urllib3

from streaming_system.agent.access_log_viewers import ViewerWindow
from streaming_system.agent.config import AccessLogConfig, StreamConfig
from streaming_system.demo import processes as processes_module
from streaming_system.demo.hls_server import HlsServer
from streaming_system.demo.processes import DemoStoppedError, ProcessGroup


@pytest.fixture
def printed_lines():
    return []


@pytest.fixture
def processes(tmp_path, printed_lines):
    stop = threading.Event()
    processes = ProcessGroup(tmp_path, stop, printed_lines.append)
    yield processes
    processes.terminate()


class TestProcessGroup:
    def test_process_is_restarted_after_its_end(self, processes, printed_lines, monkeypatch):
        monkeypatch.setattr(processes_module, "RESTART_INTERVAL", 0.0)
        child = processes.start("encoder", ("sh", "-c", "echo no camera >&2; exit 1"))
        first = child.process.pid
        child.process.wait()

        processes.supervise()
        assert printed_lines == ["encoder has ended (no camera); it is restarted."]
        time.sleep(0.01)
        processes.supervise()

        assert child.process.pid != first

    def test_process_is_not_restarted_after_rapid_exits(
        self, processes, printed_lines, monkeypatch
    ):
        monkeypatch.setattr(processes_module, "RESTART_INTERVAL", 0.0)
        child = processes.start("viewer", ("false",))

        for _ in range(10):
            child.process.wait()
            processes.supervise()
            time.sleep(0.01)

        assert printed_lines == [
            "viewer has ended; it is restarted.",
            "viewer has ended; it is restarted.",
            "viewer has ended; the rest continues without it.",
        ]

    def test_process_without_restarts_is_not_restarted(self, processes, printed_lines, monkeypatch):
        monkeypatch.setattr(processes_module, "RESTART_INTERVAL", 0.0)
        child = processes.start("site", ("true",), restarts=False)
        first = child.process.pid
        child.process.wait()

        for _ in range(3):
            processes.supervise()

        assert (child.process.pid, printed_lines) == (
            first,
            ["site has ended; the rest continues without it."],
        )

    def test_process_that_ignores_sigterm_is_killed_with_its_children(self, processes, tmp_path):
        ignore_sigterm = (
            "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
        )
        child_command = f"{sys.executable} -c '{ignore_sigterm}'"
        script = f"{child_command} & echo $! > inner; trap '' TERM; echo > ready; wait"
        child = processes.start("deaf", ("sh", "-c", script))
        assert processes.wait_until((tmp_path / "ready").exists, 10, child)
        inner = int((tmp_path / "inner").read_text())
        start = time.monotonic()

        processes.terminate()

        assert time.monotonic() - start < processes_module.TERMINATE_TIMEOUT + 2
        assert not child.is_running
        _wait_until_dead(inner)

    def test_waiting_ends_with_the_demo_or_the_required_process(self, processes):
        child = processes.start("short", ("true",))
        child.process.wait()
        assert not processes.wait_until(lambda: False, 60, child)

        processes.stop.set()
        with pytest.raises(DemoStoppedError):
            processes.wait_until(lambda: False, 60)
        with pytest.raises(DemoStoppedError):
            processes.start("late", ("true",))


def _wait_until_dead(pid):
    deadline = time.monotonic() + 10
    while _is_running(pid):
        assert time.monotonic() < deadline, "the process has outlived the demo"
        time.sleep(0.02)


def _is_running(pid):
    try:
        # Its new parent may not have reaped it yet.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_processes_end_with_a_killed_demo(tmp_path):
    code = (
        "import sys, threading, time; from pathlib import Path\n"
        "from streaming_system.demo.processes import ProcessGroup\n"
        "group = ProcessGroup(Path(sys.argv[1]), threading.Event(), print)\n"
        "print(group.start('one', ('sleep', '60')).process.pid, flush=True); time.sleep(60)"
    )
    demo = subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE)
    pid = int(demo.stdout.readline())
    deadline = time.monotonic() + 10
    while not Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"sleep"):
        assert time.monotonic() < deadline, "the process does not start"
        time.sleep(0.02)

    demo.kill()
    demo.wait()
    demo.stdout.close()

    _wait_until_dead(pid)


def test_hls_server_allows_other_origins_and_its_log_counts_viewers(tmp_path):
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
            responses = [
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

    assert [response.status for response in responses] == [200, 200, 200, 200, 404, 404]
    assert responses[0].headers["Access-Control-Allow-Origin"] == "*"
    assert responses[0].headers["Content-Type"] == "application/vnd.apple.mpegurl"
    assert responses[0].headers["Cache-Control"] == "no-store"
    assert window.count()["hall"].clients == 2
    window.close()
