"""What `make faults` has found."""

import json
import runpy

import pytest


@pytest.fixture
def late(root):
    # By its path, since the tests have a package of that name.
    return runpy.run_path(str(root / "benchmarks/faults.py"))["late"]


def test_every_fault_was_over_within_five_seconds(root, late):
    figures = json.loads((root / "benchmarks/faults.json").read_text())

    assert len(figures) > 30
    assert late(figures) == []


def test_one_that_took_longer_is_named(late):
    figures = [
        {"fault": "one", "pages_back": 5.0, "writes_back": 0.1},
        {"fault": "two", "pages_back": 5.1},
        {"fault": "three", "writes_back": 61},
        {"fault": "four"},
    ]

    assert late(figures) == ["two", "three"]
