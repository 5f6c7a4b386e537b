"""Each kind of check, with the real thing that it looks at, well and not."""

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

from streaming_system.agent.config_section import ConfigSection
from streaming_system.agent.subprocesses import ProcessRunner
from streaming_system.agent.supervisor.check_tools import CheckTools
from streaming_system.agent.supervisor.check_types import CHECK_TYPES

from .conftest import wait_until
from .standin import endless_response, raw_handler
from .streams import make_film


@pytest.fixture
def check(tmp_path):
    """Return a function that makes a check of a kind, with the keys of its section."""
    programs = ProcessRunner()
    kit = CheckTools(programs=programs, ffmpeg="ffmpeg")

    def check(kind, **values):
        values = {key.replace("_", "."): str(value) for key, value in values.items()}
        section = ConfigSection(tmp_path / "agent.ini", "watch:it", values)
        made = CHECK_TYPES[kind].make(section, kit)
        section.finish()
        return lambda within=CHECK_TYPES[kind].limit: _shown(made(within))

    yield check
    programs.end()


def _shown(verdict):
    return verdict and (verdict.mood, verdict.detail)


class TestProcess:
    @pytest.fixture
    def sleeper(self):
        """A process with a command line of its own."""
        mark = f"sleeper-{time.monotonic_ns()}"
        # A shell between us, so that it is no child of ours, as a server is not.
        script = 'exec "$@" >/dev/null 2>&1 & echo $!'
        command = (sys.executable, "-c", "import time; time.sleep(600)", mark)
        started = subprocess.run(
            ["sh", "-c", f"({script})", "sh", *command], capture_output=True, text=True, check=True
        )
        pid = int(started.stdout)
        yield mark, pid
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def test_it_is_there_until_it_is_killed(self, check, sleeper):
        mark, pid = sleeper
        look = check("process", command=f"{mark}$")
        wait_until(lambda: look() == ("happy", "1 process"), 5, "the process is there")

        os.kill(pid, signal.SIGKILL)

        wait_until(lambda: look() == ("sad", "no process"), 5, "the process is gone")

    def test_one_that_is_stopped_does_nothing(self, check, sleeper, tmp_path):
        mark, pid = sleeper
        (tmp_path / "it.pid").write_text(f"{pid}\n")
        look, by_number = check("process", command=mark), check("process", pid_file="it.pid")
        wait_until(lambda: look() == ("happy", "1 process"), 5, "the process is there")
        assert by_number() == ("happy", "")

        os.kill(pid, signal.SIGSTOP)

        wait_until(lambda: look() == ("sad", "no process, 1 stopped"), 5, "it is stopped")
        assert by_number() == ("sad", f"process {pid} is stopped")

    def test_more_may_be_wanted(self, check, sleeper):
        look = check("process", command=sleeper[0], least=2)

        wait_until(lambda: look() == ("sad", "1 process, 2 are wanted"), 5, "one is there")

    def test_a_pid_file_that_is_wrong_is_told(self, check, tmp_path):
        look = check("process", pid_file="it.pid", command="never-started")

        found = [look()]
        for text in ("x", str(os.getpid()), "4194304"):
            (tmp_path / "it.pid").write_text(text)
            found.append(look())

        assert found == [
            ("sad", "there is no pid file"),
            ("sad", "there is no number in the pid file"),
            ("sad", f"process {os.getpid()} is another one"),
            ("sad", "process 4194304 is gone"),
        ]

    def test_one_that_is_dead_and_not_buried_is_gone(self, check, tmp_path):
        child = subprocess.Popen(["sleep", "600"])
        (tmp_path / "it.pid").write_text(str(child.pid))
        look = check("process", pid_file="it.pid")
        assert look() == ("happy", "")

        child.kill()

        wait_until(lambda: look() == ("sad", f"process {child.pid} is gone"), 5, "it is dead")
        child.wait()

    def test_what_checks_themselves_start_does_not_count(self, check):
        child = subprocess.Popen(["sleep", "613.25"])
        try:
            assert check("process", command="sleep 613.25")() == ("sad", "no process")
        finally:
            child.kill()
            child.wait()


class TestUnit:
    """systemd cannot run here: a program stands in that prints what `systemctl show` prints."""

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
        ("said", "verdict"),
        [
            ("loaded active running success", ("happy", "running")),
            ("loaded reloading reload success", ("happy", "reload")),
            ("loaded activating auto-restart exit-code", ("waking", "activating, auto-restart")),
            ("loaded failed failed exit-code", ("sad", "the unit is failed, exit-code")),
            ("loaded inactive dead success", ("sad", "the unit is inactive")),
            ("masked inactive dead success", ("sleeping", "the unit is masked")),
            (
                "not-found inactive dead success",
                ("sad", "cannot be checked: there is no such unit"),
            ),
        ],
    )
    def test_what_systemd_says_becomes_a_mood(self, check, systemctl, said, verdict):
        load, active, sub, result = said.split()
        systemctl(
            '[ "$1 $3 $4" = "show -- icecast2.service" ] || exit 9\n'
            f"echo LoadState={load}; echo ActiveState={active}; echo SubState={sub}; "
            f"echo Result={result}"
        )

        assert check("unit", unit="icecast2.service")() == verdict

    def test_a_machine_without_systemd_is_told_in_one_line(self, check, systemctl, monkeypatch):
        systemctl(
            "echo 'System has not been booted with systemd as init system (PID 1).' >&2\n"
            "echo 'Failed to connect to bus: Host is down' >&2\nexit 1"
        )
        assert check("unit", unit="a.service")() == (
            "sad",
            "cannot be checked: systemd does not run here",
        )
        monkeypatch.setenv("PATH", "/nowhere")
        assert check("unit", unit="a.service")() == (
            "sad",
            "cannot be checked: there is no systemctl",
        )

    def test_one_that_hangs_is_killed(self, check, systemctl):
        systemctl("sleep 600")

        assert check("unit", unit="a.service")(1) == (
            "sad",
            "cannot be checked: systemctl does not answer",
        )


class TestHttp:
    def test_status_and_words_must_be_right(self, check, stand_in):
        look = check("http", url=f"{stand_in.url}/health?full=1", text="all well")
        found = []
        for answer in ((200, {}, b"all well"), (200, {}, b"not well"), (500, {}, b"all well")):
            stand_in.says["/health"] = answer
            found.append(look())

        assert found == [
            ("happy", ""),
            ("sad", "does not say what it should"),
            ("sad", "answers 500"),
        ]
        assert stand_in.asked[0].path == "/health?full=1"

    def test_a_redirect_is_an_answer(self, check, stand_in):
        stand_in.says["/"] = (302, {"Location": "/there"}, b"")

        assert check("http", url=f"{stand_in.url}/", status="200 302")() == ("happy", "")
        assert len(stand_in.asked) == 1

    def test_one_that_drips_is_left_in_time(self, check, stand_in):
        stand_in.says["*"] = endless_response(stand_in.over, b" ", 0.1)

        began = time.monotonic()
        assert check("http", url=stand_in.url)(1) == ("sad", "takes more than 1 s")
        assert time.monotonic() - began < 3

    def test_nobody_there_is_told_without_the_address(self, check, stand_in):
        assert check("http", url="http://127.0.0.1:1/")() == (
            "sad",
            "cannot be reached: connection refused",
        )
        assert check("http", url="http://nowhere.invalid/")() == ("sad", "its name is not known")


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

    def test_it_moves_until_the_encoder_dies_and_again_when_it_is_back(
        self, check, encoder, origin
    ):
        look = check("hls", url=f"{origin.url}stream.m3u8", still=4)
        assert look() is None  # One look does not tell.
        wait_until(lambda: (look() or "-")[0] == "happy", 10, "it moves")

        encoder.kill()
        wait_until(lambda: look()[0] == "sad", 10, "it stands still")
        assert look()[1].startswith("stands still for ")

        encoder.start()
        encoder.wait()
        wait_until(lambda: look()[0] == "happy", 10, "it moves again")

    def test_an_orderly_end_is_told(self, check, encoder, origin):
        encoder.stop()

        assert check("hls", url=f"{origin.url}stream.m3u8")() == (
            "sad",
            "the stream says that it has ended",
        )

    def test_a_piece_that_is_missing_in_one_quality_is_noticed(self, check, encoder, origin):
        origin.refuses = lambda path: path.startswith("/hd/") and path.endswith(".ts")

        assert check("hls", url=f"{origin.url}stream.m3u8")() == ("sad", "the newest piece: 404")

    def test_what_is_no_playlist_is_told(self, check, stand_in):
        stand_in.says["/stream.m3u8"] = (200, {}, b"<html>Log in</html>")

        assert check("hls", url=f"{stand_in.url}/stream.m3u8")() == (
            "sad",
            "what is there is no playlist",
        )


class TestStream:
    @staticmethod
    def flow(over, burst, then):
        @raw_handler
        def answer(handler):
            handler.send_response(200)
            handler.end_headers()
            handler.close_connection = True
            handler.wfile.write(b"x" * burst)
            while not over.wait(0.1):
                handler.wfile.write(b"x" * then)

        return answer

    def test_what_is_sent_at_once_is_not_what_flows(self, check, stand_in):
        stand_in.says["*"] = self.flow(stand_in.over, 500_000, 1250)

        mood, detail = check("stream", url=stand_in.url, bitrate="300k", seconds=1)()

        assert (mood, detail[:5], detail[-7:]) == ("hungry", "only ", " kbit/s")
        assert 60 < int(detail.split()[1]) < 140

    def test_enough_is_well(self, check, stand_in):
        stand_in.says["*"] = self.flow(stand_in.over, 0, 12_500)

        assert check("stream", url=stand_in.url, bitrate="300k", seconds=1)()[0] == "happy"

    def test_nothing_and_an_end_are_told(self, check, stand_in):
        stand_in.says["/still"] = self.flow(stand_in.over, 50_000, 0)
        stand_in.says["/end"] = (200, {}, b"x" * 1000)

        assert check("stream", url=f"{stand_in.url}/still", seconds=1)() == ("sad", "nothing flows")
        assert check("stream", url=f"{stand_in.url}/end", seconds=1)() == ("sad", "has ended")
        assert check("stream", url=f"{stand_in.url}/none", seconds=1)() == ("sad", "answers 404")

    def test_a_mount_of_icecast_flows_until_its_encoder_ends(self, check, icecast, encoders):
        encoder = encoders(icecast.encode("/hall.webm"))
        look = check("stream", url=f"{icecast.url}/hall.webm", bitrate="20k", seconds=2)
        wait_until(lambda: look()[0] == "happy", 30, "it flows")

        encoder.stop()

        wait_until(lambda: look() == ("sad", "answers 404"), 10, "it is over")


class TestPictureAndSound:
    @pytest.fixture
    def films(self, tmp_path):
        """A server of films."""
        require("ffmpeg")
        (tmp_path / "films").mkdir()
        origin = Origin(tmp_path / "films")
        origin.start()
        yield origin
        origin.stop()

    @pytest.mark.parametrize(
        ("picture", "verdict"),
        [
            ("good", ("happy", "")),
            ("black", ("hungry", "the picture is black")),
            ("frozen", ("hungry", "the picture stands still")),
            (None, ("sad", "is not in the stream")),
        ],
    )
    def test_pictures(self, check, films, picture, verdict):
        make_film(films.folder / "it.ts", picture=picture)

        assert check("picture", url=f"{films.url}it.ts", seconds=4)() == verdict

    def test_slides_may_stand_still(self, check, films):
        make_film(films.folder / "it.ts", picture="frozen")

        assert check("picture", url=f"{films.url}it.ts", frozen="no")() == ("happy", "")

    @pytest.mark.parametrize(
        ("sound", "verdict"),
        [
            ("good", ("happy", "")),
            ("silent", ("hungry", "silence")),
            (None, ("sad", "is not in the stream")),
        ],
    )
    def test_sounds(self, check, films, sound, verdict):
        make_film(films.folder / "it.ts", sound=sound)

        assert check("sound", url=f"{films.url}it.ts", seconds=4)() == verdict

    def test_what_is_not_there_is_told_without_the_address(self, check, films):
        assert check("picture", url=f"{films.url}none.ts")() == (
            "sad",
            "cannot be played: Server returned 404 Not Found",
        )

    def test_one_that_hangs_is_killed_with_all_it_has_started(self, check, stand_in):
        require("ffmpeg")
        stand_in.says["*"] = endless_response(stand_in.over, b"\0", 0.1)

        began = time.monotonic()
        found = check("picture", url=f"{stand_in.url}/hang.ts")(1)

        assert found == ("sad", "nothing could be played within 1 s")
        assert time.monotonic() - began < 3
        assert not running(f"{stand_in.url}/hang.ts")

    def test_all_end_at_once(self, stand_in, tmp_path):
        require("ffmpeg")
        stand_in.says["*"] = endless_response(stand_in.over, b"\0", 0.1)
        programs = ProcessRunner()
        section = ConfigSection(tmp_path / "a.ini", "watch:it", {"url": f"{stand_in.url}/end.ts"})
        look = CHECK_TYPES["picture"].make(section, CheckTools(programs=programs, ffmpeg="ffmpeg"))
        thread = threading.Thread(target=look, args=(60,))
        thread.start()
        wait_until(lambda: running(f"{stand_in.url}/end.ts"), 10, "ffmpeg runs")

        programs.end()
        thread.join(5)

        assert not thread.is_alive()
        assert not running(f"{stand_in.url}/end.ts")

    def test_without_ffmpeg_it_is_told(self, tmp_path):
        section = ConfigSection(tmp_path / "a.ini", "watch:it", {"url": "http://h/"})
        look = CHECK_TYPES["sound"].make(
            section, CheckTools(programs=ProcessRunner(), ffmpeg="/nowhere/ffmpeg")
        )

        found = look(5)

        assert (found.mood, found.detail) == ("sad", "cannot be checked: there is no ffmpeg")
        assert not found.curable


def running(words):
    """Return whether a process has these words in its command line."""
    found = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True)
    return any(words in line for line in found.stdout.splitlines())
