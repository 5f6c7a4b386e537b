"""Load balancing: a small run of the simulation of `make bench-balance`, and its goals."""

import json
import sys

import pytest

EQUAL = [10.0] * 10


@pytest.fixture
def balance(root, monkeypatch):
    """The simulation with few viewers, which is fast."""
    monkeypatch.syspath_prepend(str(root / "benchmarks"))
    import balance

    monkeypatch.setattr(balance, "VIEWERS", 500)
    # With fewer viewers, randomness alone makes the load uneven.
    monkeypatch.setattr(balance, "MEASURE_AFTER", 60.0)
    yield balance
    del sys.modules["balance"]


def test_tracker_assigns_viewers_to_the_endpoint_with_most_headroom(balance):
    assert balance.simulate(EQUAL, balance.ServerSideRule, seed=0) < 1.15


def test_random_selection_from_a_list_overloads_no_endpoint(balance):
    ours = balance.simulate(EQUAL, balance.ClientSideRule, seed=0)
    original = balance.simulate(EQUAL, balance.LeastBitrateRule, seed=0)

    assert ours < 2
    assert original > 4


def test_committed_results_reach_the_goals(balance, root):
    ratios = json.loads((root / "benchmarks/balance.json").read_text())

    assert balance.missed_goals(ratios, homeless=0) == []


def test_missed_goals_are_reported(balance, root):
    ratios = json.loads((root / "benchmarks/balance.json").read_text())
    ratios["ours, on the server (stream.js)"]["10 equal"] = 1.06

    assert balance.missed_goals(ratios, homeless=2) == [
        "ours, on the server (stream.js), 10 equal: 1.060, allowed: 1.05",
        "without a stream after 10 s: 2, allowed: 0",
    ]
