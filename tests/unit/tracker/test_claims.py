"""What counts of the claims of one report."""

from datetime import timedelta

import pytest

from streaming_system.tracker.ingest.claims import bound_claims, counted_columns
from streaming_system.tracker.ingest.player_report import TOTAL_COLUMNS, PlayerReport

NOTHING = dict.fromkeys(TOTAL_COLUMNS, 0)


def claims(**values):
    return NOTHING | values


def seconds(number):
    return timedelta(seconds=number)


def test_plausible_claims_count_unchanged():
    claimed = claims(played_ms=55_000, rebuffer_ms=4_000, rebuffers=3, dropped=90, errors=1)

    assert bound_claims(claimed, seconds(60)) == claimed


@pytest.mark.parametrize(
    ("claimed", "elapsed", "counted"),
    [
        # A report that is late makes the next one seem early; the ratio stays.
        (claims(played_ms=8_000, rebuffer_ms=2_000), 5, claims(played_ms=4_000, rebuffer_ms=1_000)),
        (claims(rebuffers=60), 5, claims(rebuffers=5)),
        (claims(errors=9), 20, claims(errors=3)),
        # A report after the outage of a day.
        (
            claims(played_ms=86_400_000),
            86_400,
            claims(played_ms=300_000),
        ),
        # The clock of the tracker was set back.
        (claims(played_ms=5_000), -60, claims()),
    ],
)
def test_claims_are_bounded_by_the_time_since_the_last_report(claimed, elapsed, counted):
    assert bound_claims(claimed, seconds(elapsed)) == counted


def test_first_report_counts_a_moment_of_playing_and_no_stall():
    claimed = claims(played_ms=30_000, rebuffer_ms=20_000, rebuffers=4, errors=3, dropped=100)

    assert bound_claims(claimed, None) == claims(played_ms=2_000, errors=1)


@pytest.mark.parametrize("elapsed", [None, seconds(0), seconds(5), seconds(60)])
@pytest.mark.parametrize(
    "claimed",
    [
        claims(rebuffer_ms=2_678_400_000),
        claims(played_ms=2_678_400_000),
        claims(played_ms=200_000, rebuffer_ms=200_000),
        claims(errors=1_000_000),
        claims(rebuffers=1_000_000),
        claims(dropped=10**9),
    ],
)
def test_nothing_of_an_impossible_report_counts(claimed, elapsed):
    report = PlayerReport(sid="a", room="hall", bitrate=1000, network=7, **claimed)

    assert counted_columns(report, claimed, elapsed, 800) == NOTHING | {
        "startup_ms": None,
        "bitrate": None,
        "network": 7,
        "outliers": 1,
    }


def test_impossible_bitrate_does_not_count():
    report = PlayerReport(sid="a", room="hall", bitrate=10**13)

    columns = counted_columns(report, claims(played_ms=5_000), seconds(5), None)

    assert (columns["bitrate"], columns["played_ms"], columns["outliers"]) == (None, 5_000, 0)
