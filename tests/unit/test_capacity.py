"""The plan for events of any size: it follows from what was measured, and the docs show today's."""

import json

import pytest


@pytest.fixture(scope="module")
def capacity(script):
    """The model, which is a script beside the benchmarks."""
    return script("capacity")


@pytest.fixture(scope="module")
def costs(root):
    return json.loads((root / "benchmarks/costs.json").read_text())


def test_the_docs_show_what_the_model_says(root, capacity, costs):
    shown = (root / "docs/capacity.md").read_text()

    assert capacity.written_into(shown, costs) == shown, "make capacity ARGS=--docs renews it"


def test_twice_the_viewers_need_twice_the_streams_and_never_less_of_anything(capacity, costs):
    plans = [capacity.plan(viewers, costs, capacity.Assumptions()) for viewers in (50_000, 100_000)]
    small, large = plans

    assert large.streams == 2 * small.streams
    assert large.hosts["streams"] == 2 * small.hosts["streams"]
    assert all(large.cores[app] >= small.cores[app] for app in small.cores)
    assert large.rows > small.rows


def test_reports_stay_few_while_the_event_is_small(capacity, costs):
    """The players' own rule: docs/playback.md."""
    found = {
        viewers: capacity.plan(viewers, costs, capacity.Assumptions()).requests["report"]
        for viewers in (10, 200, 1200, 60_000)
    }

    assert found == {10: 2, 200: 20, 1200: 20, 60_000: 1000}


def test_a_small_event_runs_on_one_machine_and_a_large_one_does_not(capacity, costs):
    assumed = capacity.Assumptions()

    small = capacity.plan(500, costs, assumed)
    large = capacity.plan(1_000_000, costs, assumed)

    assert small.hosts == {"everything but streams": 1, "streams": 1}
    # Whatever may fail stands there twice.
    assert large.hosts["nginx"] >= 2
    assert large.hosts["apps"] >= 2


def test_a_dearer_report_needs_more_workers(capacity, costs):
    dear = json.loads(json.dumps(costs))
    dear["requests"]["report"]["ms"]["tracker"] *= 2
    assumed = capacity.Assumptions()

    assert (
        capacity.plan(100_000, dear, assumed).workers["tracker"]
        > 1.5 * capacity.plan(100_000, costs, assumed).workers["tracker"]
    )
