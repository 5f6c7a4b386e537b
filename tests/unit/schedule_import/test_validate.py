"""What happens to the talks of a feed before anyone sees them."""

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


def checked(*talks, context=None):
    return validate_talks(talks, context or ParseContext(), "http://e.example/feed")


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
def test_a_talk_that_cannot_be_shown_is_left_out_and_reported(change, reason):
    bad = replace(TALK, feed_location="item 2", title="Bad", **change)

    result = checked(TALK, bad)

    assert [talk.title for talk in result.talks] == ["Talk"]
    assert [(s.reason, s.location, s.title) for s in result.skipped] == [(reason, "item 2", "Bad")]
    assert result.entries == 2


def test_entries_that_the_parser_left_out_are_counted():
    context = ParseContext()
    context.skip("cancelled", "item 2", "Gone")

    result = checked(TALK, context=context)

    assert (result.entries, [s.reason for s in result.skipped]) == (2, ["cancelled"])


def test_a_feed_of_which_nothing_remains_is_refused_with_the_first_reason():
    with pytest.raises(FeedError) as refusal:
        checked(replace(TALK, rooms=()), replace(TALK, end=NOON))

    assert str(refusal.value) == ("none of the 2 entries can be used; the first, item 1: no-room")


def test_a_feed_without_entries_is_refused():
    with pytest.raises(FeedError, match="the feed lists no talk at all"):
        checked()


def test_more_talks_than_any_conference_has_are_refused():
    talks = (later(TALK, minutes=number) for number in range(MAX_TALKS + 1))

    with pytest.raises(FeedError, match="lists more than 5,000 talks"):
        validate_talks(talks, ParseContext())


def test_more_rooms_than_any_conference_has_are_refused():
    with pytest.raises(FeedError, match="names 301 rooms; at most 300 are taken"):
        checked(*(replace(TALK, rooms=(f"Room {number}",)) for number in range(301)))


def test_a_talk_years_from_the_others_is_left_out():
    result = checked(TALK, later(TALK, hours=2), later(TALK, days=-3650))

    assert [s.reason for s in result.skipped] == ["out-of-range"]
    assert len(result.talks) == 2


def test_times_come_out_in_utc():
    tokyo = timezone(timedelta(hours=9))

    [talk] = checked(replace(TALK, start=NOON.astimezone(tokyo))).talks

    assert (talk.start, talk.start.tzinfo) == (NOON, UTC)


def test_talks_come_out_in_order():
    result = checked(later(TALK, hours=3), TALK, later(TALK, hours=1))

    assert [talk.start.hour for talk in result.talks] == [12, 13, 15]


class TestGuids:
    def test_the_feed_s_own_is_kept(self):
        [talk] = checked(replace(TALK, guid="abc")).talks

        assert talk.guid == "abc"

    def test_without_one_it_is_the_same_on_every_import(self):
        [first], [second] = checked(TALK).talks, checked(TALK).talks

        assert first.guid == second.guid != ""

    def test_one_that_is_used_twice_is_made_unique_and_both_talks_stay(self):
        result = checked(
            replace(TALK, guid="abc"), replace(later(TALK, hours=2), guid="abc", title="Other")
        )

        assert len({talk.guid for talk in result.talks}) == 2
        assert result.warnings == ("1 guids are used by more than one talk: made unique by start",)

    def test_two_talks_at_once_in_one_room_have_two(self):
        result = checked(TALK, replace(TALK, title="Poster"))

        assert len({talk.guid for talk in result.talks}) == 2


def test_an_entry_that_stands_twice_is_kept_once():
    result = checked(TALK, replace(TALK, feed_location="item 2"))

    assert len(result.talks) == 1
    assert [(s.reason, s.location) for s in result.skipped] == [("duplicate", "item 2")]


def test_overlaps_and_look_alike_rooms_are_warned_of():
    result = checked(TALK, later(TALK, minutes=30), replace(later(TALK, hours=5), rooms=("HALL",)))

    assert result.warnings == (
        "Hall: 1 talks start before the one before them has ended",
        "rooms that differ in capitals only: HALL, Hall",
    )


def test_what_a_page_shows_is_clean():
    [talk] = checked(
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


def test_a_talk_without_a_title_is_shown_as_untitled():
    [talk] = checked(replace(TALK, title=" ")).talks

    assert talk.title == "Untitled"
