"""The playback API over HTTP, as players and pages use it."""

import json
from datetime import timedelta

import pytest

from streaming_system.tracker.models import Player
from streaming_system.tracker.schemas.endpoint import STREAM_FORMATS
from streaming_system.tracker.schemas.playback import PlaybackReportSchema

HALL = "/api/v1/rooms/hall/playback"
SID = "4dd8bff7-2f5a-4a0b-8b34-34ac1ae39a7e"
REPORT = {
    "v": 2,
    "sid": SID,
    "cdn": "cdn",
    "sf": "h",
    "quality": "high",
    "br": 2500,
    "msd": 820,
    "played": 60_000,
    "bsa": 1,
    "bsda": 1_500,
    "dfa": 12,
    "errors": 1,
    "sta": "p",
}


def test_every_key_of_a_report_is_documented(root):
    manual = (root / "docs/reference/playback.md").read_text()

    assert [
        node.name for node in PlaybackReportSchema().children if f"| `{node.name}` |" not in manual
    ] == []
    assert [word for word in STREAM_FORMATS if f"`{word}`" not in manual] == []


@pytest.mark.parametrize("media", ["text/plain;charset=UTF-8", "application/json"])
def test_a_response_contains_the_time_of_the_next_report(tracker, rows, media):
    response = tracker.post(HALL, json.dumps(REPORT), content_type=media)

    assert set(response.json) == {"next", "until"}
    assert response.json["next"] == 5
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    [player] = rows(Player)
    assert (player["sid"], player["room"], player["endpoint"]) == (SID, "hall", "cdn")
    assert (player["format"], player["quality"], player["startup_ms"]) == ("hls", "high", 820)


def test_every_page_may_read_the_metrics_of_a_room(tracker):
    clock = tracker.app.registry["clock"]
    begin = clock()
    tracker.post_json(HALL, {"sid": SID, "cdn": "cdn"})
    # A player has not played for longer than the tracker has known it.
    tracker.app.registry["clock"] = lambda: begin + timedelta(seconds=62)
    tracker.post_json(HALL, REPORT)
    response = tracker.get(HALL)

    metrics = {
        "viewers": {"players": 1, "others": 0},
        "starts": 1,
        "startup_p50_ms": 820,
        "startup_p95_ms": 820,
        "played_ms": 60_000,
        "rebuffers": 1,
        "rebuffer_ms": 1_500,
        "rebuffer_ratio": pytest.approx(1_500 / 61_500),
        "errors": 1,
        "errors_per_hour": pytest.approx(60),
        "dropped": 12,
        "bitrate": 2_500_000,
    }
    generated_at = response.json.pop("generated_at")
    assert response.json | {"generated_at": generated_at} == {
        "room": "hall",
        "generated_at": generated_at,
        "minutes": 5,
        **metrics,
        "endpoints": [{"endpoint": "cdn", **metrics}],
    }
    assert "max-age=1" in response.headers["Cache-Control"]
    assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_a_room_without_players_has_metrics(tracker):
    response = tracker.get("/api/v1/rooms/lab/playback?minutes=60")

    assert response.json["viewers"] == {"players": 0, "others": 0}
    assert response.json["rebuffer_ratio"] is None
    assert response.json["endpoints"] == []


def test_clients_without_a_player_report_are_counted_separately(tracker):
    form = {"secret": "s3cret of the tests", "group": "hall", "data": '{"overall_clients": 3}'}
    tracker.post("/endpoint/register", form)
    tracker.post_json(HALL, REPORT | {"cdn": "203.0.113.1"})

    assert tracker.get(HALL).json["viewers"] == {"players": 1, "others": 2}


@pytest.mark.parametrize("state", ["q", "e", "f"])
def test_an_end_report_removes_the_viewer_immediately(tracker, state):
    tracker.post_json(HALL, REPORT)
    response = tracker.post_json(HALL, REPORT | {"sta": state, "played": 61_000})

    assert response.json["next"] == 0
    assert tracker.get(HALL).json["viewers"]["players"] == 0


def test_a_page_in_the_background_reports_rarely(tracker):
    assert tracker.post_json(HALL, REPORT | {"bg": True}).json["next"] == 60


def test_a_preflight_request_of_another_site_succeeds(tracker):
    response = tracker.options(HALL, status=204)

    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in response.headers["Access-Control-Allow-Methods"]
    assert response.headers["Access-Control-Allow-Headers"] == "Content-Type"


@pytest.mark.parametrize(
    ("change", "member"),
    [
        ({"sid": "x"}, "sid"),
        ({"sid": "a" * 65}, "sid"),
        ({"sid": "'; DROP TABLE player; --"}, "sid"),
        ({"sid": "0123456789abcdef\n"}, "sid"),
        ({"cdn": "../../etc/passwd"}, "cdn"),
        ({"quality": "<b>"}, "quality"),
        ({"format": "exe"}, "format"),
        ({"played": -1}, "played"),
        ({"played": 2**63}, "played"),
        ({"played": True}, "played"),
        ({"played": 1.5}, "played"),
        ({"msd": 600_001}, "msd"),
        ({"bsa": "1"}, "bsa"),
        ({"v": 1}, "v"),
        ({"sta": "x"}, "sta"),
        ({"user": "Alice"}, "user"),
    ],
)
def test_a_refusal_names_the_invalid_member(tracker, rows, change, member):
    response = tracker.post_json(HALL, REPORT | change, status=400)

    assert response.content_type == "application/problem+json"
    assert [error["pointer"] for error in response.json["errors"]] == [f"/{member}"]
    assert rows(Player) == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 8000, b'{"sid": NaN}', b"null"])
def test_an_invalid_body_is_a_problem(tracker, body):
    response = tracker.post(HALL, body, content_type="text/plain", status=400)

    assert response.content_type == "application/problem+json"
    assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_a_report_that_is_too_large_is_not_read(tracker):
    response = tracker.post(HALL, b" " * 8193, content_type="text/plain", status=413)

    assert response.json["limit"] == 8192


def test_an_unknown_room_has_no_players(tracker, rows):
    tracker.post_json("/api/v1/rooms/attic/playback", REPORT, status=404)
    tracker.get("/api/v1/rooms/attic/playback", status=404)

    assert rows(Player) == []


@pytest.mark.parametrize("minutes", ["0", "61", "x", "-1", "²", "", "9" * 5000])
def test_minutes_are_a_number(tracker, minutes):
    tracker.get(HALL, {"minutes": minutes}, status=400)


def test_no_property_of_the_client_is_stored(tracker, rows):
    headers = {"User-Agent": "Mozilla/5.0 (Alice)", "Cookie": "user=alice"}
    response = tracker.post_json(HALL, REPORT, headers=headers)

    assert "Set-Cookie" not in response.headers
    stored = str(rows(Player))
    assert [word for word in ("203.0.113", "Mozilla", "alice") if word in stored] == []
