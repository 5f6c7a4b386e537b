"""What a registration may say."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from streaming_system.tracker.endpoints.formats import LEGACY_STREAMS
from streaming_system.tracker.legacy.stats_schema import InvalidStatsError, parse_stats
from streaming_system.tracker.schemas.types import MAX_BITRATE, MAX_CLIENTS

KINDS = ("clients", "bitrate", "cbitrate")
NAMES = [f"{stream}_{kind}" for stream in ("overall", *LEGACY_STREAMS) for kind in KINDS]
ANYTHING = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
    max_leaves=8,
)


@given(some.text() | some.dictionaries(some.sampled_from(NAMES) | some.text(), ANYTHING))
def test_whatever_is_sent_gives_sane_figures_or_one_printable_line(sent):
    text = sent if isinstance(sent, str) else json.dumps(sent)
    try:
        figures = parse_stats(text)
    except InvalidStatsError as refusal:
        line = str(refusal)
        assert line.isprintable()
        assert len(line) < 180
    else:
        assert set(figures) <= set(NAMES)
        for name, value in figures.items():
            assert type(value) is int
            assert 0 <= value <= (MAX_CLIENTS if name.endswith("_clients") else MAX_BITRATE)


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_has_its_bounds(name):
    most = MAX_CLIENTS if name.endswith("_clients") else MAX_BITRATE

    assert parse_stats(json.dumps({name: most}))[name] == most
    for wrong in (most + 1, -1, 10**308 * 10, "1", True, None, [], {}):
        with pytest.raises(
            InvalidStatsError, match=f"^{name} is .*; allowed: a number from 0 to {most}$"
        ):
            parse_stats(json.dumps({name: wrong}))


def test_only_the_declared_totals_are_filled_in():
    assert parse_stats("{}") == {
        "overall_clients": 0,
        "overall_bitrate": 0,
        "overall_cbitrate": 0,
    }
