"""Parsing of the reports of the original's players."""

import hashlib
import json

import pytest

from streaming_system.tracker.ingest.player_report import PlayerReport
from streaming_system.tracker.legacy.player_report import (
    InvalidJsonError,
    issue_cookie,
    parse_player_report,
    verify_cookies,
)

KEY = b"k" * 32
AGENT = "VLC/3.0"


def parse(data, *, identity="me", room="hall", key=KEY):
    return parse_player_report(json.dumps(data), identity=identity, room=room, key=key)


class TestCookie:
    def test_issued_cookie_is_verified(self):
        cookie = issue_cookie(KEY, AGENT)

        identity = verify_cookies([cookie], KEY, AGENT)
        assert identity
        assert cookie.startswith(identity)
        assert issue_cookie(KEY, AGENT) != cookie

    def test_cookie_of_another_key_is_refused(self):
        assert verify_cookies([issue_cookie(b"x" * 32, AGENT)], KEY, AGENT) is None

    @pytest.mark.parametrize("other", ["", "Firefox", f" {AGENT}", AGENT.lower()])
    def test_cookie_of_another_user_agent_is_refused(self, other):
        assert verify_cookies([issue_cookie(KEY, AGENT)], KEY, other) is None

    def test_id_with_a_part_of_the_user_agent_is_refused(self):
        identity, _, digest = issue_cookie(KEY, "A B").partition(".")

        assert verify_cookies([f"{identity} A.{digest}"], KEY, "B") is None

    def test_plain_hash_of_the_id_is_refused(self):
        digest = hashlib.sha256(b"me").hexdigest()

        assert verify_cookies([f"me.{digest}"], KEY, AGENT) is None


class TestParsePlayerReport:
    def test_known_names_are_found_at_any_depth(self):
        report = parse(
            {
                "user_agent": "Flash",
                "video": {
                    "bitrate": 1_000_000,
                    "stats": {"dropped-frames": 7, "currentTime": 12.5},
                    "type": "video/webm; codecs=vp8",
                },
                "quality": "high",
                "errors": "2",
            }
        )

        assert report == PlayerReport(
            sid=report.sid,
            room="hall",
            format="webm",
            quality="high",
            played_ms=12_500,
            dropped=7,
            errors=2,
            bitrate=1_000_000,
        )

    @pytest.mark.parametrize(
        "data",
        [
            {},
            {"a": {"b": [1, 2, {"bitrate": 5}]}},
            {"bitrate": -1},
            {"bitrate": True},
            {"bitrate": None},
            {"bitrate": "fast"},
            {"bitrate": "nan"},
            {"bitrate": float("inf")},
            {"bitrate": 10**400},
            {"bitrate": {"bitrate": {}}},
            {"type": 5, "format": "<script>", "quality": ["high"]},
            {"format": "webm'; DROP TABLE player; --"},
            {"__proto__": {"sid": "x"}, "sid": "x", "room": "lab", "endpoint": "y"},
        ],
    )
    def test_other_values_are_dropped(self, data):
        report = parse(data)

        assert report == PlayerReport(sid=report.sid, room="hall")

    def test_depth_and_number_of_values_are_limited(self):
        deep = {"bitrate": 1}
        for _ in range(50):
            deep = {"a": deep}
        many = {str(number): number for number in range(2000)} | {"bitrate": 1}

        assert parse(deep).bitrate is None
        assert parse(many).bitrate is None

    def test_first_of_two_values_is_used(self):
        assert parse({"a": {"bitrate": 1}, "bitrate": 2, "b": {"bitrate": 3}}).bitrate == 1

    def test_session_id_depends_on_browser_room_and_key(self):
        sid = parse({}).sid

        assert sid == parse({"bitrate": 5}).sid
        assert len(sid) == 32
        others = {parse({}, identity="you").sid, parse({}, room="lab").sid, parse({}, key=b"").sid}
        assert len({sid, *others}) == 4

    @pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 20_000, "{'a': 1}", "\0"])
    def test_text_that_is_not_an_object_is_refused(self, text):
        with pytest.raises(InvalidJsonError):
            parse_player_report(text, identity="me", room="hall", key=KEY)
