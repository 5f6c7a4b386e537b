"""Who watches, and how well: the services, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from streaming_system.tracker.db import make_engine
from streaming_system.tracker.models import Endpoint, Player
from streaming_system.tracker.models import Playback as PlaybackRow
from streaming_system.tracker.services.playback import Playback, PlayerReport
from streaming_system.tracker.services.viewers import Viewers

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
SETTINGS = {"report.rate": 20.0, "report.shortest": 5, "report.longest": 60}
SID = "4dd8bff7-2f5a-4a0b-8b34-34ac1ae39a7e"


@pytest.fixture
def engine(database):
    engine = make_engine({"sqlalchemy.url": database})
    yield engine
    engine.dispose()


@pytest.fixture
def report(engine):
    """Return a function that takes a report, some seconds after noon."""

    def report(seconds=0.0, sid=SID, room="hall", **more):
        with Session(engine) as db, db.begin():
            return Playback(db, SETTINGS).report(
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
