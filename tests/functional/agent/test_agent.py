"""The agent as a process: shutdown, failures, intervals, resources and status."""

import threading
import time
from itertools import pairwise

import pytest

from streaming_system.agent.config import load_agent_config
from streaming_system.agent.register import RegistrationService

from .conftest import json_response, wait_until
from .fake_server import endless_response
from .running import write_ini
from .sample_data import ACCEPTED, CDN, ICECAST, icecast_stats, received_reports


class TestShutdown:
    def test_agent_drains_and_deregisters_within_two_seconds(self, fake_server, agent):
        fake_server.responses["*"] = lambda request: (
            (204, {}, b"") if request.method == "DELETE" else ACCEPTED
        )
        agent = agent(trackers=[fake_server.url], token="token = sst_x", sources=CDN)
        fake_server.wait_for(1, 60)

        assert agent.terminate() < 2

        assert agent.process.returncode == 0
        assert [request.method for request in fake_server.requests] == ["PUT", "PUT", "DELETE"]
        first, last = received_reports(fake_server)
        assert (first.get("draining", False), last["draining"]) == (False, True)
        path = "/api/v1/rooms/hall/endpoints/edge1"
        # The id of the agent is the same in all requests.
        assert first["instance"] == last["instance"]
        assert [request.path for request in fake_server.requests] == [
            path,
            path,
            f"{path}?instance={first['instance']}",
        ]

    def test_tracker_removes_the_endpoint(self, served, agent):
        agent = agent(trackers=[served.url], token=f"token = {served.token()}", sources=CDN)
        wait_until(lambda: "edge1" in served.endpoints(), 60, "the endpoint is registered")

        agent.terminate()

        assert served.endpoints() == {}

    def test_hanging_tracker_does_not_delay_the_shutdown(self, fake_server, agent):
        fake_server.responses["*"] = endless_response(fake_server.stopped, b" ", 0.1)
        agent = agent(trackers=[fake_server.url], token="token = sst_x", sources=CDN)
        fake_server.wait_for(1, 60)

        assert agent.terminate() < 2

        assert agent.process.returncode == 0


class TestTrackerFailures:
    @pytest.mark.parametrize(
        ("response", "line"),
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
    def test_agent_logs_failure_once_and_backs_off(self, fake_server, agent, response, line):
        times = []

        def respond(request):
            times.append(time.monotonic())
            return response

        fake_server.responses["*"] = respond
        agent = agent(trackers=[fake_server.url], token="token = sst_x", sources=CDN)
        fake_server.wait_for(4, 60)

        delays = [later - earlier for earlier, later in pairwise(times)]
        assert delays[2] > delays[0]
        assert agent.output.count(line) == 1
        assert agent.process.poll() is None
        assert agent.healthz()[0] == 503

        fake_server.responses["*"] = ACCEPTED
        wait_until(lambda: agent.healthz() == (200, "ok\n"), 20, "the agent is healthy again")

    def test_restarted_tracker_gets_reports_again(self, served, fake_server, agent):
        # The number of viewers changes with each poll.
        fake_server.responses["/status-json.xsl"] = lambda request: icecast_stats(
            listeners=len(fake_server.requests)
        )
        agent = agent(
            trackers=[served.url],
            token=f"token = {served.token()}",
            sources=ICECAST.format(url=fake_server.url),
        )
        wait_until(lambda: "edge1" in served.endpoints(), 60, "the endpoint is registered")
        before = _accepted(agent)

        port = served.port
        served.kill()
        wait_until(lambda: agent.healthz()[0] == 503, 30, "the agent detects the failure")
        served.start(port)

        wait_until(lambda: agent.healthz() == (200, "ok\n"), 60, "the agent has reported again")
        assert _accepted(agent) > before
        assert "edge1" in served.endpoints()

    def test_unknown_host_name_is_retried(self, agent):
        agent = agent(
            trackers=["http://tracker.invalid/tracker"], token="token = sst_x", sources=CDN
        )

        wait_until(lambda: _failed(agent) >= 2, 60, "two failures")

        assert agent.output.count("cannot be reached") == 1
        assert agent.terminate() < 2

    def test_agent_works_with_one_of_two_trackers(self, served, agent):
        agent(
            trackers=["http://127.0.0.1:9", served.url],
            token=f"token = {served.token()}",
            sources=CDN,
        )

        wait_until(lambda: "edge1" in served.endpoints(), 60, "the endpoint is registered")


class TestRejectedCredentials:
    @pytest.mark.parametrize("options", [[], ["--once"]])
    def test_wrong_token_is_one_line_and_exit_status_2(self, served, agent, options):
        agent = agent(
            trackers=[served.url], token="token = sst_wrong", sources=CDN, options=options
        )

        status, output = agent.wait_for_exit(60)

        assert status == 2
        [line] = [line for line in output.splitlines() if "401" in line]
        assert line.startswith(f"Error: {served.url}/api/v1/rooms/hall/endpoints/edge1: 401 ")
        assert "sst_wrong" not in output

    def test_rejected_token_is_sent_once(self, fake_server, agent):
        problem = {"title": "A valid token is needed", "status": 401, "detail": "no"}
        fake_server.responses["*"] = json_response(problem, 401, "application/problem+json")
        agent = agent(trackers=[fake_server.url], token="token = sst_x", sources=CDN)

        assert agent.wait_for_exit(60)[0] == 2
        assert len(fake_server.requests) == 1

    def test_wrong_secret_is_one_line_and_exit_status_2(self, served, agent):
        agent = agent(
            trackers=[served.url], token="secret = wrong", sources=CDN, options=["--legacy"]
        )

        status, output = agent.wait_for_exit(60)

        assert status == 2
        assert "hall is refused: 200 ERROR SECRET" in output

    def test_rejected_room_does_not_stop_the_other_rooms(self, served, agent):
        sources = CDN + "    lab = lab hls\n"
        agent = agent(trackers=[served.url], token=f"token = {served.token()}", sources=sources)

        wait_until(lambda: "lab/endpoints/edge1: 403" in agent.output, 60, "one line about the lab")

        assert agent.process.poll() is None
        assert list(served.endpoints()) == ["edge1"]

    def test_missing_token_is_one_line(self, once):
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
    def test_invalid_source_is_one_line(self, once, sources, line):
        status, output = once(trackers=["http://127.0.0.1:9"], token="token = x", sources=sources)

        assert (status, output.count("\n")) == (1, 1)
        assert line in output


class TestReportInterval:
    def test_tracker_determines_the_interval(self, fake_server, agent):
        times = []

        def respond(request):
            times.append(time.monotonic())
            return json_response({"report_every": 3})

        fake_server.responses["*"] = respond
        agent(trackers=[fake_server.url], token="token = sst_x", sources=CDN)
        fake_server.wait_for(3, 60)

        # The source is polled every second, but does not change.
        assert all(2.5 < later - earlier < 6 for earlier, later in pairwise(times))

    def test_change_is_reported_within_an_interval(self, fake_server, agent):
        fake_server.responses = {"*": ACCEPTED, "/status-json.xsl": icecast_stats()}
        agent(
            trackers=[fake_server.url],
            token="token = x",
            sources=ICECAST.format(url=fake_server.url),
        )
        wait_until(lambda: received_reports(fake_server), 60, "a report")

        fake_server.responses["/status-json.xsl"] = icecast_stats(listeners=9)

        wait_until(lambda: received_reports(fake_server)[-1]["clients"] == 9, 10, "nine clients")

    def test_legacy_client_reports_every_interval(self, served, agent):
        agent = agent(
            trackers=[served.url], token=f"secret = {served.secret}", sources=CDN,
            options=["--legacy"],
        )  # fmt: skip

        wait_until(lambda: len(served.endpoints()) == 1, 60, "the endpoint is registered")
        wait_until(lambda: _accepted(agent) >= 3, 20, "three reports")


class TestResources:
    @pytest.fixture
    def busy_agent(self, fake_server, agent):
        """An agent with eight mounts that polls ten times as often as by default."""
        mounts = [{"listenurl": f"http://h/{n}.webm", "listeners": n} for n in range(8)]
        icecast_stats = json_response({"icestats": {"source": mounts}})
        fake_server.responses = {
            "*": json_response({"report_every": 1}),
            "/status-json.xsl": icecast_stats,
        }
        streams = "".join(f"    /{n}.webm = room{n} webm_high\n" for n in range(8))
        sources = ICECAST.format(url=fake_server.url).partition("    /hall")[0] + streams
        agent = agent(trackers=[fake_server.url], token="token = x", sources=sources)
        wait_until(lambda: len(received_reports(fake_server)) >= 8, 60, "eight rooms")
        return agent

    def test_agent_with_eight_mounts_uses_less_than_60_mib(self, busy_agent):
        # These requests import the rest of its modules.
        assert _is_healthy(busy_agent)
        assert busy_agent.metric("clients")

        assert busy_agent.resident_mib() < 60

    def test_agent_with_eight_mounts_uses_less_than_2_percent_of_a_core(
        self, fake_server, busy_agent
    ):
        before, count = busy_agent.cpu_seconds(), len(fake_server.requests)

        # Ten times: a poll, and a report of each of eight rooms.
        fake_server.wait_for(count + 9 * 10, 60)

        assert (busy_agent.cpu_seconds() - before) / 10 < 0.02 * 10


class TestClock:
    def test_clock_jump_changes_nothing(self, fake_server, tmp_path, monkeypatch):
        reports = []

        def respond(request):
            reports.append(request)
            return json_response({"report_every": 1})

        fake_server.responses["*"] = respond
        ini = write_ini(
            tmp_path / "agent", trackers=[fake_server.url], token="token = x", sources=CDN
        )
        registration = RegistrationService(load_agent_config(ini))
        thread = threading.Thread(target=registration.run)
        thread.start()
        try:
            for years in (10, -20, 0):
                before, now = len(reports), time.time()
                monkeypatch.setattr("time.time", lambda years=years, now=now: now + years * 3e7)
                start = time.monotonic()
                fake_server.wait_for(before + 3, 30)
                # One report per second: neither a burst nor a gap.
                assert time.monotonic() - start > 1.5
        finally:
            monkeypatch.undo()
            registration.stop.set()
            thread.join(10)
        assert not thread.is_alive()


class TestStatus:
    def test_health_and_metrics_are_served(self, fake_server, agent):
        fake_server.responses = {"*": ACCEPTED, "/status-json.xsl": icecast_stats(bitrate=800)}
        agent = agent(
            trackers=[fake_server.url],
            token="token = x",
            sources=ICECAST.format(url=fake_server.url),
        )
        wait_until(lambda: received_reports(fake_server), 60, "a report")

        assert wait_until(lambda: _is_healthy(agent), 10, "the agent is healthy")
        assert agent.metric("source_up") == {'{source="icecast"}': 1}
        assert list(agent.metric("stream_bits_per_second").values()) == [800_000]
        assert list(agent.metric("tracker_up").values()) == [1]
        assert agent.get("/else")[0] == 404

    def test_used_port_is_one_line(self, fake_server, agent):
        port = int(fake_server.url.rpartition(":")[2])
        agent = agent(trackers=[fake_server.url], token="token = x", sources=CDN, status_port=port)

        status, output = agent.wait_for_exit(60)

        assert status == 1
        assert f"Error: [agent] status: nothing can listen on 127.0.0.1:{port}: Address" in output


def _failed(agent):
    reports = agent.metric("reports_total")
    return sum(count for labels, count in reports.items() if 'result="failed"' in labels)


def _accepted(agent):
    reports = agent.metric("reports_total")
    return sum(count for labels, count in reports.items() if 'result="taken"' in labels)


def _is_healthy(agent):
    return agent.healthz() == (200, "ok\n")
