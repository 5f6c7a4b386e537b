"""Tables of requests and responses of the legacy protocol. Its clients work unmodified."""

import json
import time

import pytest

from streaming_system.tracker.models import Component, ComponentMood, LogHour, Player

from .conftest import SECRET

LINE = '192.0.2.7 - - [25/Nov/2026:04:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "VLC"'
NOW = time.time()
MOODS = {"current": {"mixer": [0, NOW - 60]}, "history": {"mixer": [[5, NOW - 90, 30.0]]}}

LOGS = {"secret": SECRET, "group": "hall", "data": LINE}
FLUMOTION = {
    "secret": SECRET,
    "identifier": "mix1",
    "type": "worker",
    "recorded_time": str(NOW),
    "data": json.dumps(MOODS),
}

IDENTIFIER_RULE = "allowed: 1 to 64 printable characters"

# Texts that have an effect if they are not escaped.
HOSTILE = [
    "'; DROP TABLE component; --",
    "../../../etc/passwd",
    "..",
    "/etc/passwd",
    "hall/../../x",
    "hall\0",
    "\0",
    "hall\r\nSet-Cookie: a=b",
    "<script>alert(1)</script>",
    "{{ 7 * 7 }}",
    "%s%n",
    "=cmd|' /C calc'!A0",
    "\u202egnp.exe",
    "x" * 5000,
]


@pytest.fixture
def tracker_settings(tracker_settings, tmp_path):
    return tracker_settings | {"logdir": str(tmp_path / "logs")}


def with_changes(form, change):
    """Return a form with changed values; fields that are ``None`` are removed."""
    return {name: value for name, value in (form | change).items() if value is not None}


class TestEndpointLogs:
    @pytest.mark.parametrize(
        ("change", "status", "line"),
        [
            ({}, 200, "OK"),
            ({"data": ""}, 200, "OK"),
            ({"data": None}, 200, "ERROR DATA there is no field data with the lines"),
            ({"data": "no line of a log"}, 200, "OK"),
            ({"secret": None}, 200, "ERROR SECRET"),
            ({"secret": "wrong"}, 200, "ERROR SECRET"),
            ({"group": None}, 200, "ERROR GROUP"),
            ({"group": "nowhere"}, 200, "ERROR GROUP"),
            (
                {"data": "x" * 5_000_000},
                413,
                "ERROR SIZE a report of logs has at most 4194304 bytes",
            ),
        ],
    )
    def test_responses(self, tracker, change, status, line):
        response = tracker.post("/endpoint/logs", with_changes(LOGS, change), status=status)

        assert (response.content_type, response.text) == ("text/plain", f"{line}\n")

    def test_get_request_gets_the_expected_fields(self, tracker):
        response = tracker.get("/endpoint/logs", status=405)

        assert response.text == "ERROR METHOD post a form with secret, group and data\n"

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_text_creates_expected_files_only(self, tracker, tmp_path, rows, text):
        for field in LOGS:
            response = tracker.post("/endpoint/logs", LOGS | {field: text}, status="*")

            assert response.text in ("OK\n", "ERROR SECRET\n", "ERROR GROUP\n")
        files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}
        assert files <= {"config.json", "logs", "logs/hall", "logs/hall/203.0.113.1.log"}
        assert rows(LogHour) == []


class TestFlumotionLog:
    @pytest.mark.parametrize(
        ("change", "status", "line"),
        [
            ({}, 200, "OK"),
            ({"type": None}, 200, "OK"),
            ({"data": "{}"}, 200, "OK"),
            ({"secret": "wrong"}, 200, "ERROR SECRET"),
            ({"identifier": None}, 200, "ERROR IDENTIFIER Required"),
            ({"identifier": "mix1 /opt/flumotion"}, 200, "OK"),
            ({"identifier": "\N{LATIN SMALL LETTER E WITH ACUTE}" * 64}, 200, "OK"),
            *(
                ({"identifier": text}, 200, f"ERROR IDENTIFIER {IDENTIFIER_RULE}")
                for text in (" ", "x" * 65, "mix1\0", "mix1\x1b[2J", "mix1\u202e", "mix1\u00a0a")
            ),
            ({"type": "a/b"}, 200, "ERROR TYPE allowed: 1 to 32 of A-Z a-z 0-9 _ . -"),
            ({"recorded_time": None}, 200, "ERROR RECORDED_TIME Required"),
            (
                {"recorded_time": "nan"},
                200,
                "ERROR RECORDED_TIME allowed: a Unix time from 0 to 4294967296",
            ),
            ({"data": "{"}, 200, "ERROR DATA is not JSON"),
            ({"data": "[" * 20_000}, 200, "ERROR DATA is not JSON"),
            ({"data": "[]"}, 200, "ERROR DATA data is not a JSON object"),
            ({"data": '{"current": []}'}, 200, "ERROR DATA current is not a JSON object"),
            (
                {"data": '{"current": {"a": [6, 1]}}'},
                200,
                "ERROR DATA current of 'a'; allowed: happy, hungry, waking, sleeping, lost, sad, "
                "or their numbers from 0 to 5",
            ),
            (
                {"data": '{"current": {"a": [0]}}'},
                200,
                "ERROR DATA current of 'a'; allowed: [mood, since]",
            ),
            (
                {"data": '{"history": {"a": [[0, 1]]}}'},
                200,
                "ERROR DATA history of 'a'; allowed: [[mood, since, age], …]",
            ),
            (
                {"data": '{"current": {"a": [0, 1e999]}}'},
                200,
                "ERROR DATA current of 'a'; allowed: a number from 0 to 4294967296",
            ),
            (
                {"data": json.dumps({"current": {f"c{n}": [0, 1] for n in range(101)}})},
                200,
                "ERROR DATA current has more than 100 components",
            ),
            (
                {"data": json.dumps({"history": {"a": [[0, n, 1] for n in range(1001)]}})},
                200,
                "ERROR DATA history has more than 1000 entries",
            ),
            ({"data": "x" * 300_000}, 413, "ERROR SIZE a report has at most 262144 bytes"),
        ],
    )
    def test_responses(self, tracker, rows, change, status, line):
        response = tracker.post("/flumotion/log", with_changes(FLUMOTION, change), status=status)

        assert (response.content_type, response.text) == ("text/plain", f"{line}\n")
        assert line == "OK" or rows(Component) == rows(ComponentMood) == []

    def test_get_request_gets_the_expected_fields(self, tracker):
        response = tracker.get("/flumotion/log", status=405)

        assert response.text == (
            "ERROR METHOD post a form with secret, identifier, type, recorded_time and data\n"
        )

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_text_is_refused_in_one_line(self, tracker, rows, text):
        for field in FLUMOTION.keys() - {"identifier"}:
            response = tracker.post("/flumotion/log", FLUMOTION | {field: text})

            assert response.text.startswith("ERROR ")
            assert response.text.count("\n") == 1
            assert "Set-Cookie" not in response.headers
        assert rows(Component) == []

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_identifier_is_refused_or_escaped(self, tracker, rows, text):
        response = tracker.post("/flumotion/log", FLUMOTION | {"identifier": text})

        is_allowed = text.isprintable() and len(text) <= 64
        assert response.text == ("OK\n" if is_allowed else f"ERROR IDENTIFIER {IDENTIFIER_RULE}\n")
        assert "Set-Cookie" not in response.headers
        assert {row["machine"] for row in rows(Component)} == ({text} if is_allowed else set())
        page = tracker.get("/flumotion/stats").html
        assert page.main.find("script") is None
        if is_allowed:
            assert any(cell.get_text().startswith(text) for cell in page.select("thead th"))

    def test_last_words_of_a_long_identifier_are_dropped(self, tracker, rows):
        addresses = " ".join(f"2001:db8:0:{number}::192.0.2.{number}" for number in range(1, 9))
        form = FLUMOTION | {"identifier": f"mixer.example.org {addresses}\n"}

        assert tracker.post("/flumotion/log", form).text == "OK\n"
        [component] = rows(Component)
        assert (
            component["machine"]
            == (
                "mixer.example.org 2001:db8:0:1::192.0.2.1 2001:db8:0:2::192.0.2.2"[:64].rpartition(
                    " "
                )[0]
            )
        )

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_component_name_is_refused_or_escaped(self, tracker, text):
        form = FLUMOTION | {"data": json.dumps({"current": {text: [0, NOW]}})}
        tracker.post("/flumotion/log", form, status="*")

        page = tracker.get("/flumotion/stats").html

        assert page.main.find("script") is None
        assert {cell.get_text() for cell in page.select("tbody th")} <= {text}


class TestRoomLog:
    NO_COOKIE = {"code": 1025, "next": 0}

    def test_player_gets_a_cookie_and_becomes_a_viewer_with_its_next_report(self, tracker, rows):
        first = tracker.post("/hall/log", {"data": "{}"})
        second = tracker.post("/hall/log", {"data": '{"video": {"bitrate": 1000000}}'})

        assert first.json == self.NO_COOKIE
        assert second.json["code"] == 0
        assert second.json["next"] > 0
        assert [row["room"] for row in rows(Player)] == ["hall"]

    def test_cookie_is_http_only_and_same_site(self, tracker):
        [cookie] = tracker.post("/hall/log").headers.getall("Set-Cookie")

        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Path=/;" in cookie

    def test_cookie_path_is_the_prefix_of_the_tracker(self, tracker):
        response = tracker.post("/tracker/hall/log", extra_environ={"SCRIPT_NAME": "/tracker"})

        assert "Path=/tracker;" in response.headers["Set-Cookie"]

    @pytest.mark.parametrize(
        "forge",
        [
            lambda cookie: "",
            lambda cookie: "a",
            lambda cookie: "." + cookie.partition(".")[2],
            lambda cookie: "another" + cookie,
            lambda cookie: cookie[:-1] + ("0" if cookie[-1] != "0" else "1"),
            lambda cookie: cookie.upper(),
            lambda cookie: cookie + "a",
            lambda cookie: cookie.rpartition(".")[0],
            lambda cookie: "é." + cookie,
        ],
    )
    def test_forged_cookie_is_deleted(self, tracker, rows, forge):
        tracker.post("/hall/log")
        forged = forge(tracker.cookies["user"])
        tracker.reset()

        response = tracker.post("/hall/log", {"data": "{}"}, headers={"Cookie": f'user="{forged}"'})

        assert response.json == self.NO_COOKIE
        assert rows(Player) == []
        assert "Max-Age=0" in response.headers["Set-Cookie"] or not forged

    def test_foreign_cookie_of_the_same_name_is_ignored(self, tracker):
        tracker.post("/hall/log")
        ours = tracker.cookies["user"]
        tracker.reset()

        response = tracker.post(
            "/hall/log", {"data": "{}"}, headers={"Cookie": f"user=theirs; user={ours}; a=\xff"}
        )

        assert response.json["code"] == 0

    @pytest.mark.parametrize("other", ["Firefox", "", "VLC/3.0 ", "VLC/3.0\xff"])
    def test_cookie_of_another_user_agent_is_deleted(self, tracker, rows, other):
        tracker.post("/hall/log", headers={"User-Agent": "VLC/3.0"})
        cookie = {"Cookie": f"user={tracker.cookies['user']}"}
        tracker.reset()

        replayed = tracker.post("/hall/log", {"data": "{}"}, headers=cookie | {"User-Agent": other})

        assert replayed.json == self.NO_COOKIE
        assert "Max-Age=0" in replayed.headers["Set-Cookie"]
        assert rows(Player) == []
        tracker.reset()
        own = tracker.post("/hall/log", {"data": "{}"}, headers=cookie | {"User-Agent": "VLC/3.0"})
        assert own.json["code"] == 0

    @pytest.mark.parametrize("data", ["", "{", "[]", "1", '"a"', "[" * 20_000, "NaN", None])
    def test_invalid_json_is_refused(self, tracker, rows, data):
        tracker.post("/hall/log")

        response = tracker.post("/hall/log", with_changes({}, {"data": data}))

        assert response.json == {"code": 2, "next": -1}
        assert rows(Player) == []

    @pytest.mark.parametrize("room", ["nowhere", "default", "config"])
    def test_unknown_room_is_refused(self, tracker, room):
        assert tracker.post(f"/{room}/log", {"data": "{}"}).json == {"code": 1, "next": -1}

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_values_are_dropped(self, tracker, rows, text):
        tracker.post("/hall/log")
        data = {text: text, "format": text, "quality": text, "bitrate": text, "played": [text]}

        response = tracker.post("/hall/log", {"data": json.dumps(data)})
        tracker.set_cookie("user", "a")
        forged = tracker.post("/hall/log", headers={"Cookie": f'user="{ascii(text)[1:-1]}"'})

        assert response.json["code"] == 0
        assert forged.json == self.NO_COOKIE
        [player] = rows(Player)
        assert (player["format"], player["quality"], player["played_ms"]) == ("", "", 0)
        assert text not in player.values()

    def test_get_request_is_redirected_to_the_first_page(self, tracker):
        response = tracker.get("/hall/log", status=302, extra_environ={"SCRIPT_NAME": "/tracker"})

        assert response.headers["Location"] == "http://localhost/"
