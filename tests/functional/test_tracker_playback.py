"""Who watches, and how well: the services, on both databases."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from streaming_system.tracker.audience.playback import PlaybackService, PlayerReport
from streaming_system.tracker.audience.viewers import Viewers
from streaming_system.tracker.models import Endpoint, Player
from streaming_system.tracker.models import PlaybackService as PlaybackRow

from .conftest import REPORTING

pytestmark = pytest.mark.both_databases

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
SID = "4dd8bff7-2f5a-4a0b-8b34-34ac1ae39a7e"


@pytest.fixture
def report(engine):
    """Return a function that takes a report, some seconds after noon."""

    def report(seconds=0.0, sid=SID, room="hall", **more):
        with Session(engine) as db, db.begin():
            return PlaybackService(db, REPORTING).report(
                PlayerReport(sid=sid, room=room, **more), now=NOON + timedelta(seconds=seconds)
            )

    return report


@pytest.fixture
def viewers(engine):
    """Return a function that counts, some seconds after noon."""

    def viewers(seconds=0.0, room=None):
        with Session(engine) as db:
            return Viewers(db).count(now=NOON + timedelta(seconds=seconds), room=room)

    return viewers


class TestOneOpenPlayerIsOneViewer:
    def test_from_its_first_report_until_the_next_one_is_overdue(self, report, viewers):
        due = report()

        assert due == 5
        assert [viewers(0), viewers(due), viewers(9.4), viewers(9.6)] == [1, 1, 1, 0]

    def test_however_often_it_reports(self, report, viewers):
        for seconds in range(0, 50, 5):
            report(seconds, played_ms=1000 * seconds)

        assert viewers(45) == 1

    def test_and_none_from_its_goodbye_on(self, report, viewers):
        report(played_ms=0)

        assert report(3, played_ms=3000, leaving=True) == 0
        assert viewers(3) == 0

    def test_nor_after_a_report_that_its_goodbye_has_overtaken(self, report, viewers):
        report(0, played_ms=0)
        report(10, played_ms=10_000, leaving=True)
        report(11, played_ms=8_000)
        report(12, played_ms=10_000)

        assert viewers(12) == 0

    def test_but_again_when_it_plays_on(self, report, viewers):
        report(0, played_ms=0)
        report(10, played_ms=10_000, leaving=True)
        report(40, played_ms=11_000)

        assert viewers(40) == 1

    def test_in_the_room_that_it_is_in(self, report, viewers):
        report(0, room="hall", played_ms=0)
        report(5, room="lab", played_ms=5_000)

        assert [viewers(5, "hall"), viewers(5, "lab"), viewers(5)] == [0, 1, 1]


def test_two_first_reports_at_once_are_one_player(engine, report, rows):
    def send(number):
        barrier.wait(10)
        return report(0, sid=f"{SID}{number // 4}", played_ms=1_000)

    barrier = threading.Barrier(4)
    with ThreadPoolExecutor(4) as threads:
        due = list(threads.map(send, range(40)))

    assert due == [5] * 40
    kept = rows(PlaybackRow)
    assert (len(rows(Player)), len(kept)) == (10, 10)
    assert sum(row["played_ms"] for row in kept) == 10_000


class TestWhatHappened:
    def test_is_kept_as_differences_that_nothing_adds_twice(self, report, rows):
        report(0, startup_ms=800)
        report(5, startup_ms=800, played_ms=5_000)
        report(5.1, startup_ms=800, played_ms=5_000)
        report(15, startup_ms=800, played_ms=13_000, rebuffer_ms=2_000, rebuffers=1, errors=1)
        report(15.2, startup_ms=800, played_ms=9_000)
        kept = rows(PlaybackRow)

        names = ("starts", "startup_ms", "played_ms", "rebuffer_ms", "rebuffers", "errors")
        assert [[row[name] for name in names] for row in kept] == [
            [1, 800, 0, 0, 0, 0],
            [0, None, 5_000, 0, 0, 0],
            [0, None, 8_000, 2_000, 1, 1],
        ]

    def test_counts_for_the_endpoint_that_a_player_has_left(self, engine, report, rows):
        with Session(engine) as db, db.begin():
            for name in ("one", "two"):
                db.add(endpoint(name))
        report(0, endpoint="one")
        report(5, endpoint="two", played_ms=3_000, rebuffer_ms=2_000)
        report(10, endpoint="two", played_ms=8_000, rebuffer_ms=2_000)

        assert [(row["endpoint"], row["played_ms"]) for row in rows(PlaybackRow)] == [
            ("one", 0),
            ("one", 3_000),
            ("two", 5_000),
        ]

    def test_says_nothing_of_an_endpoint_that_nobody_knows(self, report, rows):
        report(endpoint="<script>")
        report(sid=SID[::-1], endpoint="cdn")

        assert sorted(row["endpoint"] for row in rows(Player)) == ["", "cdn"]


def endpoint(name, room="hall", **more):
    zeros = dict.fromkeys(("clients", "bitrate", "cbitrate"), 0)
    values = zeros | {"figures": {}, "host": "192.0.2.1", "since": NOON, "last_seen": NOON} | more
    return Endpoint(room=room, name=name, **values)


class TestFigures:
    def test_are_those_of_each_endpoint(self, engine, report, figures):
        with Session(engine) as db, db.begin():
            db.add(endpoint("one"))
        for number in range(1, 21):
            report(0, sid=f"{SID}{number}", endpoint="one", startup_ms=100 * number, bitrate=1000)
        for number in range(1, 21):
            report(4, sid=f"{SID}{number}", endpoint="one", played_ms=3_000, rebuffer_ms=1_000)
        report(4, sid=SID, endpoint="cdn", played_ms=1_800_000, errors=2, bitrate=4_000)

        elsewhere, one = figures(5)

        assert (elsewhere.endpoint, elsewhere.viewers, elsewhere.errors_per_hour) == ("cdn", 1, 4.0)
        assert (one.endpoint, one.viewers, one.starts) == ("one", 20, 20)
        assert (one.startup_p50_ms, one.startup_p95_ms) == (1_000, 1_900)
        assert one.rebuffer_ratio == 0.25
        assert (one.bitrate, elsewhere.bitrate) == (None, 4_000)

    def test_of_the_whole_room_are_not_the_mean_of_its_endpoints(self, report, figures):
        report(0, sid=f"{SID}1", endpoint="cdn", startup_ms=100)
        report(0, sid=f"{SID}2", endpoint="youtube", startup_ms=900)
        report(0, sid=f"{SID}3", endpoint="youtube", startup_ms=900)

        [hall] = figures(5, by_endpoint=False)

        assert (hall.endpoint, hall.viewers, hall.startup_p50_ms) == (None, 3, 900)

    def test_forget_what_was_long_ago(self, report, figures):
        report(0, played_ms=5_000)

        assert figures(301) == []

    @pytest.fixture
    def figures(self, engine):
        """Return a function that asks for the figures of the hall, some seconds after noon."""

        def figures(seconds, **more):
            with Session(engine) as db:
                return PlaybackService(db, REPORTING).figures(
                    now=NOON + timedelta(seconds=seconds), room="hall", **more
                )

        return figures


class TestThePast:
    @pytest.fixture
    def counts(self, engine):
        """Return a function that counts at every ten seconds of the first minutes after noon."""

        def counts(seconds, **more):
            with Session(engine) as db:
                moments = Viewers(db).over_time(
                    begin=NOON,
                    end=NOON + timedelta(seconds=seconds),
                    step=timedelta(seconds=10),
                    **more,
                )
            assert [moment for moment, _ in moments] == [
                NOON + timedelta(seconds=10 * number) for number in range(seconds // 10 + 1)
            ]
            return [count for _, count in moments]

        return counts

    def test_a_viewer_is_there_from_the_first_report_to_the_goodbye(self, report, counts):
        report(10)
        report(15.000_001, sid=SID[::-1])
        report(30, played_ms=15_000, leaving=True)

        assert counts(40) == [0, 1, 2, 0, 0]

    def test_who_was_there_before_is_counted(self, report, counts):
        report(-3)

        assert counts(10) == [1, 0]

    def test_who_went_and_came_back_was_away(self, report, counts):
        report(0)
        report(10, played_ms=10_000, leaving=True)
        report(100, played_ms=11_000)
        report(105, played_ms=16_000, leaving=True)

        assert counts(110) == [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]

    def test_who_moved_was_in_one_room_and_then_in_the_other(self, report, counts):
        report(0, room="hall")
        report(10, room="lab", played_ms=10_000)

        assert counts(10, room="hall") == [1, 0]
        assert counts(10, room="lab") == [0, 1]
        assert counts(10) == [1, 1]


def test_who_has_come_since_a_moment_is_new_to_an_endpoint(engine, report):
    for seconds, sid in ((0, "1"), (4, "2")):
        report(seconds, sid=SID + sid, endpoint="cdn")
    report(5, sid=f"{SID}1", endpoint="youtube", played_ms=5_000)

    with Session(engine) as db:
        joined = Viewers(db).joined_since(
            NOON + timedelta(seconds=1), now=NOON + timedelta(seconds=5)
        )

    assert joined == {("hall", "cdn"): 1, ("hall", "youtube"): 1}


def test_many_players_report_rarely(engine, report):
    for number in range(1, 241):
        due = report(number / 100, sid=f"{SID}{number}")

    # 240 players at 20 reports a second are 12 s, less what keeps them apart.
    assert 9 <= due <= 12
    assert report(3, sid=f"{SID}hidden", hidden=True) == 60
