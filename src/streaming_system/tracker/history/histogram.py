"""Histograms with exponential buckets, which can be merged.

A histogram is a list of counts. All histograms have the same buckets, so those of minutes add up
to those of hours. Bucket 0 counts values below :data:`MIN_VALUE`; each following bucket is
:data:`BUCKET_GROWTH` times as wide as the one before. Trailing empty buckets are omitted.
"""

import math
from collections.abc import Sequence
from itertools import zip_longest

MIN_VALUE = 10.0
BUCKET_GROWTH = 1.1
# The last bucket has no upper bound. With a first bucket of 10 ms, it starts at 15 minutes.
BUCKETS = 121


def add(histogram: Sequence[int], value: float, count: int = 1) -> list[int]:
    """Return a histogram with one more value.

    :param value: 0 or more.
    """
    buckets = list(histogram)
    index = bucket_index(value)
    buckets.extend([0] * (index + 1 - len(buckets)))
    buckets[index] += count
    return buckets


def merge(*histograms: Sequence[int]) -> list[int]:
    """Return the sum of histograms."""
    return [sum(counts) for counts in zip_longest(*histograms, fillvalue=0)]


def quantile(histogram: Sequence[int], share: float) -> float | None:
    """Return the value that this share of all values does not exceed; ``None`` without values.

    The result is the middle of a bucket: for values from :data:`MIN_VALUE`, the error is 5 % at
    most.
    """
    rank = share * sum(histogram)
    cumulated = 0
    for index, count in enumerate(histogram):
        cumulated += count
        if count and cumulated >= rank:
            return MIN_VALUE / 2 if index == 0 else MIN_VALUE * BUCKET_GROWTH ** (index - 0.5)
    return None


def bucket_index(value: float) -> int:
    """Return the index of the bucket that counts a value."""
    if value < MIN_VALUE:
        return 0
    return min(int(math.log(value / MIN_VALUE, BUCKET_GROWTH)) + 1, BUCKETS - 1)
