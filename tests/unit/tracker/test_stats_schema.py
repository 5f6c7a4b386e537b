"""The metrics that an endpoint may register with in the legacy protocol."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from streaming_system.tracker.endpoints.formats import LEGACY_STREAMS
from streaming_system.tracker.legacy.stats_schema import InvalidStatsError, parse_stats
from streaming_system.tracker.schemas.types import MAX_CLIENTS
from streaming_system.util.validation import MAX_BITRATE

METRICS = ("clients", "bitrate", "cbitrate")
NAMES = [f"{stream}_{metric}" for stream in ("overall", *LEGACY_STREAMS) for metric in METRICS]
ANY_JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
    max_leaves=8,
)


def maximum_of(name):
    return MAX_CLIENTS if name.endswith("_clients") else MAX_BITRATE


@given(some.text() | some.dictionaries(some.sampled_from(NAMES) | some.text(), ANY_JSON))
def test_any_input_gives_valid_metrics_or_one_printable_line(body):
    text = body if isinstance(body, str) else json.dumps(body)
    try:
        stats = parse_stats(text)
    except InvalidStatsError as error:
        line = str(error)
        assert line.isprintable()
        assert len(line) < 180
    else:
        assert set(stats) <= set(NAMES)
        for name, value in stats.items():
            assert type(value) is int
            assert 0 <= value <= maximum_of(name)


@pytest.mark.parametrize("name", NAMES)
def test_metric_outside_its_bounds_is_refused(name):
    maximum = maximum_of(name)

    assert parse_stats(json.dumps({name: maximum}))[name] == maximum
    for value in (maximum + 1, -1, 10**308 * 10, "1", True, None, [], {}):
        with pytest.raises(
            InvalidStatsError, match=f"^{name} is .*; allowed: a number from 0 to {maximum}$"
        ):
            parse_stats(json.dumps({name: value}))


def test_missing_totals_are_zero():
    assert parse_stats("{}") == {
        "overall_clients": 0,
        "overall_bitrate": 0,
        "overall_cbitrate": 0,
    }
