"""Viewer counts and quality of experience from playback reports, on both databases."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from streaming_system.tracker.audience.playback import PlaybackService
from streaming_system.tracker.audience.viewer_history import ViewerHistory
from streaming_system.tracker.audience.viewers import Viewers
from streaming_system.tracker.ingest.player_report import PlayerReport
from streaming_system.tracker.models import Endpoint, Playback, Player

from .conftest import REPORTING

pytestmark = pytest.mark.both_databases

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
SID = "4dd8bff7-2f5a-4a0b-8b34-34ac1ae39a7e"


@pytest.fixture
def report(engine):
    """Return a function that submits a report, some seconds after noon."""

    def report(seconds=0.0, sid=SID, room="hall", **more):
        with Session(engine) as db, db.begin():
            return PlaybackService(db, REPORTING).report(
                PlayerReport(sid=sid, room=room, **more), now=NOON + timedelta(seconds=seconds)
            )

    return report


@pytest.fixture
def viewers(engine):
    """Return a function that counts viewers, some seconds after noon."""

    def viewers(seconds=0.0, room=None):
        with Session(engine) as db:
            return Viewers(db).count(now=NOON + timedelta(seconds=seconds), room=room)

    return viewers


class TestViewerCount:
    def test_player_counts_until_its_next_report_is_overdue(self, report, viewers):
        interval = report()

        assert interval == 5
        assert [viewers(0), viewers(interval), viewers(9.4), viewers(9.6)] == [1, 1, 1, 0]

    def test_player_counts_once_however_often_it_reports(self, report, viewers):
        for seconds in range(0, 50, 5):
            report(seconds, played_ms=1000 * seconds)

        assert viewers(45) == 1

    def test_player_stops_counting_at_its_last_report(self, report, viewers):
        report(played_ms=0)

        assert report(3, played_ms=3000, leaving=True) == 0
        assert viewers(3) == 0

    def test_reports_that_arrive_after_the_last_one_do_not_count(self, report, viewers):
        report(0, played_ms=0)
        report(10, played_ms=10_000, leaving=True)
        report(11, played_ms=8_000)
        report(12, played_ms=10_000)

        assert viewers(12) == 0

    def test_player_that_plays_on_counts_again(self, report, viewers):
        report(0, played_ms=0)
        report(10, played_ms=10_000, leaving=True)
        report(40, played_ms=11_000)

        assert viewers(40) == 1

    def test_player_counts_in_its_present_room(self, report, viewers):
        report(0, room="hall", played_ms=0)
        report(5, room="lab", played_ms=5_000)

        assert [viewers(5, "hall"), viewers(5, "lab"), viewers(5)] == [0, 1, 1]


def test_concurrent_first_reports_make_one_player(engine, report, rows):
    def send(number):
        barrier.wait(10)
        return report(0, sid=f"{SID}{number // 4}", played_ms=1_000)

    barrier = threading.Barrier(4)
    with ThreadPoolExecutor(4) as threads:
        intervals = list(threads.map(send, range(40)))

    assert intervals == [5] * 40
    events = rows(Playback)
    assert (len(rows(Player)), len(events)) == (10, 10)
    assert sum(row["played_ms"] for row in events) == 10_000


class TestPlaybackEvents:
    def test_repeated_and_late_reports_add_nothing(self, report, rows):
        report(0, startup_ms=800)
        report(5, startup_ms=800, played_ms=5_000)
        report(5.1, startup_ms=800, played_ms=5_000)
        report(15, startup_ms=800, played_ms=13_000, rebuffer_ms=2_000, rebuffers=1, errors=1)
        report(15.2, startup_ms=800, played_ms=9_000)
        events = rows(Playback)

        names = ("starts", "startup_ms", "played_ms", "rebuffer_ms", "rebuffers", "errors")
        assert [[row[name] for name in names] for row in events] == [
            [1, 800, 0, 0, 0, 0],
            [0, None, 5_000, 0, 0, 0],
            [0, None, 8_000, 2_000, 1, 1],
        ]

    def test_event_of_a_move_belongs_to_the_previous_endpoint(self, engine, report, rows):
        with Session(engine) as db, db.begin():
            for name in ("one", "two"):
                db.add(endpoint(name))
        report(0, endpoint="one")
        report(5, endpoint="two", played_ms=3_000, rebuffer_ms=2_000)
        report(10, endpoint="two", played_ms=8_000, rebuffer_ms=2_000)

        assert [(row["endpoint"], row["played_ms"]) for row in rows(Playback)] == [
            ("one", 0),
            ("one", 3_000),
            ("two", 5_000),
        ]

    def test_unknown_endpoint_is_stored_as_empty(self, report, rows):
        report(endpoint="<script>")
        report(sid=SID[::-1], endpoint="cdn")

        assert sorted(row["endpoint"] for row in rows(Player)) == ["", "cdn"]


def endpoint(name, room="hall", **more):
    zeros = dict.fromkeys(("clients", "bitrate", "cbitrate"), 0)
    values = (
        zeros | {"stream_metrics": {}, "host": "192.0.2.1", "since": NOON, "last_seen": NOON} | more
    )
    return Endpoint(room=room, name=name, **values)


class TestQoeMetrics:
    def test_metrics_are_by_endpoint(self, engine, report, qoe_metrics):
        with Session(engine) as db, db.begin():
            db.add(endpoint("one"))
        for number in range(1, 21):
            report(0, sid=f"{SID}{number}", endpoint="one", startup_ms=100 * number, bitrate=1000)
        for number in range(1, 21):
            report(4, sid=f"{SID}{number}", endpoint="one", played_ms=3_000, rebuffer_ms=1_000)
        report(-32, sid=SID, endpoint="cdn")
        report(4, sid=SID, endpoint="cdn", played_ms=36_000, errors=2, bitrate=4_000)

        cdn, one = qoe_metrics(5)

        assert (cdn.endpoint, cdn.viewers, cdn.errors_per_hour) == ("cdn", 1, 200.0)
        assert (one.endpoint, one.viewers, one.starts) == ("one", 20, 20)
        assert (one.startup_p50_ms, one.startup_p95_ms) == (1_000, 1_900)
        assert one.rebuffer_ratio == 0.25
        assert (one.bitrate, cdn.bitrate) == (None, 4_000)

    def test_room_quantiles_come_from_all_its_players(self, report, qoe_metrics):
        report(0, sid=f"{SID}1", endpoint="cdn", startup_ms=100)
        report(0, sid=f"{SID}2", endpoint="youtube", startup_ms=900)
        report(0, sid=f"{SID}3", endpoint="youtube", startup_ms=900)

        [hall] = qoe_metrics(5, by_endpoint=False)

        assert (hall.endpoint, hall.viewers, hall.startup_p50_ms) == (None, 3, 900)

    def test_metrics_exclude_old_reports(self, report, qoe_metrics):
        report(0, played_ms=5_000)

        assert qoe_metrics(301) == []

    @pytest.fixture
    def qoe_metrics(self, engine):
        """Return a function that computes the hall's metrics, some seconds after noon."""

        def qoe_metrics(seconds, **more):
            with Session(engine) as db:
                return PlaybackService(db, REPORTING).qoe_metrics(
                    now=NOON + timedelta(seconds=seconds), room="hall", **more
                )

        return qoe_metrics


class TestViewerHistory:
    @pytest.fixture
    def counts(self, engine):
        """Return the viewers of a room at noon and each minute after it; the last at the end."""

        def counts(minutes, room="hall"):
            with Session(engine) as db:
                series = ViewerHistory(db).series(
                    begin=NOON,
                    end=NOON + timedelta(minutes=minutes),
                    step=timedelta(minutes=1),
                    room=room,
                )
            return list(series.viewers[room])

        return counts

    def test_viewer_counts_from_its_first_to_its_last_report(self, report, counts):
        report(55)
        report(60.001, sid=SID[::-1])
        report(63, played_ms=8_000, leaving=True)

        assert counts(3) == [0, 1, 0]

    def test_viewer_that_joined_before_the_beginning_counts(self, report, counts):
        report(-3)

        assert counts(2) == [1, 0]

    def test_viewer_that_returns_was_absent_in_between(self, report, counts):
        report(0)
        report(10, played_ms=10_000, leaving=True)
        report(119, played_ms=11_000)
        report(125, played_ms=17_000, leaving=True)

        assert counts(4) == [1, 0, 1, 0]

    def test_viewer_that_changes_rooms_counts_in_one_at_a_time(self, report, counts):
        report(0, room="hall")
        report(55, room="lab", played_ms=10_000)

        assert counts(3, room="hall") == [1, 0, 0]
        assert counts(3, room="lab") == [0, 1, 0]


def test_report_interval_grows_with_the_number_of_players(engine, report):
    for number in range(1, 241):
        interval = report(number / 100, sid=f"{SID}{number}")

    # 240 players at 20 reports a second are 12 s, less the jitter.
    assert 9 <= interval <= 12
    assert report(3, sid=f"{SID}hidden", hidden=True) == 60
