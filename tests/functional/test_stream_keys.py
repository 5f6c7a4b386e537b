"""The crew manages stream keys, and sees what encoders send."""

import hashlib
import json
import re
import shlex
from datetime import UTC, datetime, timedelta

import pytest

from streaming_system.tracker.models import AuditEntry, StreamKey

from .crew_pages import log_in, submit
from .test_admin import (  # noqa: F401 - These are fixtures.
    NOON,
    browser,
    clock,
    error_message,
    flash_message,
    start,
)
from .test_admin_cli import run  # noqa: F401 - This is a fixture.

PAGE = "/admin/ingest"
KEY = re.compile(r"ssk_[A-Za-z0-9_-]{43}")
ADDRESSES = {
    "ingest.rtmp": "rtmp://ingest.example.org/live",
    "ingest.whip": "https://ingest.example.org:8889/{room}/whip",
    "ingest.icecast": "icecast://ingest.example.org:8000/{room}/webcast-high.webm",
}
SINCE = NOON - timedelta(hours=1)
SLOW_KEYFRAMES = {
    "stream": "hls", "bitrate": 3_100_000, "frame_rate": 24.9, "nominal_frame_rate": 25,
    "keyframe_interval": 8.33, "width": 1280, "height": 720, "codec": "H264, AAC", "dropped": 3,
    "since": SINCE.isoformat(),
}  # fmt: skip


@pytest.fixture
def ada(people, start):  # noqa: F811
    """A browser of an admin, of a tracker with addresses for encoders."""
    app = start(**ADDRESSES)
    log_in(app, "ada")
    return app


@pytest.fixture
def vera(people, start):  # noqa: F811
    """A browser of a viewer."""
    app = start()
    log_in(app, "vera")
    return app


def create(app, status=200, **fields):
    return submit(app, PAGE, "create", status=status, **{"room": "hall", "label": "OBS"} | fields)


def fields_of(page, encoder):
    """Return what the page says to type into an encoder."""
    heading = next(h for h in page.html.select("h3") if h.get_text() == encoder)
    listed = heading.find_next("dl")
    names, values = listed.select("dt"), listed.select("dd")
    return {n.get_text(): v.get_text() for n, v in zip(names, values, strict=True)}


class TestPage:
    def test_key_is_shown_once_and_can_be_revoked(self, ada, rows):
        page = create(ada)

        [text] = set(KEY.findall(page.text))
        [row] = rows(StreamKey)
        assert row["hash"] == hashlib.sha256(text.encode()).hexdigest()
        assert (row["room"], row["label"], row["created_by"]) == ("hall", "OBS", "ada")
        assert text not in str(page.headers)
        reloaded = ada.get(PAGE).text
        assert text not in reloaded
        assert text[:10] in reloaded

        label = f"OBS ({text[:10]}…)"
        assert flash_message(submit(ada, PAGE, "revoke")) == (
            f"Revoked the stream key {label} of hall."
        )
        assert rows(StreamKey)[0]["revoked_at"] == NOON
        assert [(r["action"], r["subject"]) for r in rows(AuditEntry)][-2:] == [
            ("stream_key.create", f"{label} for hall"),
            ("stream_key.revoke", f"{label} for hall"),
        ]

    def test_page_says_what_to_type_into_encoders(self, ada):
        page = create(ada)

        text = KEY.search(page.text)[0]
        obs = fields_of(page, "OBS")
        assert obs["Server"] == "rtmp://ingest.example.org/live"
        assert obs["Stream Key"] == f"hall?key={text}"
        assert obs["Output, Keyframe Interval"] == "2 s"
        vmix = fields_of(page, "vMix")
        assert (vmix["URL"], vmix["Stream Name or Key"]) == (obs["Server"], obs["Stream Key"])
        whip = fields_of(page, "WHIP")
        assert whip["Server"] == "https://ingest.example.org:8889/hall/whip"
        assert whip["Bearer Token"] == text
        command = shlex.split(fields_of(page, "ffmpeg")["Command"])
        assert command[-1] == f"rtmp://ingest.example.org/live/hall?key={text}"
        assert command[command.index("-force_key_frames") + 1] == "expr:gte(t,n_forced*2)"
        icecast = shlex.split(fields_of(page, "ffmpeg to Icecast")["Command"])
        assert icecast[-1] == (
            f"icecast://source:{text}@ingest.example.org:8000/hall/webcast-high.webm"
        )

    def test_page_of_a_tracker_without_addresses_names_the_key_of_the_ini(self, people, start):  # noqa: F811
        app = start()
        log_in(app, "ada")

        assert "Set <code>ingest.rtmp</code> in the ini file" in create(app).text

    def test_room_can_have_an_address_of_its_own(self, people, start):  # noqa: F811
        lines = "rtmp://a.example.org/live\n  lab = rtmps://b.example.org:1936/live/"
        app = start(**{"ingest.rtmp": lines})
        log_in(app, "ada")

        assert fields_of(create(app), "OBS")["Server"] == "rtmp://a.example.org/live"
        lab = create(app, room="lab")
        assert fields_of(lab, "OBS")["Server"] == "rtmps://b.example.org:1936/live"

    @pytest.mark.parametrize(
        ("fields", "line"),
        [
            ({"label": " "}, "The label is empty."),
            ({"room": ""}, "Choose a room."),
            ({"room": "cellar"}, "There is no room &#39;cellar&#39;; allowed: hall, lab, tube."),
            ({"expires": "soon"}, "The time &#39;soon&#39; cannot be read; allowed: such as "
                                  "2026-11-24 12:00, in UTC."),
            ({"expires": "2020-01-01 00:00"}, "The key would have expired already; allowed: a "
                                              "time in the future."),
        ],
    )  # fmt: skip
    def test_invalid_key_is_reported_in_one_line(self, ada, rows, fields, line):
        response = create(ada, status=400, **fields)

        assert error_message(response) == line
        assert rows(StreamKey) == []

    def test_room_has_two_valid_keys_at_most(self, ada, clock):  # noqa: F811
        create(ada, expires=f"{NOON + timedelta(hours=1):%Y-%m-%d %H:%M:%S}")
        create(ada)
        refused = create(ada, status=400)
        assert error_message(refused) == (
            "The room hall has 2 valid stream keys already; revoke one first."
        )
        create(ada, room="lab")

        # The first one expires.
        clock.now += timedelta(hours=2)
        create(ada)

    def test_viewer_sees_keys_and_cannot_change_them(self, ada, vera):
        create(ada)

        page = vera.get(PAGE)
        assert "OBS" in page.text
        assert page.html.select('button[name="do"]') == []
        token = vera.get(PAGE).form["csrf_token"].value
        fields = {"do": "create", "room": "lab", "label": "x", "csrf_token": token}
        vera.post(PAGE, fields, status=403)


class TestIngestHealth:
    @pytest.fixture
    def report(self, engine, ada):
        """Return a function that reports what an encoder sends."""
        token = submit(
            ada, "/admin/tokens", "issue", label="edge1", scope="crew", room="", status=200
        )
        headers = {"Authorization": f"Bearer {re.search(r'sst_[A-Za-z0-9_-]{43}', token.text)[0]}"}

        def report(*streams, status=201):
            return ada.put_json(
                "/api/v1/rooms/hall/endpoints/edge1",
                {"url": "https://edge1.example.org/hall/", "ingest": list(streams)},
                headers=headers,
                status=status,
            )

        return report

    def hints(self, page):
        return [line.get_text(" ", strip=True) for line in page.html.select("p.error")]

    def test_page_shows_what_an_encoder_sends(self, ada, report):
        report(SLOW_KEYFRAMES | {"keyframe_interval": 2.0})

        page = ada.get(PAGE)

        row = page.html.select("tbody tr")[0]
        assert [cell.get_text(strip=True) for cell in row.select("th, td")] == [
            "Great Hall", "edge1", "hls", "3.10", "24.9", "2", "3", "1280 × 720", "H264, AAC",
            f"{SINCE:%Y-%m-%d %H:%M:%S}",
        ]  # fmt: skip
        assert self.hints(page) == []

    def test_hint_says_what_to_change_in_the_encoder(self, ada, report):
        report(
            SLOW_KEYFRAMES,
            {"stream": "hls_low", "frame_rate": 15.2, "nominal_frame_rate": 30},
            {"stream": "webm", "frame_rate": 25, "dropped": 20_000, "since": SINCE.isoformat()},
        )

        first, second, third = self.hints(ada.get(PAGE))
        assert first == (
            "Great Hall, edge1, hls: The keyframe interval is 8.33 s: set it to 2 s in OBS → "
            "Settings → Output → Streaming → Keyframe Interval."
        )
        assert second.startswith(
            "Great Hall, edge1, hls_low: Only 15.2 of 30 frames per second arrive"
        )
        assert third.startswith("Great Hall, edge1, webm: 20,000 frames are lost")

    def test_next_report_replaces_what_was_there(self, ada, report, clock):  # noqa: F811
        report(SLOW_KEYFRAMES)
        clock.now += timedelta(seconds=30)
        report(status=200)

        assert "No agent reports a stream of an encoder." in ada.get(PAGE).text

    def test_server_that_has_fallen_silent_is_not_shown(self, ada, report, clock):  # noqa: F811
        report(SLOW_KEYFRAMES)
        clock.now += timedelta(minutes=2)

        assert self.hints(ada.get(PAGE)) == []

    @pytest.mark.parametrize(
        "stream",
        [
            {}, {"stream": "<script>"}, {"stream": "hls", "bitrate": -1},
            {"stream": "hls", "frame_rate": 1e9}, {"stream": "hls", "since": "soon"},
            {"stream": "hls", "codec": "x" * 101}, {"stream": "hls", "anything": 1},
            {"stream": "hls", "keyframe_interval": "2"},
        ],
    )  # fmt: skip
    def test_invalid_ingest_is_refused(self, report, stream):
        problem = report(stream, status=400).json

        assert problem["errors"][0]["pointer"].startswith("/ingest/0")

    def test_number_of_streams_is_bounded(self, report):
        report(*[{"stream": "hls"}] * 17, status=400)


class TestCommandLine:
    def test_key_is_created_listed_and_revoked(self, run, rows):  # noqa: F811
        output = run("stream-key", "create", "hall", "--label", "OBS")

        text = output.splitlines()[0]
        assert KEY.fullmatch(text)
        assert "Set ingest.rtmp in the ini file" in output
        [listed] = json.loads(run("stream-key", "list", "hall", "--json"))
        assert (listed["room"], listed["hint"], listed["expires_at"]) == ("hall", text[:10], None)
        assert json.loads(run("stream-key", "list", "lab", "--json")) == []
        assert text not in run("stream-key", "list")

        assert run("stream-key", "revoke", str(listed["id"])) == (
            f"Revoked the stream key OBS ({text[:10]}…) of hall.\n"
        )
        assert run("stream-key", "revoke", str(listed["id"]), status=1) == (
            "Error: there is no such stream key, or it has been revoked already\n"
        )
        assert [row["action"] for row in rows(AuditEntry)] == [
            "stream_key.create",
            "stream_key.revoke",
        ]

    def test_command_says_what_to_type_into_encoders(self, run, tmp_path):  # noqa: F811
        ini = tmp_path / "tracker.ini"
        ini.write_text(f"{ini.read_text()}\ningest.rtmp = rtmp://ingest.example.org/live\n")
        expires = (datetime.now(UTC) + timedelta(days=2)).replace(microsecond=0)

        output = run("stream-key", "create", "hall", "--expires", expires.isoformat(), "--json")

        created = json.loads(output)
        obs, _vmix, ffmpeg = created["encoders"]
        assert created["expires_at"] == expires.isoformat().replace("+00:00", "Z")
        assert obs["Server"] == "rtmp://ingest.example.org/live"
        assert obs["Stream Key"] == f"hall?key={created['key']}"
        assert ffmpeg["Command"].endswith(f"'rtmp://ingest.example.org/live/{obs['Stream Key']}'")
        printed = run("stream-key", "create", "hall")
        assert "\nOBS\n" in printed
        assert "  Server: rtmp://ingest.example.org/live\n" in printed

    @pytest.mark.parametrize(
        ("arguments", "line"),
        [
            (("cellar",), "there is no room 'cellar'; allowed: hall, lab, tube"),
            (("hall", "--label", " "), "the label is empty"),
            (("hall", "--expires", "soon"), "the time 'soon' cannot be read; allowed: such as "
                                            "2026-11-24 12:00, in UTC"),
        ],
    )  # fmt: skip
    def test_invalid_key_is_refused_in_one_line(self, run, rows, arguments, line):  # noqa: F811
        assert run("stream-key", "create", *arguments, status=1) == f"Error: {line}\n"
        assert rows(StreamKey) == []

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("ingest.rtmp", "https://ingest.example.org/live"),
            ("ingest.rtmp", "rtmp://user@ingest.example.org/live"),
            ("ingest.rtmp", "rtmp://ingest.example.org:99999/live"),
            ("ingest.rtmp", "rtmp://a/live two words"),
            ("ingest.whip", "rtmp://ingest.example.org/live"),
            ("ingest.icecast", "http://ingest.example.org/x"),
        ],
    )
    def test_invalid_address_is_refused_in_one_line(self, run, tmp_path, key, value):  # noqa: F811
        ini = tmp_path / "tracker.ini"
        ini.write_text(f"{ini.read_text()}\n{key} = {value}\n")

        assert f"{key} in the ini file is " in run("stream-key", "list", status=1)

    def test_hook_secret_belongs_to_a_valid_token(self, run):  # noqa: F811
        run("token", "issue", "edge1", "--publish")
        run("token", "issue", "edge2", "--room", "hall")

        issued = json.loads(run("token", "list", "--json"))
        tokens = {each["label"]: str(each["id"]) for each in issued}

        first, second = (run("stream-key", "hook-secret", number) for number in tokens.values())
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}\n", first)
        assert first != second
        assert run("stream-key", "hook-secret", tokens["edge1"]) in (first, second)
        run("token", "revoke", tokens["edge1"])
        line = "Error: there is no valid token with this number\n"
        assert run("stream-key", "hook-secret", tokens["edge1"], status=1) == line
        assert run("stream-key", "hook-secret", "999999", status=1) == line
