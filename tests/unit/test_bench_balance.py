"""How viewers are shared out: a small run of what `make bench-balance` simulates, and its goals."""

import json
import sys

import pytest

EQUAL = [10.0] * 10


@pytest.fixture
def balance(root, monkeypatch):
    """The simulation, of an audience that is quickly simulated."""
    monkeypatch.syspath_prepend(str(root / "benchmarks"))
    import balance

    monkeypatch.setattr(balance, "VIEWERS", 500)
    # Before half of so few have come, chance alone makes the shares uneven.
    monkeypatch.setattr(balance, "MEASURED_FROM", 60.0)
    yield balance
    del sys.modules["balance"]


def test_a_viewer_who_asks_the_tracker_is_sent_where_there_is_most_room(balance):
    assert balance.run(EQUAL, balance.OursOnTheServer, seed=0) < 1.15


def test_viewers_who_draw_from_a_list_storm_no_server(balance):
    ours = balance.run(EQUAL, balance.OursCached, seed=0)
    original = balance.run(EQUAL, balance.Original, seed=0)

    assert ours < 2
    assert original > 4


def test_what_was_measured_last_reaches_the_goals(balance, root):
    figures = json.loads((root / "benchmarks/balance.json").read_text())

    assert balance.missed(figures, homeless=0) == []


def test_a_goal_that_is_missed_is_named(balance, root):
    figures = json.loads((root / "benchmarks/balance.json").read_text())
    figures["ours, on the server (stream.js)"]["10 equal"] = 1.06

    assert balance.missed(figures, homeless=2) == [
        "ours, on the server (stream.js), 10 equal: 1.060, allowed is 1.05",
        "without a stream after 10 s: 2, allowed is 0",
    ]
