"""What `make faults` has found."""

import json


def test_every_fault_was_over_within_five_seconds(root, script):
    figures = json.loads((root / "benchmarks/faults.json").read_text())

    assert len(figures) > 30
    assert script("faults").late(figures) == []


def test_one_that_took_longer_is_named(script):
    figures = [
        {"fault": "one", "pages_back": 5.0, "writes_back": 0.1},
        {"fault": "two", "pages_back": 5.1},
        {"fault": "three", "writes_back": 61},
        {"fault": "four"},
    ]

    assert script("faults").late(figures) == ["two", "three"]
