"""Endpoints report, deregister and drain through the JSON API."""

from datetime import datetime, timedelta

import pytest

from streaming_system.tracker.endpoints.formats import LEGACY_STREAMS
from streaming_system.tracker.models import Endpoint, Sample, Token
from streaming_system.tracker.schemas.endpoint import STREAM_FORMATS

EDGE = "/api/v1/rooms/hall/endpoints/edge1"
REPORT = {
    "url": "https://edge1.example.org:8443/live",
    "formats": ["hls", "webm"],
    "qualities": ["high", "low"],
    "files": {"webm_low": "hall/low.webm", "whep": "rtc/v1/whep/?app=live&stream=hall"},
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


def parse_time(text):
    return datetime.fromisoformat(text)


class TestReport:
    def test_response_has_the_time_of_the_next_report_and_the_expiry(self, api, hall):
        response = api.put_json(EDGE, REPORT, headers=hall, status=201).json

        assert response["report_every"] == 30
        assert parse_time(response["alive_until"]) - parse_time(
            response["next_report_at"]
        ) == timedelta(seconds=30)
        assert {key: response[key] for key in ("room", "endpoint", "url", "drained")} == {
            "room": "hall",
            "endpoint": "edge1",
            "url": "https://edge1.example.org:8443/live/",
            "drained": False,
        }
        assert response["viewers_expected"] == 0

    def test_endpoint_has_the_reported_values(self, api, hall):
        api.put_json(EDGE, REPORT, headers=hall)

        endpoint = api.get(EDGE).json

        assert {key: endpoint[key] for key in REPORT} == REPORT | {
            "url": "https://edge1.example.org:8443/live/"
        }
        assert endpoint["host"] == "edge1.example.org"
        assert api.get("/api/v1/rooms/hall/endpoints").json == {"endpoints": [endpoint]}

    def test_files_are_those_of_the_room(self, api, hall):
        api.put_json(EDGE, {"files": {"hls": "{room}/index.m3u8"}}, headers=hall)

        assert api.get(EDGE).json["files"] == {"hls": "hall/index.m3u8"}

    def test_endpoint_without_files_has_no_such_member(self, api, hall):
        api.put_json(EDGE, REPORT, headers=hall)
        api.put_json(EDGE, {"formats": ["hls"]}, headers=hall)

        assert "files" not in api.get(EDGE).json

    def test_second_report_replaces_the_state_and_adds_a_sample(self, api, hall, rows):
        api.put_json(EDGE, REPORT, headers=hall, status=201)
        api.put_json(EDGE, {"clients": 3}, headers=hall, status=200)

        (stored,) = rows(Endpoint)
        assert (stored["clients"], stored["bitrate"], stored["formats"]) == (3, 0, [])
        assert [sample["clients"] for sample in rows(Sample)] == [12, 3]

    def test_empty_report_uses_the_address_of_the_sender(self, api, hall):
        response = api.put_json(EDGE, {}, headers=hall)

        assert response.json["url"] == "http://203.0.113.1:8080/"
        assert api.get(EDGE).json["host"] == "203.0.113.1"

    @pytest.mark.parametrize(
        ("report", "url"),
        [
            ({"url": "http://[2001:db8::1]:81"}, "http://[2001:db8::1]:81/"),
            ({"url": "https://cdn.example/{room}/"}, "https://cdn.example/hall/"),
            ({"host": "2001:db8::2", "port": 8000}, "http://[2001:db8::2]:8000/"),
            ({"host": "edge.example"}, "http://edge.example:8080/"),
            ({"port": 9000}, "http://203.0.113.1:9000/"),
        ],
    )
    def test_url_comes_from_the_report(self, api, hall, report, url):
        assert api.put_json(EDGE, report, headers=hall).json["url"] == url

    @pytest.mark.parametrize(
        ("host", "normalised"),
        [
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("::FFFF:192.0.2.7", "192.0.2.7"),
            ("::ffff:c000:207", "192.0.2.7"),
            ("2001:DB8:0::7", "2001:db8::7"),
            ("edge.example", "edge.example"),
        ],
    )
    def test_ip_addresses_are_normalised(self, api, hall, host, normalised):
        api.put_json(EDGE, {"host": host}, headers=hall)

        assert api.get(EDGE).json["host"] == normalised

    def test_silent_endpoint_is_not_found_until_its_next_report(self, api, hall, at):
        api.put_json(EDGE, REPORT, headers=hall)
        at(seconds=61)

        api.get(EDGE, status=404)
        assert api.get("/api/v1/rooms/hall").json["live"] is False
        api.put_json(EDGE, REPORT, headers=hall, status=201)
        api.get(EDGE, status=200)

    @pytest.mark.parametrize(
        ("report", "pointer"),
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
            ({"files": []}, "/files"),
            ({"files": {"vhs": "a"}}, "/files/vhs"),
            ({"files": {"mp3": 1}}, "/files/mp3"),
            ({"files": {"mp3": ""}}, "/files/mp3"),
            ({"files": {"mp3": "/hall.mp3"}}, "/files/mp3"),
            ({"files": {"mp3": "//evil.example/a"}}, "/files/mp3"),
            ({"files": {"mp3": "http://evil.example/a"}}, "/files/mp3"),
            ({"files": {"mp3": "javascript:alert(1)"}}, "/files/mp3"),
            ({"files": {"mp3": "../admin"}}, "/files/mp3"),
            ({"files": {"mp3": "a/%2E%2e/b"}}, "/files/mp3"),
            ({"files": {"mp3": "a/."}}, "/files/mp3"),
            ({"files": {"mp3": "a#b"}}, "/files/mp3"),
            ({"files": {"mp3": "a?b=c d"}}, "/files/mp3"),
            ({"files": {"mp3": "a%"}}, "/files/mp3"),
            ({"files": {"mp3": "a%0Ab"}}, "/files/mp3"),
            ({"files": {"mp3": "a\n"}}, "/files/mp3"),
            ({"files": {"mp3": "a\\b"}}, "/files/mp3"),
            ({"files": {"mp3": "ä"}}, "/files/mp3"),
            ({"files": {"mp3": "x" * 201}}, "/files/mp3"),
            ({"files": dict.fromkeys((*STREAM_FORMATS, *LEGACY_STREAMS), "a")}, "/files"),
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
    def test_invalid_member_is_reported_by_pointer_and_changes_nothing(
        self, api, hall, rows, report, pointer
    ):
        response = api.put_json(EDGE, report, headers=hall, status=400)

        assert response.json["type"] == "/api/v1/#invalid"
        assert [error["pointer"] for error in response.json["errors"]] == [pointer]
        assert rows(Endpoint) == rows(Sample) == []

    def test_all_invalid_members_are_reported_at_once(self, api, hall):
        report = {"clients": -1, "port": "x", "unheard_of": 1}

        response = api.put_json(EDGE, report, headers=hall, status=400)

        assert {error["pointer"] for error in response.json["errors"]} == {
            "/clients",
            "/port",
            "/unheard_of",
        }


class TestDeregistration:
    def test_deregistered_endpoint_is_not_found_and_its_metrics_become_zero(self, api, hall, rows):
        api.put_json(EDGE, REPORT, headers=hall)

        api.delete(EDGE, headers=hall, status=204)

        api.get(EDGE, status=404)
        assert api.get("/api/v1/rooms/hall").json["live"] is False
        assert [sample["bitrate"] for sample in rows(Sample)] == [9_600_000, 0]
        assert "edge1" not in api.get("/streams.json").text

    def test_second_deregistration_is_not_found(self, api, hall):
        api.put_json(EDGE, REPORT, headers=hall)
        api.delete(EDGE, headers=hall, status=204)

        assert api.delete(EDGE, headers=hall, status=404).json["type"].endswith("#unknown-endpoint")


class TestDraining:
    def test_endpoint_can_drain_itself(self, api, token):
        headers = token("endpoint", "hall", "edge1")
        api.put_json(EDGE, REPORT, headers=headers)

        response = api.put_json(f"{EDGE}/draining", {"draining": True}, headers=headers)

        # There is no other endpoint.
        assert response.json == {"draining": True, "drained": False, "new_viewers": True}
        assert api.get(EDGE).json["draining"] is True

    def test_flag_of_the_crew_survives_reports(self, api, hall, crew):
        api.put_json(EDGE, REPORT, headers=hall)

        response = api.put_json(f"{EDGE}/draining", {"draining": True}, headers=crew)

        assert response.json == {"draining": False, "drained": True, "new_viewers": True}
        assert api.put_json(EDGE, REPORT, headers=hall).json["drained"] is True
        assert api.get(EDGE).json["drained"] is True

    @pytest.mark.parametrize(
        ("other", "new_viewers"),
        [
            ({}, False),
            ({"draining": True}, True),
            # It has no picture.
            ({"formats": ["opus"]}, True),
        ],
    )
    def test_drained_endpoint_gets_viewers_if_no_other_can_take_them(
        self, api, hall, crew, other, new_viewers
    ):
        video = REPORT | {"formats": ["webm"], "files": {}}
        api.put_json(EDGE, video, headers=hall)
        api.put_json(f"{EDGE}2", video | other, headers=hall)

        response = api.put_json(f"{EDGE}/draining", {"draining": True}, headers=crew)

        assert response.json["new_viewers"] is new_viewers
        endpoints = api.get("/hall/streams.json").json["endpoints"]
        assert {e["name"]: bool(e["weight"]) for e in endpoints}["edge1"] is new_viewers
        undrained = api.put_json(f"{EDGE}/draining", {"draining": False}, headers=crew)
        assert undrained.json["new_viewers"] is True

    def test_unknown_endpoint_cannot_drain(self, api, crew):
        api.put_json(f"{EDGE}/draining", {"draining": True}, headers=crew, status=404)


class TestTokens:
    def test_request_without_token_gets_a_challenge(self, api):
        response = api.put_json(EDGE, {}, status=401)

        assert response.headers["WWW-Authenticate"] == 'Bearer realm="tracker"'
        assert response.content_type == "application/problem+json"

    @pytest.mark.parametrize("header", ["Bearer sst_wrong", "Bearer ", "Bearer \xff", "bearer x y"])
    def test_invalid_token_gets_a_challenge_with_the_error(self, api, header):
        response = api.put_json(EDGE, {}, headers={"Authorization": header}, status=401)

        assert response.headers["WWW-Authenticate"].endswith('error="invalid_token"')

    def test_revoked_token_gets_the_response_of_an_unknown_one(self, api, hall, rows, crew):
        api.put_json(EDGE, {}, headers=hall)
        unknown = api.put_json(EDGE, {}, headers={"Authorization": "Bearer sst_x"}, status=401)
        (stored,) = [row for row in rows(Token) if row["scope"] == "room"]
        api.delete(f"/api/v1/tokens/{stored['id']}", headers=crew, status=204)

        revoked = api.put_json(EDGE, {}, headers=hall, status=401)

        assert revoked.json == unknown.json
        assert revoked.headers["WWW-Authenticate"] == unknown.headers["WWW-Authenticate"]

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
    def test_token_covers_its_scope_only(self, api, token, rows, scope, room, endpoint, status):
        response = api.put_json(EDGE, {}, headers=token(scope, room, endpoint), status=status)

        if status == 403:
            assert response.headers["WWW-Authenticate"].endswith('error="insufficient_scope"')
            assert rows(Endpoint) == []

    def test_last_use_of_a_token_is_recorded(self, api, hall, rows):
        api.put_json(EDGE, {}, headers=hall)

        assert rows(Token)[0]["used_at"] is not None


class TestSlate:
    def test_endpoint_is_on_slate_since_its_first_report_of_it(self, api, hall):
        def report(**values):
            api.put_json(EDGE, REPORT | values, headers=hall)
            return api.get(EDGE).json

        assert report()["slate_since"] is None
        first, second = report(slate=True), report(slate=True, clients=3)
        assert first["slate_since"] == second["slate_since"] == first["last_seen"]
        assert report(slate=False)["slate_since"] is None

    def test_new_endpoint_may_be_on_slate(self, api, hall):
        api.put_json(EDGE, REPORT | {"slate": True}, headers=hall)

        endpoint = api.get(EDGE).json
        assert endpoint["slate_since"] == endpoint["since"]

    def test_slate_ends_with_the_deregistration(self, api, hall):
        api.put_json(EDGE, REPORT | {"slate": True}, headers=hall)
        api.delete(EDGE, headers=hall)
        api.put_json(EDGE, REPORT, headers=hall)

        assert api.get(EDGE).json["slate_since"] is None

    def test_room_is_on_slate_if_all_its_endpoints_are(self, api, hall):
        def is_on_slate():
            room = api.get("/api/v1/rooms/hall").json
            listed = api.get("/streams.json").json["rooms"]["hall"]
            assert (room["live"], room["slate"]) == (listed["live"], listed["slate"])
            return listed["slate"]

        assert not is_on_slate()
        api.put_json(EDGE, REPORT | {"slate": True}, headers=hall)
        assert is_on_slate()
        other = EDGE.replace("edge1", "edge2")
        api.put_json(other, REPORT, headers=hall)
        assert not is_on_slate()
        api.put_json(other, REPORT | {"formats": ["rtmp"], "qualities": []}, headers=hall)
        assert is_on_slate()

    def test_viewers_of_the_slate_count(self, api, hall):
        api.put_json(EDGE, REPORT | {"slate": True}, headers=hall)

        assert api.get("/streams.json").json["rooms"]["hall"]["clients"] == REPORT["clients"]

    @pytest.mark.parametrize("slate", ["yes", 1, [], {}])
    def test_invalid_slate_is_refused(self, api, hall, slate):
        response = api.put_json(EDGE, REPORT | {"slate": slate}, headers=hall, status=400)

        assert response.json["errors"][0]["pointer"] == "/slate"


class TestRooms:
    def test_list_has_every_room_with_its_state(self, api, hall):
        api.put_json(EDGE, REPORT, headers=hall)

        rooms = {room["room"]: room for room in api.get("/api/v1/rooms").json["rooms"]}

        assert list(rooms) == ["hall", "lab", "tube"]
        assert rooms["hall"] == api.get("/api/v1/rooms/hall").json
        assert rooms["hall"] == {
            "room": "hall",
            "title": "Great Hall",
            "live": True,
            "slate": False,
            "youtube": None,
            "viewers": {"players": 0, "others": 12},
            "bitrate": 9_600_000,
            "startup_p95_ms": None,
            "rebuffer_ratio": None,
            "endpoints": ["edge1"],
        }
        assert rooms["tube"]["live"] is True

    @pytest.mark.parametrize("room", ["cellar", "..", "a b", "%00", "hall%2f", "x" * 2000])
    def test_unknown_room_is_not_found(self, api, room):
        response = api.get(f"/api/v1/rooms/{room}", status=404)

        assert response.content_type == "application/problem+json"
