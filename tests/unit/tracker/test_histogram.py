"""Histograms with exponential buckets."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from streaming_system.tracker.history.histogram import BUCKETS, MIN_VALUE, add, merge, quantile

VALUES = some.lists(some.floats(MIN_VALUE, 600_000), min_size=1, max_size=50)


def histogram(values):
    buckets = []
    for value in values:
        buckets = add(buckets, value)
    return buckets


@given(VALUES, some.sampled_from((0.5, 0.95, 1.0)))
def test_quantile_has_an_error_of_five_percent_at_most(values, share):
    expected = sorted(values)[max(0, -(-int(share * 100) * len(values) // 100) - 1)]

    assert quantile(histogram(values), share) == pytest.approx(expected, rel=0.05)


@given(VALUES, VALUES)
def test_merge_equals_the_histogram_of_all_values(values, others):
    assert merge(histogram(values), histogram(others)) == histogram(values + others)


def test_empty_histogram_has_no_quantile():
    assert quantile([], 0.5) is None
    assert quantile(merge([], []), 0.95) is None


@pytest.mark.parametrize("value", [0, 1e12])
def test_values_out_of_range_are_counted(value):
    assert sum(add([], value)) == 1
    assert len(add([], value)) <= BUCKETS
