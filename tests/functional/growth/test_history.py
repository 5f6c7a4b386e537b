"""Figures over time: right at every step, and the same whatever they are read from."""

import pytest
from sqlalchemy.orm import Session

from streaming_system.tracker.audience.viewer_history import ViewerHistory
from streaming_system.tracker.models import Playback, Player, Sample

from .reports import MINUTE, NOW, SECOND, held, playback, players, samples

pytestmark = pytest.mark.both_databases


@pytest.fixture
def watching(engine):
    """Return a function that reads how many watched, and how well, before a moment."""

    def watching(minutes, step, room=None):
        with Session(engine) as db:
            return ViewerHistory(db).series(
                begin=NOW - minutes * MINUTE, end=NOW, step=step, room=room
            )

    return watching


@pytest.mark.parametrize("step", [30, 60, 300, 600, 1800])
def test_graphs_are_the_same_before_and_after(add, prune, lines, step):
    add(Sample, samples(7))
    span = 50 if step < 60 else 190
    before = lines(span, step * SECOND)

    prune()
    after = lines(span, step * SECOND)

    assert after.times == before.times
    assert set(after.series) == set(before.series)
    for name, line in before.series.items():
        assert after.series[name].clients == pytest.approx(line.clients)
        assert after.series[name].bitrate == pytest.approx(line.bitrate)


@pytest.mark.parametrize("step", [5, 30, 60, 600])
def test_a_point_of_a_graph_is_the_mean_over_time_of_all_endpoints(add, lines, step):
    reported = samples(11, minutes=60)
    add(Sample, reported)

    found = lines(50, step * SECOND)

    for place, at in enumerate(found.times[:-1]):
        expected = held(reported, at, at + step * SECOND)
        for room, line in found.series.items():
            clients = sum(value[0] for key, value in expected.items() if key[0] == room)
            assert line.clients[place] == pytest.approx(clients / 1000 / step)


def test_lines_of_a_room_are_its_endpoints_and_add_up_to_it(add, prune, lines):
    add(Sample, samples(13))
    prune(NOW - 20 * MINUTE)

    room = lines(190, MINUTE).series["hall"]
    endpoints = lines(190, MINUTE, room="hall").series

    assert set(endpoints) == {"a", "b"}
    assert [a + b for a, b in zip(endpoints["a"].clients, endpoints["b"].clients, strict=True)] == (
        pytest.approx(list(room.clients))
    )


def test_an_endpoint_that_ends_falls_to_zero(add, prune, lines):
    begun = NOW.replace(second=0) - 30 * MINUTE
    add(
        Sample,
        [
            {"room": "hall", "name": name, "at": begun + place * MINUTE / 2, "clients": clients,
             "bitrate": 0, "cbitrate": 0, "figures": {}}
            for name, counts in (("silent", [7] * 8), ("leaving", [5] * 7 + [0]))
            for place, clients in enumerate(counts)
        ],
    )  # fmt: skip
    # The last report of one is that of half past the fourth minute, and holds for a minute; the
    # other sends its end report at that moment.
    expected = (0, 12, 12, 12, 7 + 5 / 2, 7 / 2, 0, 0)

    before = lines(31, MINUTE)
    prune()
    after = lines(31, MINUTE)

    for found in (before, after):
        assert found.times[1] == begun
        assert found.series["hall"].clients[:8] == expected
        assert set(found.series["hall"].clients[8:]) == {0}


def test_the_last_step_is_what_holds_now(add, lines):
    add(
        Sample,
        [
            {"room": "hall", "name": name, "at": NOW - ago * SECOND, "clients": clients,
             "bitrate": 0, "cbitrate": 0, "figures": {}}
            for name, ago, clients in (("a", 5, 10), ("b", 59, 20), ("dead", 61, 40))
        ],
    )  # fmt: skip

    assert lines(10, MINUTE).series["hall"].clients[-1] == 30


@pytest.mark.parametrize("step", [1, 5, 10, 30])
def test_viewers_and_waiting_are_the_same_before_and_after(add, prune, watching, step):
    reports, open_players = playback(37), players(37)
    add(Playback, reports)
    add(Player, open_players)

    before = watching(85, step * MINUTE)
    prune()
    after = watching(85, step * MINUTE)

    assert after == before
    for place, at in enumerate((*before.times[1:-1], NOW), start=1):
        for room, viewers in before.viewers.items():
            assert viewers[place] == sum(
                row["begun"] <= at < row["until"] for row in open_players if row["room"] == room
            )
    for place, at in enumerate(before.times[:-1]):
        within = [row for row in reports if at <= row["at"] < at + step * MINUTE]
        for room, shares in before.rebuffering.items():
            waited = sum(row["rebuffer_ms"] for row in within if row["room"] == room)
            played = sum(row["played_ms"] for row in within if row["room"] == room)
            assert shares[place] == (
                pytest.approx(waited / (waited + played)) if waited + played else None
            )


def test_viewers_of_one_room_are_its_own(add, watching):
    add(Player, players(41))

    assert watching(60, MINUTE, room="lab").viewers == {"lab": watching(60, MINUTE).viewers["lab"]}
