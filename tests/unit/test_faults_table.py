"""The results of `make faults`."""

import json
import runpy

import pytest


@pytest.fixture
def slow_recoveries(root):
    # The path avoids a conflict with the package of tests.
    return runpy.run_path(str(root / "benchmarks/faults.py"))["slow_recoveries"]


def test_site_recovers_from_every_fault_within_five_seconds(root, slow_recoveries):
    results = json.loads((root / "benchmarks/faults.json").read_text())

    assert len(results) > 30
    assert slow_recoveries(results) == []


def test_slow_recoveries_are_reported(slow_recoveries):
    results = [
        {"fault": "one", "pages_back": 5.0, "writes_back": 0.1},
        {"fault": "two", "pages_back": 5.1},
        {"fault": "three", "writes_back": 61},
        {"fault": "four"},
    ]

    assert slow_recoveries(results) == ["two", "three"]
