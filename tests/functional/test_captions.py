"""Captioners push lines, and players and transcripts get them."""

import os
import re
import subprocess
import textwrap
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session
from webtest import TestApp

from streaming_system import tracker as tracker_app
from streaming_system.schedule.model import RoomSchedule, Schedule, Slot
from streaming_system.tracker.crew.tokens import Tokens
from streaming_system.tracker.history.retention import EXPIRY_RULES, Retention
from streaming_system.tracker.models import Caption

from .crew_pages import log_in_as, submit
from .served import Served

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ROOM = "/captions/hall"
LIVE = f"{ROOM}/live.json"
SPAN = {"start": "2026-11-24T11:00:00Z", "end": "2026-11-24T13:00:00Z"}


class Captioner:
    """A captioner's program, at a clock that the test sets."""

    def __init__(self, app, token):
        self.app, self.token = app, token
        self.now = NOON
        app.app.registry["clock"] = lambda: self.now

    def send(self, text, seq=None, lang="en", *, room="hall", status=200, **more):
        number = {} if seq is None else {"seq": seq}
        return self.post(text.encode(), {"lang": lang, **number, **more}, room, status)

    def post(self, body, query=None, room="hall", status=200, media="text/plain"):
        return self.app.post(
            f"/captions/{room}?{_encode({'token': self.token, **(query or {})})}",
            body,
            headers={"Content-Type": media},
            status=status,
        )

    def after(self, seconds):
        self.now = NOON + timedelta(seconds=seconds)
        return self

    def lines(self, language="en"):
        """Return the lines that players get, each with the second of its start."""
        return [
            ((datetime.fromisoformat(line["start"]) - NOON).total_seconds(), line["text"])
            for line in self.app.get(LIVE).json["lines"]
            if line["language"] == language
        ]

    def transcript(self, ending="json", **query):
        return self.app.get(f"{ROOM}/transcript.{ending}", {"lang": "en", **SPAN, **query})


def _encode(query):
    return "&".join(f"{name}={value}" for name, value in query.items())


@pytest.fixture
def tracker(app_pool, tracker_settings):
    """A tracker without a response cache: its clock stands still."""
    settings = tracker_settings | {"response_cache.enabled": "false", "session.secure": "false"}
    app = TestApp(
        app_pool.get(tracker_app.main, settings), extra_environ={"REMOTE_ADDR": "203.0.113.1"}
    )
    clock = app.app.registry["clock"]
    yield app
    app.app.registry["clock"] = clock


@pytest.fixture
def issue(engine):
    """Return a function that issues a token and returns its text."""

    def issue(scope="captions", room="hall"):
        with Session(engine) as db, db.begin():
            return Tokens(db).issue(
                label="captioner", scope=scope, room=room, created_by="tests", now=NOON
            )[1]

    return issue


@pytest.fixture
def captioner(tracker, issue):
    return Captioner(tracker, issue())


class TestPush:
    @pytest.mark.both_databases
    def test_lines_arrive_in_several_languages(self, captioner):
        captioner.send("Good morning.", 1)
        captioner.after(2).send("Guten Morgen.", 1, "de")

        live = captioner.app.get(LIVE)
        assert live.json["languages"] == ["de", "en"]
        assert captioner.lines() == [(0, "Good morning.")]
        assert captioner.lines("de") == [(2, "Guten Morgen.")]

    @pytest.mark.both_databases
    def test_line_of_the_same_number_replaces_the_partial_one(self, captioner):
        captioner.send("Good more", 1)
        captioner.after(1).send("Good morning, all", 1)
        captioner.after(2).send("Good morning, Auckland.", 1)

        assert captioner.lines() == [(0, "Good morning, Auckland.")]

    def test_empty_correction_removes_the_line(self, captioner):
        captioner.send("Hm.", 1)
        captioner.send("\n", 1)

        assert captioner.lines() == []

    def test_retried_request_adds_nothing(self, captioner):
        captioner.send("Hello.", 1)
        captioner.after(120).send("Hello.", 1)

        assert [row["text"] for row in captioner.transcript().json["lines"]] == ["Hello."]

    @pytest.mark.both_databases
    def test_requests_that_overtake_each_other_are_shown_in_order(self, captioner):
        captioner.send("one", 1)
        captioner.after(2).send("three", 3)
        captioner.after(3).send("two", 2)

        assert captioner.lines() == [(0, "one"), (2, "two"), (2, "three")]

    def test_program_that_starts_again_counts_from_one_again(self, captioner):
        captioner.send("the first talk", 1)
        captioner.after(45).send("the second talk", 1)

        assert captioner.lines() == [(0, "the first talk"), (45, "the second talk")]

    def test_lines_without_numbers_are_all_different(self, captioner):
        captioner.send("Again.")
        captioner.after(1).send("Again.")

        assert len(captioner.lines()) == 2

    def test_delay_moves_the_line_to_the_time_of_the_speech(self, captioner):
        captioner.send("Late.", 1, delay="4.5")

        assert captioner.lines() == [(-4.5, "Late.")]

    def test_object_has_times_of_its_own(self, captioner):
        captioner.app.post_json(
            ROOM,
            {"text": "Timed.", "lang": "en-us", "seq": 7, "start": "2026-11-24T12:59:58+01:00",
             "end": "2026-11-24T12:00:03Z"},
            headers={"Authorization": f"Bearer {captioner.token}"},
        )  # fmt: skip

        [line] = captioner.app.get(LIVE).json["lines"]
        assert (line["start"], line["end"]) == (
            "2026-11-24T11:59:58.000Z",
            "2026-11-24T12:00:03.000Z",
        )
        assert line["language"] == "en-US"

    def test_text_is_one_line_without_control_characters_and_addresses(self, captioner):
        captioner.send("I'M SENDING\r\n SEVERAL\x07 \u202eCAPTIONS to ann@example.org\n", 1)

        assert captioner.lines() == [
            (0, "I'M SENDING SEVERAL CAPTIONS to [e-mail address removed]")
        ]

    def test_response_has_the_time_of_the_tracker(self, captioner):
        assert captioner.send("Hello.", 1).text == "2026-11-24T12:00:00.000Z\n"

    def test_program_continues_after_the_last_number(self, captioner):
        address = f"{ROOM}/seq?token={captioner.token}"
        assert captioner.app.get(address).text == "0\n"
        captioner.send("Hello.", 41)
        captioner.send("Hallo.", 7, "de")

        assert captioner.app.get(f"{address}&lang=en").text == "41\n"
        assert captioner.app.get(address).text == "7\n"

    @pytest.mark.parametrize(
        ("body", "query", "line"),
        [
            (b"\xff", {}, "the body is not UTF-8 at byte 0"),
            (b"x", {"lang": "e"}, "lang: allowed: a language tag, such as en or pt-BR"),
            (b"x", {"seq": "-1"}, "seq: allowed: a whole number, 0 to 9007199254740992"),
            (b"x", {"seq": "x"}, "seq: allowed: a whole number, 0 to 9007199254740992"),
            (b"x", {"delay": "61"}, "delay: allowed: seconds, 0 to 60"),
            (b"x" * 4001, {}, "text: allowed: a text of up to 4000 characters"),
        ],
    )
    def test_invalid_line_is_refused_in_one_line(self, captioner, body, query, line):
        response = captioner.post(body, query, status=400)

        assert response.text == f"ERROR {line}\n"
        assert captioner.lines() == []

    @pytest.mark.parametrize(
        ("body", "line"),
        [
            ("{", "the body is not JSON"),
            ("[]", "the body: allowed: an object with the member text"),
            ("{}", "text: Required"),
            ('{"text": "\\ud800"}', "text: allowed: a text of up to 4000 characters"),
            ('{"text": "x", "end": "2026-11-24T12:00:03Z"}', "end: allowed: a time after start"),
            ('{"text": "x", "start": "2026-11-23T11:00:00Z"}',
             "start: allowed: a time of the last 24 hours"),
            ('{"text": "x", "start": "2026-11-24T12:02:00Z"}',
             "start: allowed: a time of the last 24 hours"),
            ('{"text": "x", "colour": "red"}', "colour: there is no such member"),
        ],
    )  # fmt: skip
    def test_invalid_object_is_refused_in_one_line(self, captioner, body, line):
        response = captioner.post(body.encode(), status=400, media="application/json")

        assert response.text == f"ERROR {line}\n"

    def test_large_body_is_refused(self, captioner):
        captioner.post(b"x" * 17_000, status=413)

    def test_flood_is_refused(self, app_pool, tracker_settings, issue):
        app = TestApp(
            app_pool.get(tracker_app.main, tracker_settings | {"limit.captions": "2/minute"})
        )
        address = f"{ROOM}?token={issue()}"
        statuses = [app.post(address, b"x", status="*").status_int for _ in range(3)]

        assert statuses[-1] == 429


class TestTokens:
    def test_other_tokens_are_refused(self, tracker, issue):
        assert Captioner(tracker, "x").send("Hello.", status=401).text == (
            "ERROR the token is missing or not valid; the crew issues one for the captions of a "
            "room\n"
        )
        Captioner(tracker, issue("room")).send("Hello.", status=403)
        # It would get into the logs of other programs.
        Captioner(tracker, issue("crew", "")).send("Hello.", status=403)
        lab = Captioner(tracker, issue(room="lab"))
        lab.send("Hello.", status=403)
        assert tracker.get(LIVE).json["lines"] == []
        lab.send("Hello.", room="lab")

    def test_token_of_captions_is_good_for_nothing_else(self, tracker, issue):
        headers = {"Authorization": f"Bearer {issue()}"}

        tracker.get("/api/v1/tokens", headers=headers, status=403)
        tracker.delete("/api/v1/rooms/hall/endpoints/edge1", headers=headers, status=403)

    def test_unknown_room_is_refused(self, captioner):
        captioner.send("Hello.", room="cellar", status=404)
        captioner.app.get("/captions/cellar/live.json", status=404)

    def test_crew_gets_an_address_for_captioners(self, tracker, rows):
        log_in_as(tracker)
        page = submit(tracker, "/admin/tokens", "issue", status=200, label="Captions", room="hall",
                      scope="captions")  # fmt: skip

        [address] = re.findall(r"http://localhost(/captions/hall\?token=sst_[\w-]+)", page.text)
        assert "the captions of hall" in page.text
        tracker.post(address, b"Hello.")
        assert [row["text"] for row in rows(Caption)] == ["Hello."]


class TestLive:
    def test_players_get_the_last_minute(self, captioner):
        captioner.send("old", 1)
        captioner.after(61).send("new", 2)

        assert captioner.lines() == [(61, "new")]

    def test_language_without_lines_is_no_longer_offered(self, captioner):
        captioner.send("Bonjour.", 1, "fr")
        assert captioner.after(14 * 60).app.get(LIVE).json["languages"] == ["fr"]

        assert captioner.after(16 * 60).app.get(LIVE).json["languages"] == []

    def test_any_number_of_players_cost_one_query_a_second(self, tracker_settings, app_pool, issue,
                                                           before_statement):  # fmt: skip
        app = TestApp(app_pool.get(tracker_app.main, tracker_settings))
        app.post(f"{ROOM}?token={issue()}&lang=en", b"Hello.")
        statements = []
        first = app.get(LIVE)
        before_statement(app.app, lambda *more: statements.append(more))
        others = [app.get(f"{LIVE}?n={number}") for number in range(5)]

        assert statements == []
        assert first.headers["Cache-Control"] == "max-age=1, public, stale-while-revalidate=1"
        assert first.headers["Access-Control-Allow-Origin"] == "*"
        assert all(other.json == first.json for other in others)
        app.get(LIVE, headers={"If-None-Match": first.headers["ETag"]}, status=304)


def test_commands_of_the_manual_work(root, tracker_settings, tmp_path, issue, rows):
    manual = (root / "docs/how-to/captions.md").read_text()
    # All indented blocks but the one with the address.
    blocks = re.findall(r"(?m)(?:^    .*\n)+", manual)
    commands = "".join(textwrap.dedent(block) for block in blocks if "CAPTIONS=" not in block)
    (tmp_path / "lines.txt").write_text("One.\nTwo.\n")
    served = Served(tmp_path, tracker_settings)
    served.start()
    try:
        address = f"http://127.0.0.1:{served.port}"
        today = f"{datetime.now(UTC):%Y-%m-%d}T00:00:0"
        script = commands.replace("https://live.example.org/tracker", address).replace(
            "2026-11-24T09:00:0", today
        ).replace("2026-11-24T10:00:00Z", (datetime.now(UTC) + timedelta(minutes=9)).isoformat(
            timespec="seconds").replace("+00:00", "Z"))  # fmt: skip
        done = subprocess.run(
            ["bash", "-ec", f"seq=0\n{script}"],
            cwd=tmp_path,
            env=os.environ | {"CAPTIONS": f"{address}/captions/hall?token={issue()}"},
            capture_output=True,
            text=True,
            timeout=60,
        )
    finally:
        served.stop()

    assert done.returncode == 0, done.stderr
    assert "ERROR" not in done.stdout
    assert [row["text"] for row in rows(Caption)] == [
        "Good morning, Auckland.", "Good morning.", "One.", "Two.",
    ]  # fmt: skip
    assert "WEBVTT" in done.stdout
    assert "-->" in done.stdout


class TestTranscript:
    @pytest.fixture(autouse=True)
    def talk(self, captioner):
        captioner.send("<script>alert(1)</script> & co", 1)
        captioner.after(60).send("The end.", 2)
        captioner.send("Das Ende.", 1, "de")

    def test_json_has_the_lines_of_a_talk(self, captioner):
        transcript = captioner.transcript().json

        assert transcript["languages"] == ["de", "en"]
        assert [(line["start"], line["text"]) for line in transcript["lines"]] == [
            ("2026-11-24T12:00:00.000Z", "<script>alert(1)</script> & co"),
            ("2026-11-24T12:01:00.000Z", "The end."),
        ]

    def test_webvtt_fits_a_recording_from_the_start_of_the_talk(self, captioner):
        response = captioner.transcript("vtt", start="2026-11-24T11:59:00Z")

        assert response.content_type == "text/vtt"
        assert "00:02:00.000 --> 00:02:02.000\nThe end.\n" in response.text
        assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; co" in response.text

    def test_text_is_plain(self, captioner):
        response = captioner.transcript("txt", lang="de")

        assert (response.content_type, response.text) == ("text/plain", "01:01:00 Das Ende.\n")

    def test_first_language_is_the_default(self, captioner):
        assert captioner.transcript(lang="").json["language"] == "de"

    def test_room_without_captions_has_an_empty_transcript(self, captioner):
        empty = captioner.app.get("/captions/attic/transcript.json", SPAN)

        assert empty.json == {"language": "", "languages": [], "lines": []}

    @pytest.mark.parametrize(
        ("query", "error"),
        [
            ({"start": "noon"}, "start is 'noon'; allowed: a time with its offset, such as "
                                "2026-08-22T12:00:00Z"),
            ({"end": SPAN["start"]}, "end: allowed: a time up to 24 hours after start"),
            ({"lang": "x!"}, "lang is 'x!'; allowed: a language tag, such as en or pt-BR"),
        ],
    )  # fmt: skip
    def test_invalid_query_is_refused_in_one_line(self, captioner, query, error):
        response = captioner.app.get(f"{ROOM}/transcript.vtt", {**SPAN, **query}, status=400)

        assert response.json == {"error": error}

    def test_talk_that_must_not_be_recorded_has_no_transcript(self, captioner, monkeypatch):
        talk = Slot(start=NOON + timedelta(seconds=30), end=NOON + timedelta(minutes=5),
                    guid="off", title="Off the record", do_not_record=True)  # fmt: skip
        hall = RoomSchedule(timezone=ZoneInfo("UTC"), slots=(talk,))
        schedule = SimpleNamespace(current=lambda: Schedule(rooms={"hall": hall}))
        monkeypatch.setitem(captioner.app.app.registry, "schedule", schedule)

        lines = captioner.transcript().json["lines"]

        assert [line["text"] for line in lines] == ["<script>alert(1)</script> & co"]

    @pytest.mark.both_databases
    def test_lines_are_deleted_after_their_retention(self, captioner, engine, rows):
        settings = captioner.app.app.registry.settings
        [condition] = [rule for model, _, rule in EXPIRY_RULES if model is Caption]
        with Session(engine) as db, db.begin():
            retention = Retention(db, settings)
            cutoffs = retention.cutoffs(now=NOON + timedelta(days=30, seconds=30))
            assert retention.delete_expired(Caption, condition(cutoffs)) == 1

        assert [row["text"] for row in rows(Caption)] == ["The end.", "Das Ende."]
