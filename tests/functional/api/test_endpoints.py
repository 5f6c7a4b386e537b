"""Endpoints report, say goodbye and are looked at through the JSON API."""

from datetime import datetime, timedelta

import pytest

from streaming_system.tracker.models import Endpoint, Sample, Token

EDGE = "/api/v1/rooms/hall/endpoints/edge1"
WHOLE = {
    "url": "https://edge1.example.org:8443/live",
    "formats": ["hls", "webm"],
    "qualities": ["high", "low"],
    "capacity": 1_000_000_000,
    "draining": False,
    "region": "eu",
    "tags": ["cdn", "venue"],
    "software": "nginx 1.28",
    "clients": 12,
    "bitrate": 9_600_000,
    "cbitrate": 9_700_000,
    "figures": {"webm_high": {"clients": 5, "bitrate": 4_000_000}, "loop": {"clients": 2}},
}


def moment(text):
    return datetime.fromisoformat(text)


class TestReport:
    def test_the_answer_says_when_to_report_next_and_until_when_it_counts_as_alive(self, api, hall):
        answer = api.put_json(EDGE, WHOLE, headers=hall, status=201).json

        assert answer["report_every"] == 30
        assert moment(answer["alive_until"]) - moment(answer["next_report_at"]) == timedelta(
            seconds=30
        )
        assert {key: answer[key] for key in ("room", "endpoint", "url", "drained")} == {
            "room": "hall",
            "endpoint": "edge1",
            "url": "https://edge1.example.org:8443/live/",
            "drained": False,
        }
        assert answer["viewers_expected"] == 0

    def test_what_was_reported_can_be_read_back(self, api, hall):
        api.put_json(EDGE, WHOLE, headers=hall)

        found = api.get(EDGE).json

        assert {key: found[key] for key in WHOLE} == WHOLE | {
            "url": "https://edge1.example.org:8443/live/"
        }
        assert found["host"] == "edge1.example.org"
        assert api.get("/api/v1/rooms/hall/endpoints").json == {"endpoints": [found]}

    def test_a_second_report_replaces_the_first_and_adds_to_the_history(self, api, hall, rows):
        api.put_json(EDGE, WHOLE, headers=hall, status=201)
        api.put_json(EDGE, {"clients": 3}, headers=hall, status=200)

        (stored,) = rows(Endpoint)
        assert (stored["clients"], stored["bitrate"], stored["formats"]) == (3, 0, [])
        assert [sample["clients"] for sample in rows(Sample)] == [12, 3]

    def test_an_empty_report_is_one_of_the_sender_itself(self, api, hall):
        answer = api.put_json(EDGE, {}, headers=hall)

        assert answer.json["url"] == "http://203.0.113.1:8080/"
        assert api.get(EDGE).json["host"] == "203.0.113.1"

    @pytest.mark.parametrize(
        ("sent", "url"),
        [
            ({"url": "http://[2001:db8::1]:81"}, "http://[2001:db8::1]:81/"),
            ({"url": "https://cdn.example/{room}/"}, "https://cdn.example/hall/"),
            ({"host": "2001:db8::2", "port": 8000}, "http://[2001:db8::2]:8000/"),
            ({"host": "edge.example"}, "http://edge.example:8080/"),
            ({"port": 9000}, "http://203.0.113.1:9000/"),
        ],
    )
    def test_its_streams_are_where_it_says(self, api, hall, sent, url):
        assert api.put_json(EDGE, sent, headers=hall).json["url"] == url

    @pytest.mark.parametrize(
        ("host", "kept"),
        [
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("::FFFF:192.0.2.7", "192.0.2.7"),
            ("::ffff:c000:207", "192.0.2.7"),
            ("2001:DB8:0::7", "2001:db8::7"),
            ("edge.example", "edge.example"),
        ],
    )
    def test_an_address_has_one_form_only(self, api, hall, host, kept):
        api.put_json(EDGE, {"host": host}, headers=hall)

        assert api.get(EDGE).json["host"] == kept

    def test_a_silent_endpoint_is_not_there_until_it_is_back(self, api, hall, at):
        api.put_json(EDGE, WHOLE, headers=hall)
        at(seconds=61)

        api.get(EDGE, status=404)
        assert api.get("/api/v1/rooms/hall").json["live"] is False
        api.put_json(EDGE, WHOLE, headers=hall, status=201)
        api.get(EDGE, status=200)

    @pytest.mark.parametrize(
        ("sent", "pointer"),
        [
            ({"url": "ftp://example.org/"}, "/url"),
            ({"url": "http://user:password@example.org/"}, "/url"),
            ({"url": "http://example.org/#part"}, "/url"),
            ({"url": "http://example.org/?a=b"}, "/url"),
            ({"url": "http://example.org:99999/"}, "/url"),
            ({"url": "http://[::ffff::1]/"}, "/url"),
            ({"url": "javascript:alert(1)"}, "/url"),
            ({"url": 'http://example.org/"><script>'}, "/url"),
            ({"url": "http://example.org/\r\nX: y"}, "/url"),
            ({"url": "http://example.org/", "port": 80}, "/port"),
            ({"host": "300.1.1.1"}, "/host"),
            ({"host": "fe80::1%eth0"}, "/host"),
            ({"host": "-bad.example"}, "/host"),
            ({"port": 0}, "/port"),
            ({"port": "80"}, "/port"),
            ({"formats": ["hls", "vhs"]}, "/formats/1"),
            ({"formats": ["hls", "hls"]}, "/formats"),
            ({"formats": "hls"}, "/formats"),
            ({"qualities": ["a b"]}, "/qualities/0"),
            ({"qualities": [str(number) for number in range(17)]}, "/qualities"),
            ({"capacity": -1}, "/capacity"),
            ({"capacity": 10**30}, "/capacity"),
            ({"capacity": 1.5}, "/capacity"),
            ({"draining": "yes"}, "/draining"),
            ({"draining": 1}, "/draining"),
            ({"region": "../etc"}, "/region"),
            ({"tags": [None]}, "/tags/0"),
            ({"software": "a\x00b"}, "/software"),
            ({"software": "x" * 201}, "/software"),
            ({"software": "\ud800"}, "/software"),
            ({"software": "\u202etxt"}, "/software"),
            ({"clients": True}, "/clients"),
            ({"clients": None}, "/clients"),
            ({"bitrate": 10**13 + 1}, "/bitrate"),
            ({"figures": {"webm_high": {"ip": 1}}}, "/figures/webm_high/ip"),
            ({"figures": {"loop": {"cbitrate": 1}}}, "/figures/loop/cbitrate"),
            ({"figures": {"id": {}}}, "/figures/id"),
            ({"figures": []}, "/figures"),
            ({"last_seen": 1}, "/last_seen"),
            ({"a/b~c": 1}, "/a~1b~0c"),
            ([], ""),
            (None, ""),
            ("text", ""),
        ],
    )
    def test_what_is_not_allowed_is_pointed_at_and_changes_nothing(
        self, api, hall, rows, sent, pointer
    ):
        answer = api.put_json(EDGE, sent, headers=hall, status=400)

        assert answer.json["type"] == "/api/v1/#invalid"
        assert [error["pointer"] for error in answer.json["errors"]] == [pointer]
        assert rows(Endpoint) == rows(Sample) == []

    def test_everything_wrong_is_said_at_once(self, api, hall):
        sent = {"clients": -1, "port": "x", "unheard_of": 1}

        answer = api.put_json(EDGE, sent, headers=hall, status=400)

        assert {error["pointer"] for error in answer.json["errors"]} == {
            "/clients",
            "/port",
            "/unheard_of",
        }


class TestGoodbye:
    def test_it_is_gone_at_once_and_its_figures_fall_to_zero(self, api, hall, rows):
        api.put_json(EDGE, WHOLE, headers=hall)

        api.delete(EDGE, headers=hall, status=204)

        api.get(EDGE, status=404)
        assert api.get("/api/v1/rooms/hall").json["live"] is False
        assert [sample["bitrate"] for sample in rows(Sample)] == [9_600_000, 0]
        assert "edge1" not in api.get("/streams.json").text

    def test_twice_is_once(self, api, hall):
        api.put_json(EDGE, WHOLE, headers=hall)
        api.delete(EDGE, headers=hall, status=204)

        assert api.delete(EDGE, headers=hall, status=404).json["type"].endswith("#unknown-endpoint")


class TestDraining:
    def test_an_endpoint_can_drain_itself(self, api, token):
        own = token("endpoint", "hall", "edge1")
        api.put_json(EDGE, WHOLE, headers=own)

        answer = api.put_json(f"{EDGE}/draining", {"draining": True}, headers=own)

        assert answer.json == {"draining": True, "drained": False}
        assert api.get(EDGE).json["draining"] is True

    def test_the_crews_word_outlives_reports(self, api, hall, crew):
        api.put_json(EDGE, WHOLE, headers=hall)

        answer = api.put_json(f"{EDGE}/draining", {"draining": True}, headers=crew)

        assert answer.json == {"draining": False, "drained": True}
        assert api.put_json(EDGE, WHOLE, headers=hall).json["drained"] is True
        assert api.get(EDGE).json["drained"] is True

    def test_an_endpoint_that_nobody_knows_cannot_drain(self, api, crew):
        api.put_json(f"{EDGE}/draining", {"draining": True}, headers=crew, status=404)


class TestTokens:
    def test_no_token_is_told_what_is_needed(self, api):
        answer = api.put_json(EDGE, {}, status=401)

        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="tracker"'
        assert answer.content_type == "application/problem+json"

    @pytest.mark.parametrize("shown", ["Bearer sst_wrong", "Bearer ", "Bearer \xff", "bearer x y"])
    def test_a_wrong_token_is_told_so(self, api, shown):
        answer = api.put_json(EDGE, {}, headers={"Authorization": shown}, status=401)

        assert answer.headers["WWW-Authenticate"].endswith('error="invalid_token"')

    def test_a_revoked_token_is_answered_as_one_that_never_was(self, api, hall, rows, crew):
        api.put_json(EDGE, {}, headers=hall)
        wrong = api.put_json(EDGE, {}, headers={"Authorization": "Bearer sst_x"}, status=401)
        (stored,) = [row for row in rows(Token) if row["scope"] == "room"]
        api.delete(f"/api/v1/tokens/{stored['id']}", headers=crew, status=204)

        revoked = api.put_json(EDGE, {}, headers=hall, status=401)

        assert revoked.json == wrong.json
        assert revoked.headers["WWW-Authenticate"] == wrong.headers["WWW-Authenticate"]

    @pytest.mark.parametrize(
        ("scope", "room", "endpoint", "status"),
        [
            ("room", "hall", "", 201),
            ("room", "lab", "", 403),
            ("endpoint", "hall", "edge1", 201),
            ("endpoint", "hall", "edge2", 403),
            ("endpoint", "lab", "edge1", 403),
            ("crew", "", "", 201),
        ],
    )
    def test_a_token_is_for_what_it_was_issued_for(
        self, api, token, rows, scope, room, endpoint, status
    ):
        answer = api.put_json(EDGE, {}, headers=token(scope, room, endpoint), status=status)

        if status == 403:
            assert answer.headers["WWW-Authenticate"].endswith('error="insufficient_scope"')
            assert rows(Endpoint) == []

    def test_the_last_use_of_a_token_is_noted(self, api, hall, rows):
        api.put_json(EDGE, {}, headers=hall)

        assert rows(Token)[0]["used_at"] is not None


class TestRooms:
    def test_every_room_is_listed_as_it_is(self, api, hall):
        api.put_json(EDGE, WHOLE, headers=hall)

        rooms = {room["room"]: room for room in api.get("/api/v1/rooms").json["rooms"]}

        assert list(rooms) == ["hall", "lab", "tube"]
        assert rooms["hall"] == api.get("/api/v1/rooms/hall").json
        assert rooms["hall"] == {
            "room": "hall",
            "title": "Great Hall",
            "live": True,
            "youtube": None,
            "viewers": {"players": 0, "others": 12},
            "bitrate": 9_600_000,
            "startup_p95_ms": None,
            "rebuffer_ratio": None,
            "endpoints": ["edge1"],
        }
        assert rooms["tube"]["live"] is True

    @pytest.mark.parametrize("room", ["cellar", "..", "a b", "%00", "hall%2f", "x" * 2000])
    def test_a_room_that_is_not_there_is_not_found(self, api, room):
        answer = api.get(f"/api/v1/rooms/{room}", status=404)

        assert answer.content_type == "application/problem+json"
