"""The watch as a process: what it looks at, what it starts anew, and what trackers hear of it."""

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
from .running import write_ini
from .servers import free_port
from .standin import endless_response
from .streams import make_film

TAKEN = json_response({"machine": "edge1", "components": 1, "report_every": 30})
NOTED = json_response({"id": 1, "at": "2026-08-22T12:00:00.000Z", "label": "x", "room": None}, 201)


@pytest.fixture
def watch(agent):
    """Return a function that starts a watch."""

    def watch(parts, *, trackers, token="token = sst_x", legacy=False, general=""):
        port = free_port()
        return agent(
            command="watch",
            options=("--legacy",) if legacy else (),
            status_port=port,
            trackers=trackers,
            token=token,
            sources=f"[watch]\nstatus = 127.0.0.1:{port}\n{general}\n{parts}",
        )

    return watch


@pytest.fixture
def crew(served):
    """What an agent.ini has for a tracker that is served."""
    return {"trackers": [served.url], "token": f"token = {served.token('crew', '')}"}


@pytest.fixture
def server(tmp_path):
    """A program that somebody starts by a script, and that says its number in a file."""
    program = Server(tmp_path)
    yield program
    program.kill()


class Server:
    def __init__(self, folder: Path) -> None:
        self.pid_file = folder / "server.pid"
        self.starts = folder / "starts"
        self.script = folder / "start.sh"
        self.write(f"sleep 600 >/dev/null 2>&1 &\necho $! > {self.pid_file}")

    def write(self, then):
        self.script.write_text(f'#!/bin/sh\necho "$1" >> {self.starts}\n{then}\n')
        self.script.chmod(0o755)

    def start(self):
        subprocess.run([self.script, "first"], check=True)

    @property
    def pid(self):
        return int(self.pid_file.read_text())

    @property
    def started(self):
        return self.starts.read_text().splitlines() if self.starts.exists() else []

    def kill(self):
        if self.pid_file.exists():
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                return

    def part(self, **more):
        lines = "".join(f"{key.replace('_', '.')} = {value}\n" for key, value in more.items())
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
    def test_a_killed_process_is_started_anew_and_the_crew_sees_it(
        self, served, crew, server, watch, rows_of
    ):
        server.start()
        watch(server.part(), **crew)
        wait_until(lambda: mood(served, "server") == "happy", 60, "it is well")
        before = server.pid

        server.kill()

        wait_until(lambda: server.started == ["first", "a b"], 10, "it is started anew")
        wait_until(lambda: labels(served), 10, "the annotation is there")
        wait_until(lambda: mood(served, "server") == "happy", 10, "it is well again")
        assert server.pid != before
        assert Path(f"/proc/{server.pid}").exists()
        assert labels(served) == [f"server on edge1: started anew: process {before} is gone"]
        [note] = served.get("/api/v1/annotations?room=hall")["annotations"]
        assert note["room"] == "hall"
        [cell] = served.page("/flumotion/stats").select("table.pipeline td .mood")
        assert cell.get_text() == "happy"
        # It was looked at, was well, failed, was started anew, and is well.
        moods = [one for one, _ in rows_of("server")]
        assert moods == ["waking", "happy", "sad", "waking", "happy"]

    def test_one_that_does_not_come_back_is_left_alone_after_a_while(
        self, served, crew, server, watch
    ):
        server.write("true")
        running = watch(server.part(restart_most=3, restart_pause=1, restart_longest=2), **crew)

        wait_until(lambda: "not any more" in str(components(served)), 60, "it is given up")

        [part] = components(served).values()
        assert (part["mood"], part["detail"]) == (
            "sad",
            "there is no pid file; started anew 3 times within an hour, and not any more",
        )
        began = time.monotonic()
        while time.monotonic() - began < 4:
            assert server.started == ["a b"] * 3
            time.sleep(0.2)
        wait_until(lambda: len(labels(served)) == 4, 10, "all of it is annotated")
        assert labels(served)[-1].startswith("server on edge1: started anew 3 times within an hour")
        assert running.metric("restarts_total") == {'{part="server"}': 3}
        assert running.healthz() == (503, f"server is sad: {part['detail']}\n")

    def test_a_command_that_fails_or_hangs_is_told(self, served, crew, server, watch):
        server.write("exit 3")
        hangs = (
            server.part()
            .replace("watch:server", "watch:hangs")
            .replace(f'{server.script} "a b"', "sleep 600")
        )
        none = (
            server.part()
            .replace("watch:server", "watch:none")
            .replace(f'{server.script} "a b"', "/nowhere/x")
        )
        watch(f"{server.part()}{hangs}restart.within = 1\n{none}", **crew)

        wait_until(lambda: len(labels(served)) >= 3, 60, "all are annotated")

        assert sorted(labels(served)) == [
            "hangs on edge1: could not be started anew (sleep takes more than 1 s): "
            "there is no pid file",
            "none on edge1: could not be started anew (x cannot be run: "
            "No such file or directory): there is no pid file",
            "server on edge1: could not be started anew (start.sh ended with 3): "
            "there is no pid file",
        ]
        assert {one["mood"] for one in components(served).values()} == {"sad"}

    def test_what_is_switched_off_sleeps_and_is_not_started(
        self, served, crew, server, watch, tmp_path
    ):
        off = tmp_path / "off"
        off.touch()
        watch(
            f"{server.part(off_file=off)}[watch:b]\nuse = http\nurl = http://h/\nenabled = no",
            **crew,
        )
        wait_until(lambda: mood(served, "server") == "sleeping", 60, "it sleeps")
        wait_until(lambda: mood(served, "b") == "sleeping", 10, "so does the other one")
        assert server.started == []

        off.unlink()

        wait_until(lambda: server.started, 10, "it is started")


class TestStreams:
    def test_hls_that_stops_and_starts(self, served, crew, watch, tmp_path):
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
            wait_until(lambda: mood(served, "hls") == "happy", 60, "it moves")
            encoder.kill()
            wait_until(lambda: mood(served, "hls") == "sad", 20, "it stands still")
            assert "stands still" in components(served)["hls"]["detail"]
            encoder.start()
            wait_until(lambda: mood(served, "hls") == "happy", 20, "it moves again")
        finally:
            encoder.kill()
            origin.stop()

    def test_black_and_silent_streams_are_hungry_and_seen_by_the_crew(
        self, served, crew, watch, tmp_path
    ):
        require("ffmpeg")
        (tmp_path / "films").mkdir()
        origin = Origin(tmp_path / "films")
        origin.start()
        try:
            make_film(origin.folder / "hall.ts", picture="black", sound="silent")
            part = f"url = {origin.url}hall.ts\nroom = hall\ninterval = 1\nseconds = 2\n"
            watch(
                f"[watch:picture]\nuse = picture\n{part}[watch:sound]\nuse = sound\n{part}",
                general="at.once = 1",
                **crew,
            )
            wait_until(
                lambda: {one["mood"] for one in components(served).values()} == {"hungry"},
                60,
                "both are hungry",
            )
            wrong = [
                " ".join(item.get_text().split())
                for item in served.page("/flumotion/stats").select(".wrong li")
            ]
            assert [line.partition(",")[0] for line in wrong] == [
                "hungry picture on edge1",
                "hungry sound on edge1",
            ]
            assert wrong[0].endswith(": the picture is black")
            assert wrong[1].endswith(": silence")
            # When there is something to see again, it is well.
            make_film(origin.folder / "new.ts")
            (origin.folder / "new.ts").replace(origin.folder / "hall.ts")
            wait_until(
                lambda: {one["mood"] for one in components(served).values()} == {"happy"},
                30,
                "both are well",
            )
        finally:
            origin.stop()

    def test_a_black_picture_can_be_reason_enough(self, served, crew, watch, tmp_path):
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
            wait_until(lambda: mood(served, "picture") == "happy", 60, "there is something to see")
            assert labels(served) == ["picture on edge1: started anew: the picture is black"]
        finally:
            origin.stop()


class TestUnits:
    def test_a_unit_that_failed_is_started_anew(self, served, crew, watch, tmp_path, monkeypatch):
        """systemd cannot run here: a program stands in for systemctl, with the state of a unit."""
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

        wait_until(lambda: mood(served, "icecast") == "happy", 60, "it is active")
        assert labels(served) == [
            "icecast on edge1: started anew: the unit is failed, exit-code",
        ]


class TestIndependence:
    def test_a_check_that_hangs_holds_up_nobody(self, stand_in, server, watch):
        require("ffmpeg")
        server.start()
        stand_in.says["/api/v1/components/edge1"] = TAKEN
        stand_in.says["/hang.ts"] = endless_response(stand_in.over, b"\0", 0.1)
        hanging = "".join(
            f"[watch:film{n}]\nuse = picture\nurl = {stand_in.url}/hang.ts\ninterval = 1\n"
            "limit = 60\n"
            for n in range(3)
        )
        running = watch(f"{hanging}{server.part()}", trackers=[stand_in.url], general="at.once = 2")
        wait_until(
            lambda: told_moods(stand_in, "server")[-1:] == ["happy"], 60, "the process is seen"
        )
        wait_until(lambda: ffmpegs(stand_in) == 2, 20, "two are looked at")

        server.kill()

        wait_until(lambda: len(server.started) == 2, 5, "it is started anew")
        # Never more at once than was said.
        assert ffmpegs(stand_in) == 2
        assert running.terminate() < 2
        wait_until(lambda: ffmpegs(stand_in) == 0, 2, "nothing is left behind")

    def test_changes_are_told_at_once_and_the_rest_each_interval(self, stand_in, server, watch):
        server.start()
        stand_in.says["*"] = TAKEN
        watch(server.part(), trackers=[stand_in.url])
        wait_until(lambda: told_moods(stand_in, "server")[-1:] == ["happy"], 60, "it is well")

        count = len(told_moods(stand_in, "server"))
        wait_until(lambda: len(told_moods(stand_in, "server")) >= count + 2, 4, "it is told again")


def reports(stand_in):
    """What was told by the JSON API."""
    return [json.loads(one.body) for one in list(stand_in.asked) if one.method == "PUT"]


def told_moods(stand_in, name):
    return [
        one["mood"]
        for report in reports(stand_in)
        for one in report["components"]
        if one["name"] == name
    ]


def ffmpegs(stand_in):
    found = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True)
    return sum(
        line.startswith("ffmpeg") and stand_in.url in line for line in found.stdout.splitlines()
    )


class TestTrackers:
    def test_what_happened_while_it_was_away_is_told_once(
        self, served, crew, server, watch, rows_of
    ):
        server.start()
        running = watch(server.part(restart_pause=1), **crew)
        wait_until(lambda: mood(served, "server") == "happy", 60, "it is well")
        port = served.port
        served.kill()

        before = server.pid
        for starts in (2, 3):
            wait_until(lambda: server.pid_file.exists() and alive(server.pid), 10, "it runs")
            wait_until(lambda: running.metric("part_mood").get(HAPPY) == 1, 10, "it is well")
            server.kill()
            wait_until(lambda count=starts: len(server.started) == count, 10, "it is started anew")
        wait_until(lambda: running.metric("part_mood").get(HAPPY) == 1, 10, "it is well")
        assert "cannot be reached" in running.healthz()[1]
        assert server.pid != before
        served.start(port)

        wait_until(lambda: len(labels(served)) == 2, 60, "the annotations are there")
        wait_until(lambda: mood(served, "server") == "happy", 10, "it is well")
        moods = rows_of("server")
        assert [one for one, _ in moods if one != "waking"] == [
            "happy", "sad", "happy", "sad", "happy",
        ]  # fmt: skip
        assert len({since for _, since in moods}) == len(moods)
        assert running.healthz() == (200, "ok\n")

    def test_the_original_form_says_the_same(self, served, server, watch, rows_of):
        server.start()
        running = watch(
            server.part(),
            trackers=[served.url],
            token=f"secret = {served.secret}",
            legacy=True,
        )
        wait_until(lambda: mood(served, "server") == "happy", 60, "it is well")

        server.kill()

        wait_until(lambda: "sad" in [one for one, _ in rows_of("server")], 10, "it was sad")
        wait_until(lambda: mood(served, "server") == "happy", 10, "it is well again")
        assert components(served)["server"]["kind"] == "encoder"
        assert labels(served) == []
        running.terminate()
        assert components(served) == {}

    def test_an_orderly_end_takes_its_parts_out(self, served, crew, server, watch):
        server.start()
        running = watch(server.part(), **crew)
        wait_until(lambda: mood(served, "server") == "happy", 60, "it is well")

        assert running.terminate() < 2

        assert running.process.returncode == 0
        assert components(served) == {}
        assert server.started == ["first"]

    def test_a_tracker_that_hangs_cannot_keep_it(self, stand_in, server, watch):
        server.start()
        stand_in.says["*"] = endless_response(stand_in.over, b" ", 0.1)
        running = watch(server.part(), trackers=[stand_in.url])
        stand_in.wait_for(1, 60)

        assert running.terminate() < 2

    def test_a_token_that_is_not_taken_ends_it_in_one_line(self, served, server, watch):
        running = watch(server.part(), trackers=[served.url], token="token = sst_wrong")

        status, said = running.ended(60)

        assert status == 2
        assert [line for line in said.splitlines() if "401" in line] == [
            f"Error: {served.url}/api/v1/components/edge1: 401 the token is not valid"
        ]

    def test_a_token_of_a_room_is_good_for_that_room(self, served, server, watch):
        server.start()
        running = watch(
            f"{server.part()}[watch:other]\nuse = process\ncommand = nobody-is-called-so\n"
            "room = lab\ninterval = 1\nrestart = true\n",
            trackers=[served.url],
            token=f"token = {served.token()}",
        )
        wait_until(lambda: mood(served, "server") == "happy", 60, "it is well")
        wait_until(lambda: "annotations: " in running.said, 10, "what cannot be told is said")

        server.kill()

        wait_until(lambda: labels(served), 10, "its restart is annotated")
        wait_until(lambda: mood(served, "server") == "happy", 10, "it is well again")
        assert set(components(served)) == {"server"}
        assert [label.partition(":")[0] for label in labels(served)] == ["server on edge1"]
        assert running.said.count("/api/v1/annotations: 403") == 1


HAPPY = '{mood="happy",part="server",room="hall"}'


def alive(pid):
    return Path(f"/proc/{pid}").exists()


@pytest.fixture
def rows_of(served):
    """Return a function that tells all moods of a part that the tracker keeps, oldest first."""

    def rows_of(name):
        found = served.rows("SELECT mood, since FROM component_mood WHERE name = :name", name=name)
        return sorted(found, key=lambda row: datetime.fromisoformat(str(row[1])))

    return rows_of


def test_once_says_how_everything_is(tmp_path, server, stand_in):
    stand_in.says["/"] = (503, {}, b"")
    ini = write_ini(
        tmp_path / "once",
        trackers=["http://127.0.0.1:1"],
        token="",
        sources=f"{server.part()}[watch:web]\nuse = http\nurl = {stand_in.url}/\n",
    )

    found = run_once(ini)

    assert (found.returncode, found.stdout) == (
        1,
        "server: sad: there is no pid file\nweb: sad: answers 503\n",
    )
    assert server.started == []


def run_once(ini):
    program = Path(sys.executable).with_name("streaming-system")
    return subprocess.run(
        [program, "encoder", "watch", "-c", ini, "--once"],
        capture_output=True,
        text=True,
        check=False,
    )
