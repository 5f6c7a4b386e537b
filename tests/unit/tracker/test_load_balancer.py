"""The rules of the load balancer, without a database."""

import pytest

from streaming_system.tracker.endpoints.formats import MediaLevel
from streaming_system.tracker.endpoints.load_balancer import (
    WEIGHT_SCALE,
    Candidate,
    eligible,
    estimate_loads,
    least_utilised,
    selection_weights,
)

GBIT = 10**9
RATE = 2_000_000


def candidate(name, viewers=0, **more):
    return Candidate(
        name=name,
        clients=viewers,
        bitrate=viewers * RATE,
        **({"machine_bitrate": viewers * RATE} | more),
    )


def names(loads):
    return [load.candidate.name for load in loads]


class TestLeastUtilised:
    def test_endpoint_with_the_lowest_utilisation_is_chosen(self):
        small = candidate("small", 100, capacity=GBIT)
        large = candidate("large", 500, capacity=10 * GBIT)

        assert least_utilised(estimate_loads([small, large])).candidate is large

    def test_pending_viewers_count_as_load(self):
        busy = candidate("busy", 10, pending_viewers=50, capacity=GBIT)
        quiet = candidate("quiet", 20, capacity=GBIT)

        assert least_utilised(estimate_loads([busy, quiet])).candidate is quiet

    def test_bitrate_of_the_whole_machine_counts_as_load(self):
        busy = candidate("busy", 10, machine_bitrate=400 * RATE, capacity=GBIT)
        quiet = candidate("quiet", 100, capacity=GBIT)

        assert least_utilised(estimate_loads([busy, quiet])).candidate is quiet

    def test_no_endpoint_is_chosen_from_none(self):
        assert least_utilised(estimate_loads([])) is None

    def test_endpoints_of_equal_load_are_ordered_by_name(self):
        assert (
            least_utilised(estimate_loads([candidate("b"), candidate("a")])).candidate.name == "a"
        )


class TestEligible:
    @pytest.mark.parametrize(
        ("candidates", "expected"),
        [
            ([candidate("a"), candidate("b", draining=True)], ["a"]),
            ([candidate("a", 600, capacity=GBIT), candidate("b", 1)], ["b"]),
            ([candidate("a", 600, capacity=GBIT), candidate("b", draining=True)], ["a"]),
            ([candidate("b", draining=True)], ["b"]),
            ([candidate("a", 600), candidate("b", 9000)], ["a", "b"]),
            ([candidate("a", draining=True), candidate("b", media=MediaLevel.AUDIO)], ["a"]),
            (
                [candidate("a", media=MediaLevel.OTHER), candidate("b", media=MediaLevel.AUDIO)],
                ["b"],
            ),
            ([candidate("a", slate=True), candidate("b", 9000)], ["b"]),
            ([candidate("a", slate=True), candidate("b", 600, capacity=GBIT)], ["b"]),
            ([candidate("a", slate=True)], ["a"]),
            ([], []),
        ],
        ids=[
            "draining ones are excluded",
            "full ones are excluded",
            "full ones come before draining ones",
            "draining ones are the last choice",
            "unknown capacity is never full",
            "video comes before audio",
            "audio comes before other formats",
            "slates are excluded",
            "full ones come before slates",
            "a slate is better than nothing",
            "no endpoints",
        ],
    )
    def test_eligible_endpoints(self, candidates, expected):
        assert names(eligible(estimate_loads(candidates))) == expected

    def test_preferred_endpoints_are_chosen_until_full(self):
        near = candidate("near", labels=frozenset(["eu"]), capacity=GBIT)
        full = candidate("near", 600, labels=frozenset(["eu"]), capacity=GBIT)
        far = candidate("far", labels=frozenset(["us"]), capacity=GBIT)

        assert names(eligible(estimate_loads([near, far]), ("eu",))) == ["near"]
        assert names(eligible(estimate_loads([full, far]), ("eu",))) == ["far"]
        assert names(eligible(estimate_loads([near, far]), ("asia",))) == ["near", "far"]


class TestSelectionWeights:
    def test_weights_follow_headroom(self):
        loads = estimate_loads(
            [candidate("a", 250, capacity=GBIT), candidate("b", capacity=9 * GBIT)]
        )

        assert selection_weights(loads) == [
            round(WEIGHT_SCALE * 0.5 / 9.5),
            round(WEIGHT_SCALE * 9 / 9.5),
        ]

    def test_draining_endpoint_has_weight_zero(self):
        loads = estimate_loads([candidate("a"), candidate("b", draining=True)])

        assert selection_weights(loads) == [WEIGHT_SCALE, 0]

    def test_weights_of_full_endpoints_follow_capacity(self):
        loads = estimate_loads(
            [candidate("a", 900, capacity=GBIT), candidate("b", 9000, capacity=9 * GBIT)]
        )

        assert selection_weights(loads) == [100, 900]

    def test_audio_endpoints_have_weights_of_their_own(self):
        loads = estimate_loads(
            [
                candidate("a", 900, capacity=GBIT),
                candidate("b", capacity=GBIT, media=MediaLevel.AUDIO),
                candidate("c", capacity=3 * GBIT, media=MediaLevel.AUDIO),
                candidate("d", draining=True, media=MediaLevel.AUDIO),
            ]
        )

        assert selection_weights(loads) == [1000, 250, 750, 0]

    def test_unknown_capacity_counts_as_the_default_and_is_never_full(self):
        loads = estimate_loads([candidate("a", 5000), candidate("b", capacity=GBIT)])

        [unknown, known] = selection_weights(loads)
        assert 0 < unknown < known

    def test_impossible_metrics_of_one_endpoint_do_not_affect_the_others(self):
        mad = Candidate(name="mad", clients=1, bitrate=10**13, machine_bitrate=10**13)

        assert selection_weights(estimate_loads([mad, candidate("a", 10), candidate("b", 10)]))[
            1:
        ] == [495, 495]
