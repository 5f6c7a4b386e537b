"""Who gets the next viewer: the rules, without a database."""

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


def names(found):
    return [standing.candidate.name for standing in found]


class TestChoose:
    def test_the_share_of_the_capacity_decides_not_the_bitrate(self):
        small = candidate("small", 100, capacity=GBIT)
        large = candidate("large", 500, capacity=10 * GBIT)

        assert least_utilised(estimate_loads([small, large])).candidate is large

    def test_viewers_who_are_on_their_way_count(self):
        stormed = candidate("stormed", 10, expected=50, capacity=GBIT)
        quiet = candidate("quiet", 20, capacity=GBIT)

        assert least_utilised(estimate_loads([stormed, quiet])).candidate is quiet

    def test_what_the_machine_sends_for_other_rooms_counts(self):
        busy = candidate("busy", 10, machine_bitrate=400 * RATE, capacity=GBIT)
        quiet = candidate("quiet", 100, capacity=GBIT)

        assert least_utilised(estimate_loads([busy, quiet])).candidate is quiet

    def test_nobody_is_no_choice(self):
        assert least_utilised(estimate_loads([])) is None

    def test_equals_are_told_apart_by_name_so_that_all_workers_agree(self):
        assert (
            least_utilised(estimate_loads([candidate("b"), candidate("a")])).candidate.name == "a"
        )


class TestEligible:
    @pytest.mark.parametrize(
        ("found", "expected"),
        [
            ([candidate("a"), candidate("b", closed=True)], ["a"]),
            ([candidate("a", 600, capacity=GBIT), candidate("b", 1)], ["b"]),
            ([candidate("a", 600, capacity=GBIT), candidate("b", closed=True)], ["a"]),
            ([candidate("b", closed=True)], ["b"]),
            ([candidate("a", 600), candidate("b", 9000)], ["a", "b"]),
            ([candidate("a", closed=True), candidate("b", serves=MediaLevel.SOUND)], ["a"]),
            (
                [candidate("a", serves=MediaLevel.OTHER), candidate("b", serves=MediaLevel.SOUND)],
                ["b"],
            ),
            ([], []),
        ],
        ids=[
            "not to one that is draining",
            "not to one that is full while another has room",
            "to a full one rather than to one that is draining",
            "to one that is draining rather than nowhere",
            "to any whose capacity nobody knows",
            "to any picture rather than to sound alone",
            "to sound rather than to what only some can play",
            "to nobody",
        ],
    )
    def test_a_viewer_is_sent(self, found, expected):
        assert names(eligible(estimate_loads(found))) == expected

    def test_the_preferred_come_first_until_they_are_full(self):
        near = candidate("near", labels=frozenset(["eu"]), capacity=GBIT)
        full = candidate("near", 600, labels=frozenset(["eu"]), capacity=GBIT)
        far = candidate("far", labels=frozenset(["us"]), capacity=GBIT)

        assert names(eligible(estimate_loads([near, far]), ("eu",))) == ["near"]
        assert names(eligible(estimate_loads([full, far]), ("eu",))) == ["far"]
        assert names(eligible(estimate_loads([near, far]), ("asia",))) == ["near", "far"]


class TestWeights:
    def test_they_follow_the_room_that_is_left(self):
        found = estimate_loads(
            [candidate("a", 250, capacity=GBIT), candidate("b", capacity=9 * GBIT)]
        )

        assert selection_weights(found) == [
            round(WEIGHT_SCALE * 0.5 / 9.5),
            round(WEIGHT_SCALE * 9 / 9.5),
        ]

    def test_who_may_get_nobody_is_drawn_only_when_the_others_have_failed(self):
        found = estimate_loads([candidate("a"), candidate("b", closed=True)])

        assert selection_weights(found) == [WEIGHT_SCALE, 0]

    def test_full_ones_share_what_is_there_by_capacity(self):
        found = estimate_loads(
            [candidate("a", 900, capacity=GBIT), candidate("b", 9000, capacity=9 * GBIT)]
        )

        assert selection_weights(found) == [100, 900]

    def test_those_with_sound_alone_share_who_wants_just_that(self):
        found = estimate_loads(
            [
                candidate("a", 900, capacity=GBIT),
                candidate("b", capacity=GBIT, serves=MediaLevel.SOUND),
                candidate("c", capacity=3 * GBIT, serves=MediaLevel.SOUND),
                candidate("d", closed=True, serves=MediaLevel.SOUND),
            ]
        )

        assert selection_weights(found) == [1000, 250, 750, 0]

    def test_one_whose_capacity_is_unknown_counts_like_the_usual_one_and_is_never_out(self):
        found = estimate_loads([candidate("a", 5000), candidate("b", capacity=GBIT)])

        [unknown, known] = selection_weights(found)
        assert 0 < unknown < known

    def test_impossible_figures_of_one_do_not_harm_the_others(self):
        mad = Candidate(name="mad", clients=1, bitrate=10**13, machine_bitrate=10**13)

        assert selection_weights(estimate_loads([mad, candidate("a", 10), candidate("b", 10)]))[
            1:
        ] == [495, 495]
