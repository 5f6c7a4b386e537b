"""How often which value came up, in few numbers that can be added: bins of growing width.

A histogram is a list of counts. Its bins are the same everywhere, so that those of minutes add up
to those of hours. Bin 0 holds what is below :data:`MIN_VALUE`; each of the others is
:data:`BUCKET_GROWTH` times as wide as the one before it. Trailing empty bins are not kept.
"""

import math
from collections.abc import Sequence
from itertools import zip_longest

MIN_VALUE = 10.0
BUCKET_GROWTH = 1.1
# What is larger belongs to the last bin: with a first bin of 10 ms, a quarter of an hour.
BUCKETS = 121


def add(histogram: Sequence[int], value: float, count: int = 1) -> list[int]:
    """Return a histogram with a value more.

    :param value: 0 or more.
    """
    bins = list(histogram)
    place = bucket_index(value)
    bins.extend([0] * (place + 1 - len(bins)))
    bins[place] += count
    return bins


def merge(*histograms: Sequence[int]) -> list[int]:
    """Return the sum of histograms."""
    return [sum(counts) for counts in zip_longest(*histograms, fillvalue=0)]


def quantile(histogram: Sequence[int], share: float) -> float | None:
    """Return a value that this share of all values does not exceed; ``None`` if there are none.

    It is at most 5 % off for values from :data:`MIN_VALUE` on: the middle of the bin in which it lies.
    """
    wanted = share * sum(histogram)
    below = 0
    for place, count in enumerate(histogram):
        below += count
        if count and below >= wanted:
            return MIN_VALUE / 2 if place == 0 else MIN_VALUE * BUCKET_GROWTH ** (place - 0.5)
    return None


def bucket_index(value: float) -> int:
    """Return the number of the bin that a value belongs to."""
    if value < MIN_VALUE:
        return 0
    return min(int(math.log(value / MIN_VALUE, BUCKET_GROWTH)) + 1, BUCKETS - 1)
