"""Histograms: what minutes add up to."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from streaming_system.tracker.history.histogram import BUCKETS, MIN_VALUE, add, merge, quantile

VALUES = some.lists(some.floats(MIN_VALUE, 600_000), min_size=1, max_size=50)


def histogram(values):
    bins = []
    for value in values:
        bins = add(bins, value)
    return bins


@given(VALUES, some.sampled_from((0.5, 0.95, 1.0)))
def test_a_quantile_is_within_five_percent_of_the_value_that_it_stands_for(values, share):
    wanted = sorted(values)[max(0, -(-int(share * 100) * len(values) // 100) - 1)]

    assert quantile(histogram(values), share) == pytest.approx(wanted, rel=0.05)


@given(VALUES, VALUES)
def test_histograms_add_up(some_values, others):
    assert merge(histogram(some_values), histogram(others)) == histogram(some_values + others)


def test_nothing_has_no_quantile():
    assert quantile([], 0.5) is None
    assert quantile(merge([], []), 0.95) is None


@pytest.mark.parametrize("value", [0, 1e12])
def test_values_out_of_range_have_a_place(value):
    assert sum(add([], value)) == 1
    assert len(add([], value)) <= BUCKETS
