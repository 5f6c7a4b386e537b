"""The agent as a process: what it does when trackers and servers are not as they should be."""

import threading
import time
from itertools import pairwise

import pytest

from streaming_system.agent.config import load_agent_config
from streaming_system.agent.register import RegistrationService

from .conftest import json_response, wait_until
from .running import write_ini
from .said import ACCEPTED, CDN, ICECAST, icecast_stats, received_reports
from .standin import endless_response


class TestGoodbye:
    def test_it_drains_then_goes_and_is_out_within_two_seconds(self, stand_in, agent):
        stand_in.says["*"] = lambda asked: (204, {}, b"") if asked.method == "DELETE" else ACCEPTED
        agent = agent(trackers=[stand_in.url], token="token = sst_x", sources=CDN)
        stand_in.wait_for(1, 60)

        assert agent.terminate() < 2

        assert agent.process.returncode == 0
        assert [asked.method for asked in stand_in.asked] == ["PUT", "PUT", "DELETE"]
        assert [report.get("draining", False) for report in received_reports(stand_in)] == [
            False,
            True,
        ]
        assert {asked.path for asked in stand_in.asked} == {"/api/v1/rooms/hall/endpoints/edge1"}

    def test_a_real_tracker_forgets_it(self, served, agent):
        agent = agent(trackers=[served.url], token=f"token = {served.token()}", sources=CDN)
        wait_until(lambda: "edge1" in served.endpoints(), 60, "the endpoint is registered")

        agent.terminate()

        assert served.endpoints() == {}

    def test_a_tracker_that_hangs_cannot_keep_it(self, stand_in, agent):
        stand_in.says["*"] = endless_response(stand_in.over, b" ", 0.1)
        agent = agent(trackers=[stand_in.url], token="token = sst_x", sources=CDN)
        stand_in.wait_for(1, 60)

        assert agent.terminate() < 2

        assert agent.process.returncode == 0


class TestATrackerIsNotWell:
    @pytest.mark.parametrize(
        ("answer", "line"),
        [
            ((500, {}, b"Traceback"), "500 Internal Server Error"),
            ((200, {"Content-Type": "text/html"}, b"<html>Log in"), "is not the API of a tracker"),
            (
                (302, {"Location": "https://elsewhere.example.org/"}, b""),
                "redirects to 'https://else",
            ),
            ((200, {}, b"[" * 60000), "is not the API of a tracker"),
        ],
    )
    def test_it_says_so_once_and_tries_again_ever_more_rarely(self, stand_in, agent, answer, line):
        times = []

        def note(asked):
            times.append(time.monotonic())
            return answer

        stand_in.says["*"] = note
        agent = agent(trackers=[stand_in.url], token="token = sst_x", sources=CDN)
        stand_in.wait_for(4, 60)

        pauses = [later - earlier for earlier, later in pairwise(times)]
        assert pauses[2] > pauses[0]
        assert agent.said.count(line) == 1
        assert agent.process.poll() is None
        assert agent.healthz()[0] == 503

        stand_in.says["*"] = ACCEPTED
        wait_until(lambda: agent.healthz() == (200, "ok\n"), 20, "all is well again")

    def test_a_tracker_that_is_restarted_is_told_again(self, served, stand_in, agent):
        # Viewers come all the time, so there is news at every look.
        stand_in.says["/status-json.xsl"] = lambda asked: icecast_stats(
            listeners=len(stand_in.asked)
        )
        agent = agent(
            trackers=[served.url],
            token=f"token = {served.token()}",
            sources=ICECAST.format(url=stand_in.url),
        )
        wait_until(lambda: "edge1" in served.endpoints(), 60, "the endpoint is registered")
        before = _taken(agent)

        port = served.port
        served.kill()
        wait_until(lambda: agent.healthz()[0] == 503, 30, "the agent has noticed")
        served.start(port)

        wait_until(lambda: agent.healthz() == (200, "ok\n"), 60, "the agent has reported again")
        assert _taken(agent) > before
        assert "edge1" in served.endpoints()

    def test_a_name_that_nobody_knows_is_asked_again(self, agent):
        agent = agent(
            trackers=["http://tracker.invalid/tracker"], token="token = sst_x", sources=CDN
        )

        wait_until(lambda: _failed(agent) >= 2, 60, "two failures")

        assert agent.said.count("cannot be reached") == 1
        assert agent.terminate() < 2

    def test_one_tracker_of_two_is_enough(self, served, agent):
        agent(
            trackers=["http://127.0.0.1:9", served.url],
            token=f"token = {served.token()}",
            sources=CDN,
        )

        wait_until(lambda: "edge1" in served.endpoints(), 60, "the endpoint is registered")


class TestRefused:
    @pytest.mark.parametrize("options", [[], ["--once"]])
    def test_a_wrong_token_is_one_line_and_status_2(self, served, agent, options):
        agent = agent(
            trackers=[served.url], token="token = sst_wrong", sources=CDN, options=options
        )

        status, said = agent.ended(60)

        assert status == 2
        [line] = [line for line in said.splitlines() if "401" in line]
        assert line.startswith(f"Error: {served.url}/api/v1/rooms/hall/endpoints/edge1: 401 ")
        assert "sst_wrong" not in said

    def test_it_asks_once_only(self, stand_in, agent):
        problem = {"title": "A valid token is needed", "status": 401, "detail": "no"}
        stand_in.says["*"] = json_response(problem, 401, "application/problem+json")
        agent = agent(trackers=[stand_in.url], token="token = sst_x", sources=CDN)

        assert agent.ended(60)[0] == 2
        assert len(stand_in.asked) == 1

    def test_a_wrong_secret_is_one_line_and_status_2(self, served, agent):
        agent = agent(
            trackers=[served.url], token="secret = wrong", sources=CDN, options=["--legacy"]
        )

        status, said = agent.ended(60)

        assert status == 2
        assert "hall is refused: 403 ERROR SECRET" in said

    def test_a_room_that_the_token_is_not_for_does_not_stop_the_others(self, served, agent):
        sources = CDN + "    lab = lab hls\n"
        agent = agent(trackers=[served.url], token=f"token = {served.token()}", sources=sources)

        wait_until(lambda: "lab/endpoints/edge1: 403" in agent.said, 60, "one line about the lab")

        assert agent.process.poll() is None
        assert list(served.endpoints()) == ["edge1"]

    def test_a_lack_of_a_token_is_one_line(self, once):
        assert once(trackers=["http://127.0.0.1:9"], token="", sources=CDN) == (
            1,
            "Error: agent.ini: [agent] token: is missing; "
            "allowed: a token from the crew, or --legacy and a secret\n",
        )

    @pytest.mark.parametrize(
        ("sources", "line"),
        [
            ("", "agent.ini: has no section [source:NAME]"),
            (CDN.replace("static", "shoutcast"), "[source:cdn] use: is 'shoutcast'; allowed: comm"),
            (CDN.replace("use =", "chek = x\nuse ="), "[source:cdn] chek: is no key; allowed: acc"),
            (ICECAST.format(url=""), "[source:icecast] url: is missing; allowed: an address"),
        ],
    )
    def test_a_mistake_in_a_source_is_one_line(self, once, sources, line):
        status, said = once(trackers=["http://127.0.0.1:9"], token="token = x", sources=sources)

        assert (status, said.count("\n")) == (1, 1)
        assert line in said


class TestPace:
    def test_the_tracker_says_when_the_next_report_is_due(self, stand_in, agent):
        times = []

        def note(asked):
            times.append(time.monotonic())
            return json_response({"report_every": 3})

        stand_in.says["*"] = note
        agent(trackers=[stand_in.url], token="token = sst_x", sources=CDN)
        stand_in.wait_for(3, 60)

        # Every second a server is looked at, but nothing has changed.
        assert all(2.5 < later - earlier < 6 for earlier, later in pairwise(times))

    def test_what_changes_is_told_within_an_interval(self, stand_in, agent):
        stand_in.says = {"*": ACCEPTED, "/status-json.xsl": icecast_stats()}
        agent(trackers=[stand_in.url], token="token = x", sources=ICECAST.format(url=stand_in.url))
        wait_until(lambda: received_reports(stand_in), 60, "a report")

        stand_in.says["/status-json.xsl"] = icecast_stats(listeners=9)

        wait_until(lambda: received_reports(stand_in)[-1]["clients"] == 9, 10, "nine clients")

    def test_legacy_registers_every_interval(self, served, agent):
        agent = agent(
            trackers=[served.url], token=f"secret = {served.secret}", sources=CDN,
            options=["--legacy"],
        )  # fmt: skip

        wait_until(lambda: len(served.endpoints()) == 1, 60, "the endpoint is registered")
        wait_until(lambda: _taken(agent) >= 3, 20, "three reports")


class TestItIsSmall:
    @pytest.fixture
    def eight(self, stand_in, agent):
        """An agent with eight mounts, which looks ten times as often as it would."""
        mounts = [{"listenurl": f"http://h/{n}.webm", "listeners": n} for n in range(8)]
        icecast_stats = json_response({"icestats": {"source": mounts}})
        stand_in.says = {"*": json_response({"report_every": 1}), "/status-json.xsl": icecast_stats}
        streams = "".join(f"    /{n}.webm = room{n} webm_high\n" for n in range(8))
        sources = ICECAST.format(url=stand_in.url).partition("    /hall")[0] + streams
        agent = agent(trackers=[stand_in.url], token="token = x", sources=sources)
        wait_until(lambda: len(received_reports(stand_in)) >= 8, 60, "eight rooms")
        return agent

    def test_with_eight_mounts_it_holds_less_than_60_mib(self, eight):
        # All that it ever imports has been used.
        assert _ok(eight)
        assert eight.metric("clients")

        assert eight.resident() < 60

    def test_with_eight_mounts_a_look_every_10_s_takes_less_than_2_percent_of_a_core(
        self, stand_in, eight
    ):
        before, asked = eight.processor(), len(stand_in.asked)

        # A look, and a report of each of eight rooms.
        stand_in.wait_for(asked + 9 * 10, 60)

        assert (eight.processor() - before) / 10 < 0.02 * 10


class TestClock:
    def test_a_clock_that_jumps_changes_nothing(self, stand_in, tmp_path, monkeypatch):
        reports = []

        def note(asked):
            reports.append(asked)
            return json_response({"report_every": 1})

        stand_in.says["*"] = note
        ini = write_ini(tmp_path / "agent", trackers=[stand_in.url], token="token = x", sources=CDN)
        registration = RegistrationService(load_agent_config(ini))
        running = threading.Thread(target=registration.run)
        running.start()
        try:
            for years in (10, -20, 0):
                before, now = len(reports), time.time()
                monkeypatch.setattr("time.time", lambda years=years, now=now: now + years * 3e7)
                began = time.monotonic()
                stand_in.wait_for(before + 3, 30)
                # One a second, neither a storm nor a pause.
                assert time.monotonic() - began > 1.5
        finally:
            monkeypatch.undo()
            registration.stop.set()
            running.join(10)
        assert not running.is_alive()


class TestStatus:
    def test_prometheus_and_people_are_told(self, stand_in, agent):
        stand_in.says = {"*": ACCEPTED, "/status-json.xsl": icecast_stats(bitrate=800)}
        agent = agent(
            trackers=[stand_in.url], token="token = x", sources=ICECAST.format(url=stand_in.url)
        )
        wait_until(lambda: received_reports(stand_in), 60, "a report")

        assert wait_until(lambda: _ok(agent), 10, "all is well")
        assert agent.metric("source_up") == {'{source="icecast"}': 1}
        assert list(agent.metric("stream_bits_per_second").values()) == [800_000]
        assert list(agent.metric("tracker_up").values()) == [1]
        assert agent.get("/else")[0] == 404

    def test_a_port_that_is_taken_is_one_line(self, stand_in, agent):
        port = int(stand_in.url.rpartition(":")[2])
        agent = agent(trackers=[stand_in.url], token="token = x", sources=CDN, status_port=port)

        status, said = agent.ended(60)

        assert status == 1
        assert f"Error: [agent] status: nothing can listen on 127.0.0.1:{port}: Address" in said


def _failed(agent):
    reports = agent.metric("reports_total")
    return sum(count for labels, count in reports.items() if 'result="failed"' in labels)


def _taken(agent):
    reports = agent.metric("reports_total")
    return sum(count for labels, count in reports.items() if 'result="taken"' in labels)


def _ok(agent):
    return agent.healthz() == (200, "ok\n")
