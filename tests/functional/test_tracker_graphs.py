"""Metrics over time: overall-stats.json."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
import sqlalchemy as sa

from streaming_system.tracker.db.session import make_engine
from streaming_system.tracker.models import Annotation, Playback, Player, Sample

pytestmark = pytest.mark.both_databases

MBIT = 1_000_000


@pytest.fixture
def add(database):
    """Return a function that adds rows."""
    engine = make_engine({"sqlalchemy.url": database})

    def add(model, *rows):
        with engine.begin() as connection:
            connection.execute(sa.insert(model), rows)

    yield add
    engine.dispose()


def sample(room, name, at, clients, bitrate=0):
    return {"room": room, "name": name, "at": at, "clients": clients, "bitrate": bitrate,
            "cbitrate": 0, "figures": {}}  # fmt: skip


def register(tracker, room, clients, bitrate):
    data = f'{{"overall_clients": {clients}, "overall_bitrate": {bitrate}}}'
    tracker.post(
        "/endpoint/register", {"secret": "s3cret of the tests", "group": room, "data": data}
    )


def test_graphs_are_empty_without_reports(tracker):
    response = tracker.get("/overall-stats.json")

    assert [(g["title"], g["stacked"], g["series"]) for g in response.json["graphs"][:2]] == [
        ("Overall Bitrate", True, []),
        ("Overall Clients", True, []),
    ]
    assert response.json["annotations"] == []


def test_current_report_is_the_last_point_of_the_graphs(tracker):
    register(tracker, "hall", 12, 9.6 * MBIT)

    bitrate, clients = tracker.get("/overall-stats.json?range=10").json["graphs"][:2]

    assert [series["label"] for series in bitrate["series"]] == ["hall"]
    assert bitrate["series"][0]["data"][-1][1] == 9.6
    assert clients["series"][0]["data"][-1][1] == 12


def test_rooms_have_the_order_of_the_configuration(tracker):
    for room in ("lab", "hall"):
        register(tracker, room, 1, MBIT)

    graph = tracker.get("/overall-stats.json").json["graphs"][0]

    assert [series["label"] for series in graph["series"]] == ["hall", "lab"]


@pytest.mark.parametrize(
    ("minutes", "seconds"), [(10, 5), (60, 10), (120, 30), (1440, 300), (10080, 1800)]
)
def test_number_of_points_is_limited_in_every_range(tracker, minutes, seconds):
    register(tracker, "hall", 12, MBIT)

    data = tracker.get(f"/overall-stats.json?range={minutes}").json["graphs"][0]["series"][0][
        "data"
    ]

    assert {later[0] - earlier[0] for earlier, later in pairwise(data)} == {1000 * seconds}
    assert 120 <= len(data) <= 402


def test_endpoint_counts_until_its_ttl_ends(tracker, add):
    now = datetime.now(UTC)
    start = now - timedelta(minutes=5)
    add(
        Sample,
        sample("hall", "a", start, 10, 4 * MBIT),
        sample("hall", "a", start + timedelta(seconds=30), 10, 4 * MBIT),
        sample("hall", "b", start, 5, 2 * MBIT),
    )

    bitrate, clients = tracker.get("/overall-stats.json?range=10").json["graphs"][:2]

    alive = [y for x, y in clients["series"][0]["data"] if y]
    # The first and the last step may be covered partly.
    assert set(alive[1:11]) == {15}
    assert set(alive[13:17]) == {10}
    assert len(alive) in (18, 19)
    assert clients["series"][0]["data"][-1][1] == 0
    assert max(y for x, y in bitrate["series"][0]["data"]) == 6


RANGES = {
    120: ("abc", "1.5", "1e3", "nan", "٣", "", " ", "-", "1 2", "\0", "0" * 5000 + "x", "120"),
    1: ("0", "-1", "-99999999999", "1", " +1 ", "000"),
    10: ("0000000000010",),
    527_040: ("527040", "527041", "99999999999", "9" * 5000),
}


def test_any_range_is_a_graph_of_the_default_or_nearest_length(tracker):
    register(tracker, "hall", 12, 9.6 * MBIT)
    for minutes, texts in RANGES.items():
        for text in texts:
            graph = tracker.get("/overall-stats.json", {"range": text}).json["graphs"][0]

            points = graph["series"][0]["data"]
            length = timedelta(milliseconds=points[-1][0] - points[0][0])
            step = timedelta(seconds=graph["step"])
            assert abs(length - timedelta(minutes=minutes)) <= step, text[:20]


def test_other_values_are_rejected_with_one_line(tracker):
    response = tracker.get("/overall-stats.json", {"range": "abc", "room": "x" * 65}, status=400)

    assert response.json["error"]


def test_unknown_room_is_not_found(tracker):
    tracker.get("/overall-stats.json?room=attic", status=404)


def test_annotations_of_the_range_are_included(tracker, add):
    now = datetime.now(UTC).replace(microsecond=0)
    for minutes, label in ((150, "Doors"), (90, "Opening"), (30, "Lunch")):
        add(
            Annotation,
            {"at": now - timedelta(minutes=minutes), "label": label, "room": "",
             "created_by": "ada"},
        )  # fmt: skip

    annotations = tracker.get("/overall-stats.json?range=120").json["annotations"]

    assert [(a["x"], a["label"]) for a in annotations] == [
        (int((now - timedelta(minutes=minutes)).timestamp() * 1000), label)
        for minutes, label in ((90, "Opening"), (30, "Lunch"))
    ]


def test_response_is_public_and_cached_for_seconds(tracker):
    response = tracker.get("/overall-stats.json")

    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Cache-Control"] == "max-age=3, public"


def test_playback_reports_add_graphs(tracker, add):
    now = datetime.now(UTC)
    add(
        Player,
        *(
            {"sid": str(number), "room": "hall", "endpoint": "a", "format": "hls", "quality": "",
             "begun": now - timedelta(minutes=5), "moved": now, "last_seen": now,
             "until": now + timedelta(minutes=1), "startup_ms": None, "played_ms": 0,
             "rebuffer_ms": 0, "rebuffers": 0, "dropped": 0, "errors": 0}
            for number in range(3)
        ),
    )  # fmt: skip
    add(
        Playback,
        {"at": now - timedelta(minutes=3), "room": "hall", "endpoint": "a", "format": "hls",
         "quality": "", "startup_ms": None, "bitrate": None, "starts": 0, "played_ms": 9000,
         "rebuffer_ms": 1000, "rebuffers": 1, "dropped": 0, "errors": 0},
    )  # fmt: skip

    viewers, rebuffering = tracker.get("/overall-stats.json?range=10").json["graphs"][2:]

    assert (viewers["title"], viewers["stacked"]) == ("Viewers by players", True)
    assert viewers["series"][0]["title"] == "Great Hall"
    assert [y for _, y in viewers["series"][0]["data"]][-1] == 3
    assert (rebuffering["title"], rebuffering["stacked"]) == ("Rebuffering", False)
    assert {y for _, y in rebuffering["series"][0]["data"]} == {None, 10.0}


def test_graphs_of_a_room_show_its_endpoints(tracker, add):
    now = datetime.now(UTC)
    add(
        Sample,
        sample("hall", "a", now, 10),
        sample("hall", "b", now, 5),
        sample("lab", "c", now, 1),
    )

    clients = tracker.get("/overall-stats.json?range=10&room=hall").json["graphs"][1]

    assert [(each["label"], each["data"][-1][1]) for each in clients["series"]] == [
        ("a", 10),
        ("b", 5),
    ]
