"""Each type of check with a real target, healthy and failed."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from e2e.stream import Encoder, Origin
from programs import require

from streaming_system.agent.config_section import AgentConfigError, ConfigSection
from streaming_system.agent.subprocesses import ProcessRunner
from streaming_system.agent.supervisor.check_tools import CheckTools
from streaming_system.agent.supervisor.check_types import CHECK_TYPES

from .conftest import wait_until
from .fake_server import endless_response, raw_handler
from .streams import make_film


@pytest.fixture
def check(tmp_path):
    """Return a function that creates a check from its type and the keys of its section."""
    runner = ProcessRunner()
    tools = CheckTools(runner=runner, ffmpeg="ffmpeg")

    def check(use, **values):
        values = {key.replace("_", "."): str(value) for key, value in values.items()}
        section = ConfigSection(tmp_path / "agent.ini", "watch:it", values)
        run_check = CHECK_TYPES[use].create(section, tools)
        section.reject_unknown_keys()
        return lambda timeout=CHECK_TYPES[use].timeout: _mood_and_detail(run_check(timeout))

    yield check
    runner.kill_all()


def _mood_and_detail(result):
    return result and (result.mood, result.detail)


class TestProcess:
    @pytest.fixture
    def sleeper(self):
        """A process with a unique command line."""
        mark = f"sleeper-{time.monotonic_ns()}"
        # The shell in between keeps it from being a child of this process.
        script = 'exec "$@" >/dev/null 2>&1 & echo $!'
        command = (sys.executable, "-c", "import time; time.sleep(600)", mark)
        started = subprocess.run(
            ["sh", "-c", f"({script})", "sh", *command], capture_output=True, text=True, check=True
        )
        pid = int(started.stdout)
        yield mark, pid
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def test_killed_process_is_sad(self, check, sleeper):
        mark, pid = sleeper
        run_check = check("process", command=f"{mark}$")
        wait_until(lambda: run_check() == ("happy", "1 process"), 5, "the process runs")

        os.kill(pid, signal.SIGKILL)

        wait_until(lambda: run_check() == ("sad", "no process"), 5, "the process is dead")

    def test_stopped_process_is_sad(self, check, sleeper, tmp_path):
        mark, pid = sleeper
        (tmp_path / "it.pid").write_text(f"{pid}\n")
        run_check = check("process", command=mark)
        check_pid_file = check("process", pid_file="it.pid")
        wait_until(lambda: run_check() == ("happy", "1 process"), 5, "the process runs")
        assert check_pid_file() == ("happy", "")

        os.kill(pid, signal.SIGSTOP)

        wait_until(lambda: run_check() == ("sad", "no process, 1 stopped"), 5, "it is stopped")
        assert check_pid_file() == ("sad", f"process {pid} is stopped")

    def test_minimum_number_of_processes_is_checked(self, check, sleeper):
        run_check = check("process", command=sleeper[0], least=2)

        wait_until(lambda: run_check() == ("sad", "1 process, 2 expected"), 5, "one process runs")

    def test_invalid_pid_file_is_reported(self, check, tmp_path):
        run_check = check("process", pid_file="it.pid", command="never-started")

        results = [run_check()]
        for text in ("x", str(os.getpid()), "4194304"):
            (tmp_path / "it.pid").write_text(text)
            results.append(run_check())

        assert results == [
            ("sad", "the pid file does not exist"),
            ("sad", "the pid file contains no number"),
            ("sad", f"process {os.getpid()} has another command line"),
            ("sad", "process 4194304 does not exist"),
        ]

    def test_zombie_counts_as_dead(self, check, tmp_path):
        child = subprocess.Popen(["sleep", "600"])
        (tmp_path / "it.pid").write_text(str(child.pid))
        run_check = check("process", pid_file="it.pid")
        assert run_check() == ("happy", "")

        child.kill()

        wait_until(
            lambda: run_check() == ("sad", f"process {child.pid} does not exist"), 5, "it is dead"
        )
        child.wait()

    def test_children_of_the_agent_are_ignored(self, check):
        child = subprocess.Popen(["sleep", "613.25"])
        try:
            assert check("process", command="sleep 613.25")() == ("sad", "no process")
        finally:
            child.kill()
            child.wait()


class TestUnit:
    """systemd cannot run in tests: a fake systemctl prints the output of `systemctl show`."""

    @pytest.fixture
    def systemctl(self, tmp_path, monkeypatch):
        folder = tmp_path / "bin"
        folder.mkdir()
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

        def systemctl(script):
            file = folder / "systemctl"
            file.write_text(f"#!/bin/sh\n{script}\n")
            file.chmod(0o755)

        return systemctl

    @pytest.mark.parametrize(
        ("state", "expected"),
        [
            ("loaded active running success", ("happy", "running")),
            ("loaded reloading reload success", ("happy", "reload")),
            ("loaded activating auto-restart exit-code", ("waking", "activating, auto-restart")),
            ("loaded failed failed exit-code", ("sad", "the unit is failed, exit-code")),
            ("loaded inactive dead success", ("sad", "the unit is inactive")),
            ("masked inactive dead success", ("sleeping", "the unit is masked")),
            (
                "not-found inactive dead success",
                ("sad", "cannot be checked: the unit does not exist"),
            ),
        ],
    )
    def test_state_of_the_unit_maps_to_a_mood(self, check, systemctl, state, expected):
        load, active, sub, result = state.split()
        systemctl(
            '[ "$1 $3 $4" = "show -- icecast2.service" ] || exit 9\n'
            f"echo LoadState={load}; echo ActiveState={active}; echo SubState={sub}; "
            f"echo Result={result}"
        )

        assert check("unit", unit="icecast2.service")() == expected

    def test_missing_systemd_is_reported_in_one_line(self, check, systemctl, monkeypatch):
        systemctl(
            "echo 'System has not been booted with systemd as init system (PID 1).' >&2\n"
            "echo 'Failed to connect to bus: Host is down' >&2\nexit 1"
        )
        assert check("unit", unit="a.service")() == (
            "sad",
            "cannot be checked: systemd does not run on this machine",
        )
        monkeypatch.setenv("PATH", "/nowhere")
        assert check("unit", unit="a.service")() == (
            "sad",
            "cannot be checked: systemctl is not installed",
        )

    def test_hanging_systemctl_is_killed(self, check, systemctl):
        systemctl("sleep 600")

        assert check("unit", unit="a.service")(1) == (
            "sad",
            "cannot be checked: systemctl does not respond",
        )


class TestHttp:
    def test_status_and_text_are_checked(self, check, fake_server):
        run_check = check("http", url=f"{fake_server.url}/health?full=1", text="all well")
        results = []
        for response in ((200, {}, b"all well"), (200, {}, b"not well"), (500, {}, b"all well")):
            fake_server.responses["/health"] = response
            results.append(run_check())

        assert results == [
            ("happy", ""),
            ("sad", "responds without the expected text"),
            ("sad", "responds with status 500"),
        ]
        assert fake_server.requests[0].path == "/health?full=1"

    def test_redirect_is_not_followed(self, check, fake_server):
        fake_server.responses["/"] = (302, {"Location": "/there"}, b"")

        assert check("http", url=f"{fake_server.url}/", status="200 302")() == ("happy", "")
        assert len(fake_server.requests) == 1

    def test_slow_response_is_aborted_at_the_timeout(self, check, fake_server):
        fake_server.responses["*"] = endless_response(fake_server.stopped, b" ", 0.1)

        start = time.monotonic()
        assert check("http", url=fake_server.url)(1) == ("sad", "takes more than 1 s")
        assert time.monotonic() - start < 3

    def test_connection_error_is_reported_without_the_url(self, check, fake_server):
        assert check("http", url="http://127.0.0.1:1/")() == (
            "sad",
            "cannot be reached: connection refused",
        )
        assert check("http", url="http://nowhere.invalid/")() == (
            "sad",
            "cannot be reached: unknown host name",
        )


class TestHls:
    @pytest.fixture
    def encoder(self, tmp_path):
        require("ffmpeg")
        encoder = Encoder(tmp_path / "stream")
        encoder.start()
        encoder.wait()
        yield encoder
        encoder.kill()

    @pytest.fixture
    def origin(self, encoder):
        origin = Origin(encoder.folder)
        origin.start()
        yield origin
        origin.stop()

    def test_playlist_is_sad_while_the_encoder_is_dead(self, check, encoder, origin):
        run_check = check("hls", url=f"{origin.url}stream.m3u8", still=4)
        assert run_check() is None  # One check cannot detect progress.
        wait_until(lambda: (run_check() or "-")[0] == "happy", 10, "the playlist advances")

        encoder.kill()
        wait_until(lambda: run_check()[0] == "sad", 10, "the playlist is stuck")
        assert run_check()[1].startswith("the playlist is stuck for ")

        encoder.start()
        encoder.wait()
        wait_until(lambda: run_check()[0] == "happy", 10, "the playlist advances again")

    def test_ended_stream_is_sad(self, check, encoder, origin):
        encoder.stop()

        assert check("hls", url=f"{origin.url}stream.m3u8")() == (
            "sad",
            "the stream has ended",
        )

    def test_missing_segment_of_one_rendition_is_sad(self, check, encoder, origin):
        origin.refuses = lambda path: path.startswith("/hd/") and path.endswith(".ts")

        assert check("hls", url=f"{origin.url}stream.m3u8")() == (
            "sad",
            "the last segment responds with status 404",
        )

    @pytest.mark.parametrize(
        ("body", "detail"),
        [
            (b"<html>Log in</html>", "the response is no playlist, but an HTML page"),
            (b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n", "the playlist is empty"),
            (b"#EXTM3U\n#EXT-X-TARGETDURATION:x\n", "the playlist is empty"),
        ],
    )
    def test_invalid_playlist_is_sad(self, check, fake_server, body, detail):
        fake_server.responses["/stream.m3u8"] = (200, {}, body)

        assert check("hls", url=f"{fake_server.url}/stream.m3u8")() == ("sad", detail)

    def test_cut_segment_is_hungry(self, check, fake_server, tmp_path):
        require("ffmpeg")
        make_film(tmp_path / "it.ts", seconds=4)
        segment = (tmp_path / "it.ts").read_bytes()
        text = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nit.ts\n"
        fake_server.responses["/stream.m3u8"] = (200, {}, text.encode())
        fake_server.responses["/it.ts"] = (200, {}, segment)
        run_check = check("hls", url=f"{fake_server.url}/stream.m3u8")
        assert run_check() is None

        # What fits on a full disk.
        fake_server.responses["/it.ts"] = (200, {}, segment[: len(segment) // 4])

        mood, detail = run_check()
        assert mood == "hungry"
        assert detail.startswith("the last segment has ")
        assert detail.endswith(" s instead of 4.0 s")


class TestDisk:
    def test_free_space_is_compared_with_a_share_or_a_size(self, check, tmp_path):
        moods = [
            check("disk", path=tmp_path, free=free)()[0]
            for free in ("0.1%", "1M", "99%", "900000G")
        ]

        assert moods == ["happy", "happy", "hungry", "hungry"]
        assert check("disk", path=tmp_path)()[1].endswith(" GB are free")

    def test_missing_folder_is_reported(self, check, tmp_path):
        assert check("disk", path=tmp_path / "none")() == (
            "sad",
            "cannot be checked: the folder: No such file or directory",
        )

    @pytest.mark.parametrize("free", ["much", "100%", "-5%", "%"])
    def test_invalid_limit_is_rejected(self, check, tmp_path, free):
        with pytest.raises(AgentConfigError, match="allowed: a share such as 5%, or a size"):
            check("disk", path=tmp_path, free=free)


class TestStream:
    @staticmethod
    def stream(stop, burst_bytes, chunk_bytes):
        @raw_handler
        def respond(handler):
            handler.send_response(200)
            handler.end_headers()
            handler.close_connection = True
            handler.wfile.write(b"x" * burst_bytes)
            while not stop.wait(0.1):
                handler.wfile.write(b"x" * chunk_bytes)

        return respond

    def test_initial_burst_does_not_count(self, check, fake_server):
        fake_server.responses["*"] = self.stream(fake_server.stopped, 500_000, 1250)

        mood, detail = check("stream", url=fake_server.url, bitrate="300k", seconds=1)()

        assert (mood, detail[:5], detail[-7:]) == ("hungry", "only ", " kbit/s")
        assert 60 < int(detail.split()[1]) < 140

    def test_sufficient_bitrate_is_happy(self, check, fake_server):
        fake_server.responses["*"] = self.stream(fake_server.stopped, 0, 12_500)

        assert check("stream", url=fake_server.url, bitrate="300k", seconds=1)()[0] == "happy"

    def test_stream_without_data_and_ended_stream_are_sad(self, check, fake_server):
        fake_server.responses["/still"] = self.stream(fake_server.stopped, 50_000, 0)
        fake_server.responses["/end"] = (200, {}, b"x" * 1000)

        assert check("stream", url=f"{fake_server.url}/still", seconds=1)() == (
            "sad",
            "transfers no data",
        )
        assert check("stream", url=f"{fake_server.url}/end", seconds=1)() == (
            "sad",
            "the stream has ended",
        )
        assert check("stream", url=f"{fake_server.url}/none", seconds=1)() == (
            "sad",
            "responds with status 404",
        )

    def test_icecast_mount_is_sad_after_its_encoder_stops(self, check, icecast, encoders):
        encoder = encoders(icecast.encode("/hall.webm"))
        run_check = check("stream", url=f"{icecast.url}/hall.webm", bitrate="20k", seconds=2)
        wait_until(lambda: run_check()[0] == "happy", 30, "the stream transfers data")

        encoder.stop()

        wait_until(
            lambda: run_check() == ("sad", "responds with status 404"), 10, "the stream has ended"
        )


class TestVideoAndAudio:
    @pytest.fixture
    def films(self, tmp_path):
        """An HTTP server for video files."""
        require("ffmpeg")
        (tmp_path / "films").mkdir()
        origin = Origin(tmp_path / "films")
        origin.start()
        yield origin
        origin.stop()

    @pytest.mark.parametrize(
        ("picture", "expected"),
        [
            ("good", ("happy", "")),
            ("black", ("hungry", "the picture is black")),
            ("frozen", ("hungry", "the picture is frozen")),
            (None, ("sad", "is not in the stream")),
        ],
    )
    def test_black_frozen_and_missing_video_is_detected(self, check, films, picture, expected):
        make_film(films.folder / "it.ts", picture=picture)

        assert check("picture", url=f"{films.url}it.ts", seconds=4)() == expected

    def test_slides_that_change_between_checks_begin_another_episode(self, films, tmp_path):
        section = ConfigSection(tmp_path / "a.ini", "watch:it", {"url": f"{films.url}it.ts"})
        run_check = CHECK_TYPES["picture"].create(
            section, CheckTools(runner=ProcessRunner(), ffmpeg="ffmpeg")
        )
        results = []
        for picture in ("frozen", "frozen", "still", "still"):
            (films.folder / "it.ts").unlink(missing_ok=True)
            make_film(films.folder / "it.ts", picture=picture, sound=None)
            results.append(run_check(20))

        assert [result.condition for result in results] == ["frozen"] * 4
        assert [result.episode for result in results] == [0, 0, 1, 1]

    def test_servers_and_logs_can_tell_the_check_from_a_viewer(self, check, films, fake_server):
        make_film(films.folder / "it.ts")
        film = (films.folder / "it.ts").read_bytes()
        fake_server.responses["/it.ts"] = (200, {"Content-Type": "video/mp2t"}, film)

        for use in ("picture", "sound"):
            assert check(use, url=f"{fake_server.url}/it.ts", seconds=2)() == ("happy", "")

        assert {request.headers["User-Agent"] for request in fake_server.requests} == {
            "streaming-system (agent) check"
        }

    def test_frozen_video_can_be_allowed(self, check, films):
        make_film(films.folder / "it.ts", picture="frozen")

        assert check("picture", url=f"{films.url}it.ts", frozen="no")() == ("happy", "")

    @pytest.mark.parametrize(
        ("sound", "expected"),
        [
            ("good", ("happy", "")),
            ("silent", ("hungry", "silence")),
            (None, ("sad", "is not in the stream")),
        ],
    )
    def test_silent_and_missing_audio_is_detected(self, check, films, sound, expected):
        make_film(films.folder / "it.ts", sound=sound)

        assert check("sound", url=f"{films.url}it.ts", seconds=4)() == expected

    def test_missing_stream_is_reported_without_the_url(self, check, films):
        assert check("picture", url=f"{films.url}none.ts")() == (
            "sad",
            "cannot be played: Server returned 404 Not Found",
        )

    def test_hanging_ffmpeg_is_killed(self, check, fake_server):
        require("ffmpeg")
        fake_server.responses["*"] = endless_response(fake_server.stopped, b"\0", 0.1)

        start = time.monotonic()
        result = check("picture", url=f"{fake_server.url}/hang.ts")(1)

        assert result == ("sad", "played nothing within 1 s")
        assert time.monotonic() - start < 3
        assert not running(f"{fake_server.url}/hang.ts")

    def test_runner_kills_running_checks(self, fake_server, tmp_path):
        require("ffmpeg")
        fake_server.responses["*"] = endless_response(fake_server.stopped, b"\0", 0.1)
        runner = ProcessRunner()
        section = ConfigSection(
            tmp_path / "a.ini", "watch:it", {"url": f"{fake_server.url}/end.ts"}
        )
        run_check = CHECK_TYPES["picture"].create(
            section, CheckTools(runner=runner, ffmpeg="ffmpeg")
        )
        thread = threading.Thread(target=run_check, args=(60,))
        thread.start()
        wait_until(lambda: running(f"{fake_server.url}/end.ts"), 10, "ffmpeg runs")

        runner.kill_all()
        thread.join(5)

        assert not thread.is_alive()
        assert not running(f"{fake_server.url}/end.ts")

    def test_missing_ffmpeg_is_reported(self, tmp_path):
        section = ConfigSection(tmp_path / "a.ini", "watch:it", {"url": "http://h/"})
        run_check = CHECK_TYPES["sound"].create(
            section, CheckTools(runner=ProcessRunner(), ffmpeg="/nowhere/ffmpeg")
        )

        result = run_check(5)

        assert (result.mood, result.detail) == (
            "sad",
            "cannot be checked: ffmpeg is not installed",
        )
        assert not result.restart_may_help


def running(text):
    """Return whether a process has this text in its command line."""
    ps = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True)
    return any(text in line for line in ps.stdout.splitlines())
