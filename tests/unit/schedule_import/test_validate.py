"""Validation and normalisation of the talks of a feed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from streaming_system.plugin import FeedError, ParseContext, Talk
from streaming_system.schedule_import.validate import MAX_TALKS, validate_talks

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
TALK = Talk(
    rooms=("Hall",), start=NOON, end=NOON + timedelta(hours=1), title="Talk", feed_location="item 1"
)


def later(talk, **delta):
    shift = timedelta(**delta)
    return replace(talk, start=talk.start + shift, end=talk.end + shift)


def validate(*talks, context=None):
    return validate_talks(talks, context or ParseContext())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"end": NOON}, "zero-length"),
        ({"end": NOON - timedelta(minutes=1)}, "ends-before-start"),
        ({"end": NOON + timedelta(days=8)}, "bad-value"),
        ({"rooms": ()}, "no-room"),
        ({"rooms": (" ", "\u202e")}, "no-room"),
        ({"start": NOON.replace(tzinfo=None)}, "no-time"),
        ({"start": datetime(9999, 12, 31, tzinfo=timezone(timedelta(hours=-1)))}, "out-of-range"),
        ({"start": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))}, "out-of-range"),
    ],
)
def test_invalid_talk_is_skipped_and_reported(change, reason):
    bad = replace(TALK, feed_location="item 2", title="Bad", **change)

    result = validate(TALK, bad)

    assert [talk.title for talk in result.talks] == ["Talk"]
    assert [(s.reason, s.location, s.title) for s in result.skipped] == [(reason, "item 2", "Bad")]
    assert result.entries == 2


def test_entries_that_the_parser_skipped_are_counted():
    context = ParseContext()
    context.skip("cancelled", "item 2", "Gone")

    result = validate(TALK, context=context)

    assert (result.entries, [s.reason for s in result.skipped]) == (2, ["cancelled"])


def test_feed_without_valid_talks_is_refused_with_the_first_reason():
    with pytest.raises(FeedError) as refusal:
        validate(replace(TALK, rooms=()), replace(TALK, end=NOON))

    assert str(refusal.value) == (
        "none of the 2 entries can be used; the first, item 1: no-room, "
        "set schedule-room-default to the room of such talks"
    )


def test_feed_without_entries_is_refused():
    with pytest.raises(FeedError, match="the feed lists no talk at all"):
        validate()


def test_feed_with_too_many_talks_is_refused():
    talks = (later(TALK, minutes=number) for number in range(MAX_TALKS + 1))

    with pytest.raises(FeedError, match="lists more than 5,000 talks"):
        validate_talks(talks, ParseContext())


def test_feed_with_too_many_rooms_is_refused():
    with pytest.raises(FeedError, match="names 301 rooms; at most 300 are taken"):
        validate(*(replace(TALK, rooms=(f"Room {number}",)) for number in range(301)))


def test_talk_years_from_the_others_is_skipped():
    result = validate(TALK, later(TALK, hours=2), later(TALK, days=-3650))

    assert [s.reason for s in result.skipped] == ["out-of-range"]
    assert len(result.talks) == 2


def test_times_are_converted_to_utc():
    tokyo = timezone(timedelta(hours=9))

    [talk] = validate(replace(TALK, start=NOON.astimezone(tokyo))).talks

    assert (talk.start, talk.start.tzinfo) == (NOON, UTC)


def test_talks_are_sorted():
    result = validate(later(TALK, hours=3), TALK, later(TALK, hours=1))

    assert [talk.start.hour for talk in result.talks] == [12, 13, 15]


class TestGuids:
    def test_guid_of_the_feed_is_used(self):
        [talk] = validate(replace(TALK, guid="abc")).talks

        assert talk.guid == "abc"

    def test_assigned_guid_is_stable(self):
        [first], [second] = validate(TALK).talks, validate(TALK).talks

        assert first.guid == second.guid != ""

    def test_repeated_guid_is_made_unique(self):
        result = validate(
            replace(TALK, guid="abc"), replace(later(TALK, hours=2), guid="abc", title="Other")
        )

        assert len({talk.guid for talk in result.talks}) == 2
        assert result.warnings == ("1 guids are used by more than one talk: made unique by start",)

    def test_simultaneous_talks_in_one_room_get_two_guids(self):
        result = validate(TALK, replace(TALK, title="Poster"))

        assert len({talk.guid for talk in result.talks}) == 2


def test_duplicate_entry_is_skipped():
    result = validate(TALK, replace(TALK, feed_location="item 2"))

    assert len(result.talks) == 1
    assert [(s.reason, s.location) for s in result.skipped] == [("duplicate", "item 2")]


def test_overlaps_and_similar_room_names_cause_warnings():
    result = validate(TALK, later(TALK, minutes=30), replace(later(TALK, hours=5), rooms=("HALL",)))

    assert result.warnings == (
        "Hall: 1 talks start before the one before them has ended",
        "rooms that differ in capitals only: HALL, Hall",
    )


def test_talks_are_sanitised():
    [talk] = validate(
        replace(
            TALK,
            title="<b>A</b>\x00\n \u202eB",
            abstract='<p onclick="x()">ok<script>alert(1)</script></p>',
            speakers=("Ada", "  ", "Bo <bo@example.org>"),
            url="javascript:alert(1)",
            rooms=("Hall\t 2",),
        )
    ).talks

    assert talk.title == "<b>A</b> B"
    assert talk.abstract == "<p>ok</p>"
    assert talk.speakers == ("Ada", "Bo <[e-mail address removed]>")
    assert talk.url == ""
    assert talk.rooms == ("Hall 2",)


def test_talk_without_a_title_becomes_untitled():
    [talk] = validate(replace(TALK, title=" ")).talks

    assert talk.title == "Untitled"
