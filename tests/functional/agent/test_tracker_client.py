"""Tracker clients with a real tracker, and with failing ones."""

import contextlib
import time
from datetime import UTC, datetime

import pytest

from streaming_system.agent.legacy_tracker_client import LegacyTrackerClient
from streaming_system.agent.tracker_client import ApiTrackerClient
from streaming_system.agent.tracker_http import (
    ReportRejectedError,
    TrackerUnavailableError,
    UnauthorizedError,
)

from .conftest import json_response
from .fake_server import endless_response

STATE = {
    "url": "https://edge1.example.org/{room}/",
    "formats": ["webm"],
    "qualities": ["high"],
    "clients": 5,
    "bitrate": 4_000_000,
    "cbitrate": 5_000_000,
    "figures": {"webm_high": {"clients": 5, "bitrate": 4_000_000, "cbitrate": 5_000_000}},
}


class TestRealTracker:
    def test_report_is_stored_and_acknowledged(self, served):
        ack = ApiTrackerClient(served.url, served.token()).report("hall", "edge1", STATE)

        endpoint = served.endpoints()["edge1"]
        assert {key: endpoint[key] for key in STATE if key != "url"} == {
            key: value for key, value in STATE.items() if key != "url"
        }
        assert endpoint["url"] == "https://edge1.example.org/hall/"
        assert (ack.report_interval, ack.drained) == (30, False)

    def test_deregistration_is_idempotent(self, served):
        tracker = ApiTrackerClient(served.url, served.token())
        tracker.report("hall", "edge1", STATE)

        tracker.deregister("hall", "edge1")
        tracker.deregister("hall", "edge1")

        assert served.endpoints() == {}

    def test_components_annotations_and_samples(self, served):
        tracker = ApiTrackerClient(served.url, served.token("crew", ""))
        now = datetime.now(UTC)

        tracker.report_components(
            "mixer1",
            {
                "kind": "mixer",
                "room": "hall",
                "components": [{"name": "mix", "mood": "happy", "since": now.isoformat()}],
            },
        )
        tracker.annotate("Encoder restarted", room="hall", at=now)
        tracker.report("hall", "edge1", STATE)

        [component] = served.get("/api/v1/components")["components"]
        assert (component["machine"], component["name"]) == ("mixer1", "mix")
        [annotation] = served.get("/api/v1/annotations")["annotations"]
        assert (annotation["label"], annotation["room"]) == ("Encoder restarted", "hall")
        assert tracker.fetch_samples("hall", step="10")["room"] == "hall"

    def test_legacy_client_reports_the_same_stats(self, served):
        tracker = LegacyTrackerClient(served.url, served.secret)

        tracker.report("hall", "edge1", STATE)
        tracker.deregister("hall", "edge1")

        [endpoint] = served.endpoints().values()
        assert endpoint["figures"] == STATE["figures"]
        assert (endpoint["clients"], endpoint["cbitrate"]) == (5, 5_000_000)

    def test_legacy_client_sends_access_log_lines(self, served):
        line = '203.0.113.9 - - [24/Nov/2026:09:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "VLC"'

        assert LegacyTrackerClient(served.url, served.secret).send_logs("hall", line + "\n") == "OK"

        # The tracker removes the address.
        stored = (served.logs / "hall/127.0.0.1.log").read_text()
        assert stored.split("[")[1].startswith('24/Nov/2026:09:00:00 +0000] "GET / HTTP/1.1" 200 5')

    @pytest.mark.parametrize(
        ("token", "line"),
        [
            ("sst_nonsense", "401 "),
            ("", "401 "),
            ("lab's", "403 "),
        ],
    )
    def test_rejected_token_is_one_line_without_the_token(self, served, token, line):
        token = served.token("room", "lab") if token == "lab's" else token

        with pytest.raises(
            UnauthorizedError, match=f"/rooms/hall/endpoints/edge1: {line}"
        ) as error:
            ApiTrackerClient(served.url, token).report("hall", "edge1", STATE)

        assert "\n" not in str(error.value)
        assert "sst_" not in str(error.value)

    def test_wrong_secret_is_rejected(self, served):
        with pytest.raises(UnauthorizedError, match="hall is refused: 200 ERROR SECRET"):
            LegacyTrackerClient(served.url, "wrong").report("hall", "edge1", STATE)

    def test_invalid_value_is_named(self, served):
        with pytest.raises(
            ReportRejectedError, match=r"400 .*; /capacity: allowed: a whole number"
        ):
            ApiTrackerClient(served.url, served.token()).report(
                "hall", "e", STATE | {"capacity": 0}
            )

    def test_unknown_room_is_rejected(self, served):
        tracker = ApiTrackerClient(served.url, served.token("crew", ""))

        with pytest.raises(ReportRejectedError, match="404 "):
            tracker.report("attic", "edge1", STATE)
        with pytest.raises(ReportRejectedError, match="ERROR GROUP"):
            LegacyTrackerClient(served.url, served.secret).report("attic", "edge1", STATE)


class TestFailingTracker:
    @pytest.mark.parametrize(
        ("response", "line"),
        [
            ((500, {}, b"Traceback"), "500 Internal Server Error"),
            ((200, {"Content-Type": "text/html"}, b"<p>Log in"), "is not the API of a tracker"),
            ((200, {}, b"[" * 60000), "is not the API of a tracker"),
            ((200, {}, b'["a list"]'), "is not the API of a tracker"),
            ((200, {}, b"\xff\xfe\x00"), "is not the API of a tracker"),
            (
                (301, {"Location": "https://new.example.org/"}, b""),
                "redirects to 'https://new.example",
            ),
            ((403, {"Content-Type": "text/html"}, b"the firewall says no"), "403 Forbidden"),
            ((200, {}, b"x" * 70_000), r"more than 65,536 bytes; is this a tracker\?"),
        ],
    )
    def test_invalid_response_is_a_retryable_error(self, fake_server, response, line):
        fake_server.responses["*"] = response

        with pytest.raises(TrackerUnavailableError, match=line) as error:
            ApiTrackerClient(fake_server.url, "t").report("hall", "edge1", STATE)

        assert not isinstance(error.value, ReportRejectedError)
        assert "\n" not in str(error.value)
        # The client neither retries nor follows redirects.
        assert len(fake_server.requests) == 1

    def test_retry_after_is_parsed(self, fake_server):
        problem = {"type": "#service-unavailable", "title": "No", "status": 503}
        status, headers, body = json_response(problem, 503, "application/problem+json")
        fake_server.responses["*"] = (status, headers | {"Retry-After": "17"}, body)

        with pytest.raises(TrackerUnavailableError) as error:
            ApiTrackerClient(fake_server.url, "t").report("hall", "edge1", STATE)

        assert error.value.retry_after == 17

    @pytest.mark.parametrize("pause", [0.0, 0.05])
    def test_endless_response_is_aborted(self, fake_server, pause):
        fake_server.responses["*"] = endless_response(fake_server.stopped, b" ", pause)
        started = time.monotonic()

        with pytest.raises(TrackerUnavailableError, match=r"takes too long|more than 65,536 bytes"):
            ApiTrackerClient(fake_server.url, "t").report("hall", "edge1", STATE, timeout=1)

        assert time.monotonic() - started < 3

    @pytest.mark.parametrize(
        "url", ["http://127.0.0.1:9", "http://no-such-host.invalid", "http://[::1"]
    )
    def test_unreachable_tracker_is_one_line(self, url):
        with pytest.raises(TrackerUnavailableError, match="cannot be reached") as error:
            ApiTrackerClient(url, "t").report("hall", "edge1", STATE, timeout=5)

        assert "\n" not in str(error.value)
        assert "object at 0x" not in str(error.value)

    @pytest.mark.parametrize(
        ("report_every", "interval"),
        [(0, 1), (-5, 1), (10**9, 300), (25, 25), ("soon", None), (True, None), (None, None)],
    )
    def test_report_interval_is_bounded(self, fake_server, report_every, interval):
        fake_server.responses["*"] = json_response({"report_every": report_every})

        assert (
            ApiTrackerClient(fake_server.url, "t").report("hall", "e", STATE).report_interval
            == interval
        )


def test_token_cannot_inject_a_header(fake_server):
    fake_server.responses["*"] = json_response({})

    with contextlib.suppress(TrackerUnavailableError):
        ApiTrackerClient(fake_server.url, "t\r\nX-Mine: 1").report("hall", "edge1", STATE)

    assert not any("X-Mine" in request.headers for request in fake_server.requests)
