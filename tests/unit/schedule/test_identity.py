"""Identifiers of talks and speakers."""

import re

import pytest

from streaming_system.schedule.identity import (
    MAX_NUMBER,
    as_uuid,
    assign_numbers,
    derive_number,
    is_global,
    parse_number,
)

UUID = "6ba7b810-9dad-51d1-80b4-00c04fd430c8"


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (101, 101),
        ("101", 101),
        (MAX_NUMBER, MAX_NUMBER),
        (MAX_NUMBER + 1, None),
        (0, None),
        (-1, None),
        (True, None),
        (1.0, None),
        ("1.0", None),
        ("٣", None),
        ("9" * 5000, None),
        ("A7", None),
        (None, None),
        ({}, None),
    ],
)
def test_number_of_a_feed_has_31_bits(value, number):
    assert parse_number(value) == number


class TestNumbers:
    def test_numbers_of_the_feed_are_used(self):
        assert assign_numbers([("a", 7), ("b", 3)]) == {"a": 7, "b": 3}

    def test_derived_number_does_not_depend_on_other_talks(self):
        [alone] = assign_numbers([("b", None)]).values()

        numbers = assign_numbers([("a", None), ("c", 4), ("b", None)])

        assert numbers["b"] == alone
        assert 1 <= alone <= MAX_NUMBER
        assert len(set(numbers.values())) == 3

    def test_first_talk_with_a_number_gets_it(self):
        numbers = assign_numbers([("b", 7), ("a", 7)])

        assert numbers == {"b": 7, "a": derive_number("a")}

    def test_collision_of_derived_numbers_is_resolved_the_same_way_in_any_order(self):
        # The feed's number of "x" is the one that "a" would get.
        taken = ("x", derive_number("a"))
        numbers = assign_numbers([("a", None), ("b", None), taken])

        assert numbers == assign_numbers([taken, ("b", None), ("a", None)])
        assert len(set(numbers.values())) == 3


@pytest.mark.parametrize(
    ("guid", "expected"),
    [
        (UUID, True),
        ("talk-1@example.org", True),
        ("a1@conf.example.org-20261124T0900", True),
        ("1", False),
        ("derived-0a", False),
        ("me@localhost", False),
        (f"{UUID}-lab", False),
    ],
)
def test_guid_is_global_if_it_is_a_uuid_or_has_a_host(guid, expected):
    assert is_global(guid) is expected


class TestAsUuid:
    def test_uuid_stays(self):
        assert as_uuid(UUID, "Conf") == UUID

    def test_guid_of_one_event_is_qualified_by_the_event(self):
        first, second = as_uuid("1", "Conf 2026"), as_uuid("1", "Conf 2027")

        assert first != second
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", first)

    def test_global_guid_is_the_same_in_every_event(self):
        assert as_uuid("a@b.example", "Conf") == as_uuid("a@b.example", "Another")
