"""How long things took: counts in bins whose edges grow by the fourth root of two.

A quantile is right within a tenth, whatever its size. A histogram is a list of counts, as long
as its last bin that has any.
"""

import math
from collections.abc import Sequence

_PER_OCTAVE = 4


def add(histogram: list[int], milliseconds: int) -> None:
    """Count one more."""
    place = round(_PER_OCTAVE * math.log2(1 + max(milliseconds, 0)))
    histogram.extend([0] * (place + 1 - len(histogram)))
    histogram[place] += 1


def merge(histograms: Sequence[Sequence[int]]) -> list[int]:
    """Return one histogram of all that others have counted."""
    merged = [0] * max(map(len, histograms), default=0)
    for histogram in histograms:
        for place, count in enumerate(histogram):
            merged[place] += count
    return merged


def quantile(histogram: Sequence[int], share: float) -> float | None:
    """Return below how many milliseconds that share of the things was; ``None`` for no things."""
    wanted = share * sum(histogram)
    seen = 0
    for place, count in enumerate(histogram):
        seen += count
        if count and seen >= wanted:
            return 2 ** (place / _PER_OCTAVE) - 1
    return None
