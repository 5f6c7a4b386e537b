"""What is said to trackers: to a real one, and to some that are out of order."""

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
from .standin import endless_response

STATE = {
    "url": "https://edge1.example.org/{room}/",
    "formats": ["webm"],
    "qualities": ["high"],
    "clients": 5,
    "bitrate": 4_000_000,
    "cbitrate": 5_000_000,
    "figures": {"webm_high": {"clients": 5, "bitrate": 4_000_000, "cbitrate": 5_000_000}},
}


class TestARealTracker:
    def test_shows_what_was_reported_and_says_when_to_report_next(self, served):
        taken = ApiTrackerClient(served.url, served.token()).report("hall", "edge1", STATE)

        found = served.endpoints()["edge1"]
        assert {key: found[key] for key in STATE if key != "url"} == {
            key: value for key, value in STATE.items() if key != "url"
        }
        assert found["url"] == "https://edge1.example.org/hall/"
        assert (taken.report_interval, taken.drained) == (30, False)

    def test_forgets_who_says_goodbye_and_a_second_goodbye_is_no_error(self, served):
        tracker = ApiTrackerClient(served.url, served.token())
        tracker.report("hall", "edge1", STATE)

        tracker.deregister("hall", "edge1")
        tracker.deregister("hall", "edge1")

        assert served.endpoints() == {}

    def test_takes_components_and_annotations_and_gives_samples(self, served):
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

    def test_is_told_by_forms_what_the_api_is_told(self, served):
        tracker = LegacyTrackerClient(served.url, served.secret)

        tracker.report("hall", "edge1", STATE)
        tracker.deregister("hall", "edge1")

        [found] = served.endpoints().values()
        assert found["figures"] == STATE["figures"]
        assert (found["clients"], found["cbitrate"]) == (5, 5_000_000)

    def test_keeps_lines_of_access_logs(self, served):
        line = '203.0.113.9 - - [24/Nov/2026:09:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "VLC"'

        assert LegacyTrackerClient(served.url, served.secret).send_logs("hall", line + "\n") == "OK"

        # Who it was is left out by the tracker.
        kept = (served.logs / "hall/127.0.0.1.log").read_text()
        assert kept.split("[")[1].startswith('24/Nov/2026:09:00:00 +0000] "GET / HTTP/1.1" 200 5')

    @pytest.mark.parametrize(
        ("token", "line"),
        [
            ("sst_nonsense", "401 "),
            ("", "401 "),
            ("lab's", "403 "),
        ],
    )
    def test_refuses_tokens_in_one_line_without_the_token(self, served, token, line):
        token = served.token("room", "lab") if token == "lab's" else token

        with pytest.raises(
            UnauthorizedError, match=f"/rooms/hall/endpoints/edge1: {line}"
        ) as refusal:
            ApiTrackerClient(served.url, token).report("hall", "edge1", STATE)

        assert "\n" not in str(refusal.value)
        assert "sst_" not in str(refusal.value)

    def test_refuses_a_wrong_secret(self, served):
        with pytest.raises(UnauthorizedError, match="hall is refused: 403 ERROR SECRET"):
            LegacyTrackerClient(served.url, "wrong").report("hall", "edge1", STATE)

    def test_says_which_value_it_does_not_take(self, served):
        with pytest.raises(
            ReportRejectedError, match=r"400 .*; /capacity: allowed: a whole number"
        ):
            ApiTrackerClient(served.url, served.token()).report(
                "hall", "e", STATE | {"capacity": 0}
            )

    def test_says_that_a_room_is_unknown(self, served):
        tracker = ApiTrackerClient(served.url, served.token("crew", ""))

        with pytest.raises(ReportRejectedError, match="404 "):
            tracker.report("attic", "edge1", STATE)
        with pytest.raises(ReportRejectedError, match="ERROR GROUP"):
            LegacyTrackerClient(served.url, served.secret).report("attic", "edge1", STATE)


class TestATrackerThatIsOutOfOrder:
    @pytest.mark.parametrize(
        ("answer", "line"),
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
    def test_is_tried_again_later(self, stand_in, answer, line):
        stand_in.says["*"] = answer

        with pytest.raises(TrackerUnavailableError, match=line) as failure:
            ApiTrackerClient(stand_in.url, "t").report("hall", "edge1", STATE)

        assert not isinstance(failure.value, ReportRejectedError)
        assert "\n" not in str(failure.value)
        # No call is made again, and none is made to where a redirect leads.
        assert len(stand_in.asked) == 1

    def test_may_ask_to_be_left_alone(self, stand_in):
        problem = {"type": "#service-unavailable", "title": "No", "status": 503}
        status, headers, body = json_response(problem, 503, "application/problem+json")
        stand_in.says["*"] = (status, headers | {"Retry-After": "17"}, body)

        with pytest.raises(TrackerUnavailableError) as failure:
            ApiTrackerClient(stand_in.url, "t").report("hall", "edge1", STATE)

        assert failure.value.retry_after == 17

    @pytest.mark.parametrize("pause", [0.0, 0.05])
    def test_cannot_hold_anybody_by_an_answer_without_an_end(self, stand_in, pause):
        stand_in.says["*"] = endless_response(stand_in.over, b" ", pause)
        started = time.monotonic()

        with pytest.raises(TrackerUnavailableError, match=r"takes too long|more than 65,536 bytes"):
            ApiTrackerClient(stand_in.url, "t").report("hall", "edge1", STATE, timeout=1)

        assert time.monotonic() - started < 3

    @pytest.mark.parametrize(
        "url", ["http://127.0.0.1:9", "http://no-such-host.invalid", "http://[::1"]
    )
    def test_may_not_be_there_at_all(self, url):
        with pytest.raises(TrackerUnavailableError, match="cannot be reached") as failure:
            ApiTrackerClient(url, "t").report("hall", "edge1", STATE, timeout=5)

        assert "\n" not in str(failure.value)
        assert "object at 0x" not in str(failure.value)

    @pytest.mark.parametrize(
        ("every", "after"),
        [(0, 1), (-5, 1), (10**9, 300), (25, 25), ("soon", None), (True, None), (None, None)],
    )
    def test_can_neither_hurry_nor_stop_an_agent(self, stand_in, every, after):
        stand_in.says["*"] = json_response({"report_every": every})

        assert (
            ApiTrackerClient(stand_in.url, "t").report("hall", "e", STATE).report_interval == after
        )


def test_a_token_of_the_wrong_kind_is_not_sent_as_a_header_of_its_own(stand_in):
    stand_in.says["*"] = json_response({})

    with contextlib.suppress(TrackerUnavailableError):
        ApiTrackerClient(stand_in.url, "t\r\nX-Mine: 1").report("hall", "edge1", STATE)

    assert not any("X-Mine" in asked.headers for asked in stand_in.asked)
