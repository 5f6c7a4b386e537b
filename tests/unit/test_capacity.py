"""Capacity plans for events of any size, and their table in the docs."""

import json

import pytest


@pytest.fixture(scope="module")
def capacity(script):
    return script("capacity")


@pytest.fixture(scope="module")
def costs(root):
    return json.loads((root / "benchmarks/costs.json").read_text())


def test_docs_contain_the_plans(root, capacity, costs):
    text = (root / "docs/explanation/capacity.md").read_text()

    assert capacity.update_document(text, costs) == text, "run make capacity ARGS=--docs"


def test_twice_the_viewers_need_twice_the_streams(capacity, costs):
    plans = [
        capacity.make_plan(viewers, costs, capacity.Assumptions()) for viewers in (50_000, 100_000)
    ]
    small, large = plans

    assert large.streams == 2 * small.streams
    assert large.hosts["streams"] == 2 * small.hosts["streams"]
    assert all(large.cores[app] >= small.cores[app] for app in small.cores)
    assert large.rows > small.rows


def test_report_rate_is_limited_for_small_events(capacity, costs):
    """The players follow the same rule: docs/reference/playback.md."""
    rates = {
        viewers: capacity.make_plan(viewers, costs, capacity.Assumptions()).requests["report"]
        for viewers in (10, 200, 1200, 60_000)
    }

    assert rates == {10: 2, 200: 20, 1200: 20, 60_000: 1000}


def test_small_event_needs_one_host_and_large_event_several(capacity, costs):
    assumed = capacity.Assumptions()

    small = capacity.make_plan(500, costs, assumed)
    large = capacity.make_plan(1_000_000, costs, assumed)

    assert small.hosts == {"everything but streams": 1, "streams": 1}
    # Hosts that may fail are redundant.
    assert large.hosts["nginx"] >= 2
    assert large.hosts["apps"] >= 2


def test_more_expensive_reports_need_more_workers(capacity, costs):
    expensive = json.loads(json.dumps(costs))
    expensive["requests"]["report"]["ms"]["tracker"] *= 2
    assumed = capacity.Assumptions()

    assert (
        capacity.make_plan(100_000, expensive, assumed).workers["tracker"]
        > 1.5 * capacity.make_plan(100_000, costs, assumed).workers["tracker"]
    )
