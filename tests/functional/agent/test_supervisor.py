"""The supervisor as a process: checks, restarts, and reports to trackers."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest
from e2e.stream import Encoder, Origin
from programs import require

from .conftest import json_response, wait_until
from .fake_server import endless_response
from .running import write_ini
from .servers import free_port
from .streams import make_film

ACCEPTED = json_response({"machine": "edge1", "components": 1, "report_every": 30})


@pytest.fixture
def watch(agent):
    """Return a function that starts a supervisor."""

    def watch(sections, *, trackers, token="token = sst_x", legacy=False, general=""):
        port = free_port()
        return agent(
            command="supervise",
            options=("--legacy",) if legacy else (),
            status_port=port,
            trackers=trackers,
            token=token,
            sources=f"[watch]\nstatus = 127.0.0.1:{port}\n{general}\n{sections}",
        )

    return watch


@pytest.fixture
def crew(served):
    """The settings of an agent for the served tracker."""
    return {"trackers": [served.url], "token": f"token = {served.token('crew', '')}"}


@pytest.fixture
def server(tmp_path):
    """A program that a script starts, with a pid file."""
    program = Server(tmp_path)
    yield program
    program.kill()


class Server:
    def __init__(self, folder: Path) -> None:
        self.pid_file = folder / "server.pid"
        self.starts = folder / "starts"
        self.script = folder / "start.sh"
        self.write_script(f"sleep 600 >/dev/null 2>&1 &\necho $! > {self.pid_file}")

    def write_script(self, commands):
        self.script.write_text(f'#!/bin/sh\necho "$1" >> {self.starts}\n{commands}\n')
        self.script.chmod(0o755)

    def start(self):
        subprocess.run([self.script, "first"], check=True)

    @property
    def pid(self):
        return int(self.pid_file.read_text())

    @property
    def start_arguments(self):
        return self.starts.read_text().splitlines() if self.starts.exists() else []

    def kill(self):
        if self.pid_file.exists():
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                return

    def section(self, **keys):
        lines = "".join(f"{key.replace('_', '.')} = {value}\n" for key, value in keys.items())
        return (
            f"[watch:server]\nuse = process\npid.file = {self.pid_file}\nroom = hall\n"
            f"kind = encoder\ninterval = 1\nbad.after = 1\ngood.after = 1\n"
            f'restart = {self.script} "a b"\nrestart.grace = 0\n{lines}'
        )


def components(served):
    return {one["name"]: one for one in served.get("/api/v1/components")["components"]}


def mood(served, name):
    return components(served).get(name, {}).get("mood")


def labels(served):
    return [one["label"] for one in served.get("/api/v1/annotations")["annotations"]]


class TestRestart:
    def test_killed_process_is_restarted_and_the_crew_sees_it(
        self, served, crew, server, watch, mood_rows
    ):
        server.start()
        watch(server.section(), **crew)
        wait_until(lambda: mood(served, "server") == "happy", 60, "the server is happy")
        before = server.pid

        server.kill()

        wait_until(
            lambda: server.start_arguments == ["first", "a b"], 10, "the server is restarted"
        )
        wait_until(lambda: labels(served), 10, "the annotation is there")
        wait_until(lambda: mood(served, "server") == "happy", 10, "the server is happy again")
        assert server.pid != before
        assert Path(f"/proc/{server.pid}").exists()
        assert labels(served) == [f"server on edge1: restarted: process {before} does not exist"]
        [annotation] = served.get("/api/v1/annotations?room=hall")["annotations"]
        assert annotation["room"] == "hall"
        [cell] = served.page("/flumotion/stats").select("table.pipeline td .mood")
        assert cell.get_text() == "happy"
        moods = [mood for mood, _ in mood_rows("server")]
        assert moods == ["waking", "happy", "sad", "waking", "happy"]

    def test_supervisor_gives_up_after_too_many_restarts(self, served, crew, server, watch):
        server.write_script("true")
        running = watch(server.section(restart_most=3, restart_pause=1, restart_longest=2), **crew)

        wait_until(lambda: "gave up" in str(components(served)), 60, "the supervisor gives up")

        [component] = components(served).values()
        assert (component["mood"], component["detail"]) == (
            "sad",
            "the pid file does not exist; gave up after 3 restarts within an hour",
        )
        began = time.monotonic()
        while time.monotonic() - began < 4:
            assert server.start_arguments == ["a b"] * 3
            time.sleep(0.2)
        wait_until(lambda: len(labels(served)) == 4, 10, "all restarts are annotated")
        assert labels(served)[-1].startswith("server on edge1: gave up after 3 restarts")
        assert running.metric("restarts_total") == {'{part="server"}': 3}
        assert running.healthz() == (503, f"server is sad: {component['detail']}\n")

    def test_failing_and_hanging_restart_commands_are_annotated(self, served, crew, server, watch):
        server.write_script("exit 3")
        hangs = (
            server.section()
            .replace("watch:server", "watch:hangs")
            .replace(f'{server.script} "a b"', "sleep 600")
        )
        none = (
            server.section()
            .replace("watch:server", "watch:none")
            .replace(f'{server.script} "a b"', "/nowhere/x")
        )
        watch(f"{server.section()}{hangs}restart.within = 1\n{none}", **crew)

        wait_until(lambda: len(labels(served)) >= 3, 60, "all failures are annotated")

        assert sorted(labels(served)) == [
            "hangs on edge1: restart failed (sleep takes more than 1 s): "
            "the pid file does not exist",
            "none on edge1: restart failed (x cannot be run: "
            "No such file or directory): the pid file does not exist",
            "server on edge1: restart failed (start.sh ended with 3): the pid file does not exist",
        ]
        assert {one["mood"] for one in components(served).values()} == {"sad"}

    def test_switched_off_component_sleeps_and_is_not_restarted(
        self, served, crew, server, watch, tmp_path
    ):
        off = tmp_path / "off"
        off.touch()
        watch(
            f"{server.section(off_file=off)}[watch:b]\nuse = http\nurl = http://h/\nenabled = no",
            **crew,
        )
        wait_until(lambda: mood(served, "server") == "sleeping", 60, "the server sleeps")
        wait_until(lambda: mood(served, "b") == "sleeping", 10, "the other component sleeps")
        assert server.start_arguments == []

        off.unlink()

        wait_until(lambda: server.start_arguments, 10, "the server is started")


class TestStreams:
    def test_hls_component_is_sad_while_the_encoder_is_dead(self, served, crew, watch, tmp_path):
        require("ffmpeg")
        encoder = Encoder(tmp_path / "stream")
        origin = Origin(encoder.folder)
        encoder.start()
        try:
            encoder.wait()
            origin.start()
            watch(
                f"[watch:hls]\nuse = hls\nurl = {origin.url}stream.m3u8\nroom = hall\n"
                "interval = 1\nstill = 4\ngood.after = 1\n",
                **crew,
            )
            wait_until(lambda: mood(served, "hls") == "happy", 60, "the playlist advances")
            encoder.kill()
            wait_until(lambda: mood(served, "hls") == "sad", 20, "the playlist is stuck")
            assert "is stuck" in components(served)["hls"]["detail"]
            encoder.start()
            wait_until(lambda: mood(served, "hls") == "happy", 20, "the playlist advances again")
        finally:
            encoder.kill()
            origin.stop()

    def test_crew_sees_black_and_silent_streams(self, served, crew, watch, tmp_path):
        require("ffmpeg")
        (tmp_path / "films").mkdir()
        origin = Origin(tmp_path / "films")
        origin.start()
        try:
            make_film(origin.folder / "hall.ts", picture="black", sound="silent")
            keys = f"url = {origin.url}hall.ts\nroom = hall\ninterval = 1\nseconds = 2\n"
            watch(
                f"[watch:picture]\nuse = picture\n{keys}[watch:sound]\nuse = sound\n{keys}",
                general="at.once = 1",
                **crew,
            )
            wait_until(
                lambda: {one["mood"] for one in components(served).values()} == {"hungry"},
                60,
                "both are hungry",
            )
            problems = [
                " ".join(item.get_text().split())
                for item in served.page("/flumotion/stats").select(".wrong li")
            ]
            assert [line.partition(",")[0] for line in problems] == [
                "hungry picture on edge1",
                "hungry sound on edge1",
            ]
            assert problems[0].endswith(": the picture is black")
            assert problems[1].endswith(": silence")
            make_film(origin.folder / "new.ts")
            (origin.folder / "new.ts").replace(origin.folder / "hall.ts")
            wait_until(
                lambda: {one["mood"] for one in components(served).values()} == {"happy"},
                30,
                "both are happy",
            )
        finally:
            origin.stop()

    def test_black_video_can_trigger_a_restart(self, served, crew, watch, tmp_path):
        require("ffmpeg")
        (tmp_path / "films").mkdir()
        origin = Origin(tmp_path / "films")
        origin.start()
        try:
            film, good = origin.folder / "hall.ts", origin.folder / "good.ts"
            make_film(film, picture="black")
            make_film(good)
            watch(
                f"[watch:picture]\nuse = picture\nurl = {origin.url}hall.ts\nroom = hall\n"
                "interval = 1\nseconds = 2\nrestart.when = hungry\n"
                f"restart = cp {good} {film}\n",
                **crew,
            )
            wait_until(lambda: mood(served, "picture") == "happy", 60, "the video is good")
            assert labels(served) == ["picture on edge1: restarted: the picture is black"]
        finally:
            origin.stop()


class TestUnits:
    def test_failed_unit_is_restarted(self, served, crew, watch, tmp_path, monkeypatch):
        """systemd cannot run in tests: a fake systemctl holds the state of a unit."""
        state = tmp_path / "state"
        state.write_text("failed")
        program = tmp_path / "bin/systemctl"
        program.parent.mkdir()
        program.write_text(
            "#!/bin/sh\n"
            f'if [ "$*" = "restart icecast2.service" ]; then echo active > {state}; exit; fi\n'
            f"echo LoadState=loaded; echo ActiveState=$(cat {state}); echo Result=exit-code\n"
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

        watch(
            "[watch:icecast]\nuse = unit\nunit = icecast2.service\nroom = hall\ninterval = 1\n"
            "restart = systemctl restart icecast2.service\n",
            **crew,
        )

        wait_until(lambda: mood(served, "icecast") == "happy", 60, "the unit is active")
        assert labels(served) == [
            "icecast on edge1: restarted: the unit is failed, exit-code",
        ]


class TestIndependence:
    def test_hanging_check_does_not_delay_other_checks(self, fake_server, server, watch):
        require("ffmpeg")
        server.start()
        fake_server.responses["/api/v1/components/edge1"] = ACCEPTED
        fake_server.responses["/hang.ts"] = endless_response(fake_server.stopped, b"\0", 0.1)
        hanging = "".join(
            f"[watch:film{n}]\nuse = picture\nurl = {fake_server.url}/hang.ts\ninterval = 1\n"
            "limit = 60\n"
            for n in range(3)
        )
        running = watch(
            f"{hanging}{server.section()}", trackers=[fake_server.url], general="at.once = 2"
        )
        wait_until(
            lambda: reported_moods(fake_server, "server")[-1:] == ["happy"],
            60,
            "the server is happy",
        )
        wait_until(lambda: count_ffmpeg(fake_server) == 2, 20, "two checks run")

        server.kill()

        wait_until(lambda: len(server.start_arguments) == 2, 5, "the server is restarted")
        assert count_ffmpeg(fake_server) == 2
        assert running.terminate() < 2
        wait_until(lambda: count_ffmpeg(fake_server) == 0, 2, "no ffmpeg runs")

    def test_changes_are_reported_at_once_and_states_each_interval(
        self, fake_server, server, watch
    ):
        server.start()
        fake_server.responses["*"] = ACCEPTED
        watch(server.section(), trackers=[fake_server.url])
        wait_until(
            lambda: reported_moods(fake_server, "server")[-1:] == ["happy"],
            60,
            "the server is happy",
        )

        count = len(reported_moods(fake_server, "server"))
        wait_until(
            lambda: len(reported_moods(fake_server, "server")) >= count + 2,
            4,
            "the state is reported again",
        )


def reports(fake_server):
    """Return the reports to the JSON API."""
    return [json.loads(one.body) for one in list(fake_server.requests) if one.method == "PUT"]


def reported_moods(fake_server, name):
    return [
        one["mood"]
        for report in reports(fake_server)
        for one in report["components"]
        if one["name"] == name
    ]


def count_ffmpeg(fake_server):
    ps = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True)
    return sum(
        line.startswith("ffmpeg") and fake_server.url in line for line in ps.stdout.splitlines()
    )


class TestTrackers:
    def test_states_during_a_tracker_outage_are_reported_once(
        self, served, crew, server, watch, mood_rows
    ):
        server.start()
        running = watch(server.section(restart_pause=1), **crew)
        wait_until(lambda: mood(served, "server") == "happy", 60, "the server is happy")
        port = served.port
        served.kill()

        before = server.pid
        for starts in (2, 3):
            wait_until(
                lambda: server.pid_file.exists() and alive(server.pid), 10, "the server runs"
            )
            wait_until(
                lambda: running.metric("part_mood").get(HAPPY) == 1, 10, "the server is happy"
            )
            server.kill()
            wait_until(
                lambda count=starts: len(server.start_arguments) == count,
                10,
                "the server is restarted",
            )
        wait_until(lambda: running.metric("part_mood").get(HAPPY) == 1, 10, "the server is happy")
        assert "cannot be reached" in running.healthz()[1]
        assert server.pid != before
        served.start(port)

        wait_until(lambda: len(labels(served)) == 2, 60, "the annotations are there")
        wait_until(lambda: mood(served, "server") == "happy", 10, "the server is happy")
        moods = mood_rows("server")
        assert [one for one, _ in moods if one != "waking"] == [
            "happy", "sad", "happy", "sad", "happy",
        ]  # fmt: skip
        assert len({since for _, since in moods}) == len(moods)
        assert running.healthz() == (200, "ok\n")

    def test_legacy_protocol_reports_the_same_states(self, served, server, watch, mood_rows):
        server.start()
        running = watch(
            server.section(),
            trackers=[served.url],
            token=f"secret = {served.secret}",
            legacy=True,
        )
        wait_until(lambda: mood(served, "server") == "happy", 60, "the server is happy")

        server.kill()

        wait_until(
            lambda: "sad" in [one for one, _ in mood_rows("server")], 10, "the server was sad"
        )
        wait_until(lambda: mood(served, "server") == "happy", 10, "the server is happy again")
        assert components(served)["server"]["kind"] == "encoder"
        assert labels(served) == []
        running.terminate()
        assert components(served) == {}

    def test_sigterm_removes_the_components(self, served, crew, server, watch):
        server.start()
        running = watch(server.section(), **crew)
        wait_until(lambda: mood(served, "server") == "happy", 60, "the server is happy")

        assert running.terminate() < 2

        assert running.process.returncode == 0
        assert components(served) == {}
        assert server.start_arguments == ["first"]

    def test_hanging_tracker_does_not_delay_the_exit(self, fake_server, server, watch):
        server.start()
        fake_server.responses["*"] = endless_response(fake_server.stopped, b" ", 0.1)
        running = watch(server.section(), trackers=[fake_server.url])
        fake_server.wait_for(1, 60)

        assert running.terminate() < 2

    def test_invalid_token_ends_the_supervisor_with_one_line(self, served, server, watch):
        running = watch(server.section(), trackers=[served.url], token="token = sst_wrong")

        status, output = running.wait_for_exit(60)

        assert status == 2
        assert [line for line in output.splitlines() if "401" in line] == [
            f"Error: {served.url}/api/v1/components/edge1: 401 the token is not valid"
        ]

    def test_room_token_reports_the_components_of_that_room(self, served, server, watch):
        server.start()
        running = watch(
            f"{server.section()}[watch:other]\nuse = process\ncommand = no-such-process\n"
            "room = lab\ninterval = 1\nrestart = true\n",
            trackers=[served.url],
            token=f"token = {served.token()}",
        )
        wait_until(lambda: mood(served, "server") == "happy", 60, "the server is happy")
        wait_until(lambda: "annotations: " in running.output, 10, "the rejection is logged")

        server.kill()

        wait_until(lambda: labels(served), 10, "the restart is annotated")
        wait_until(lambda: mood(served, "server") == "happy", 10, "the server is happy again")
        assert set(components(served)) == {"server"}
        assert [label.partition(":")[0] for label in labels(served)] == ["server on edge1"]
        assert running.output.count("/api/v1/annotations: 403") == 1


HAPPY = '{mood="happy",part="server",room="hall"}'


def alive(pid):
    return Path(f"/proc/{pid}").exists()


@pytest.fixture
def mood_rows(served):
    """Return a function that returns the stored moods of a component, oldest first."""

    def mood_rows(name):
        rows = served.rows("SELECT mood, since FROM component_mood WHERE name = :name", name=name)
        return sorted(rows, key=lambda row: datetime.fromisoformat(str(row[1])))

    return mood_rows


def test_option_once_prints_all_states(tmp_path, server, fake_server):
    fake_server.responses["/"] = (503, {}, b"")
    ini = write_ini(
        tmp_path / "once",
        trackers=["http://127.0.0.1:1"],
        token="",
        sources=f"{server.section()}[watch:web]\nuse = http\nurl = {fake_server.url}/\n",
    )

    result = run_once(ini)

    assert (result.returncode, result.stdout) == (
        1,
        "server: sad: the pid file does not exist\nweb: sad: responds with status 503\n",
    )
    assert server.start_arguments == []


def run_once(ini):
    program = Path(sys.executable).with_name("streaming-system")
    return subprocess.run(
        [program, "agent", "supervise", "-c", ini, "--once"],
        capture_output=True,
        text=True,
        check=False,
    )
