"""What the original's players say, and what is made of it."""

import hashlib
import json

import pytest

from streaming_system.tracker.audience.playback import PlayerReport
from streaming_system.tracker.legacy.player_report import (
    InvalidJsonError,
    issue_cookie,
    parse_player_report,
    verify_cookies,
)

KEY = b"k" * 32


def read(data, *, identity="me", room="hall", key=KEY):
    return parse_player_report(json.dumps(data), identity=identity, room=room, key=key)


class TestCookie:
    def test_it_is_known_again(self):
        cookie = issue_cookie(KEY)

        identity = verify_cookies([cookie], KEY)
        assert identity
        assert cookie.startswith(identity)
        assert issue_cookie(KEY) != cookie

    def test_it_is_of_no_use_with_another_key(self):
        assert verify_cookies([issue_cookie(b"x" * 32)], KEY) is None

    def test_a_bare_hash_of_the_id_is_not_enough(self):
        digest = hashlib.sha256(b"me").hexdigest()

        assert verify_cookies([f"me.{digest}"], KEY) is None


class TestReadPlayer:
    def test_known_names_count_wherever_they_stand(self):
        report = read(
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
    def test_all_else_is_dropped(self, data):
        report = read(data)

        assert report == PlayerReport(sid=report.sid, room="hall")

    def test_depth_and_number_are_limited(self):
        deep = {"bitrate": 1}
        for _ in range(50):
            deep = {"a": deep}
        many = {str(number): number for number in range(2000)} | {"bitrate": 1}

        assert read(deep).bitrate is None
        assert read(many).bitrate is None

    def test_the_first_of_two_values_counts(self):
        assert read({"a": {"bitrate": 1}, "bitrate": 2, "b": {"bitrate": 3}}).bitrate == 1

    def test_a_viewer_is_one_of_a_browser_and_a_room(self):
        sid = read({}).sid

        assert sid == read({"bitrate": 5}).sid
        assert len(sid) == 32
        others = {read({}, identity="you").sid, read({}, room="lab").sid, read({}, key=b"").sid}
        assert len({sid, *others}) == 4

    @pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 20_000, "{'a': 1}", "\0"])
    def test_what_is_no_object_is_refused(self, text):
        with pytest.raises(InvalidJsonError):
            parse_player_report(text, identity="me", room="hall", key=KEY)
