"""The helpers that plugin authors get."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from streaming_system.plugin import (
    ParseContext,
    SkipEntryError,
    Talk,
    clean_str,
    clean_str_list,
    html_from_markdown,
    html_from_plain_text,
    html_from_unknown_markup,
    parse_do_not_record,
    parse_duration,
)


@pytest.mark.parametrize(
    ("value", "minutes"),
    [
        ("0:45", 45),
        ("1:30", 90),
        ("01:30", 90),
        ("26:00", 1560),
        ("0:45:00", 45),
        ("00:01:30", 1.5),
        ("1 day, 0:45:00", 1485),
        ("2 days, 1:00:00", 2940),
        (90, 90),
        ("90", 90),
        ("PT45M", 45),
        ("PT1H30M", 90),
        ("P1DT1H", 1500),
        (" 0:45 ", 45),
        ("0:00", 0),
    ],
)
def test_every_way_to_write_a_duration_is_read(value, minutes):
    assert parse_duration(value) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    "value",
    ["-1 day, 23:15:00", "-0:45", -45, 1.5, True, None, "", "an hour", "٤٥", "PT", "P",
     "0:75", "9 days, 0:00:00", 10081, "1" * 5000, "8:00:00:00", {}],
)  # fmt: skip
def test_what_is_no_duration_is_refused(value):
    with pytest.raises(ValueError, match="is not a duration of at most 7 days"):
        parse_duration(value)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (" Hall ", "Hall"),
        (None, ""),
        ({"de": "Saal", "en": "Hall"}, "Hall"),
        ({"de": "Saal", "fr": "Salle"}, "Saal"),
        ({"de": None, "fr": "Salle"}, "Salle"),
    ],
)
def test_text_is_found_in_localised_values(value, found):
    assert clean_str(value) == found


def test_the_wanted_language_comes_first():
    assert clean_str({"de": "Saal", "en": "Hall"}, "de") == "Saal"


@pytest.mark.parametrize("value", [7, ["x"], {}, {"en": 5}, True])
def test_what_is_no_text_is_refused(value):
    with pytest.raises(ValueError, match="is not text"):
        clean_str(value)


def test_texts_leave_out_what_is_none():
    assert clean_str_list(["Ada", None, "", 7, " Bo "]) == ("Ada", "Bo")
    assert clean_str_list("Ada") == ("Ada",)
    assert clean_str_list(None) == ()


@pytest.mark.parametrize(
    ("value", "refused"),
    [
        (None, None), ("", None), (True, True), ("true", True), ("1", True), ("Yes", True),
        (False, False), ("false", False), ("0", False), ("No", False), ("perhaps", True),
    ],
)  # fmt: skip
def test_an_unclear_wish_about_recording_is_taken_as_a_refusal(value, refused):
    assert parse_do_not_record(value) is refused


class TestTime:
    @pytest.mark.parametrize(
        ("value", "utc"),
        [
            ("2026-11-24T10:00:00+01:00", "2026-11-24T09:00"),
            ("2026-11-24T10:00:00Z", "2026-11-24T10:00"),
            ("2026-11-24T10:00:00+0100", "2026-11-24T09:00"),
            ("2026-11-24 10:00:00", "2026-11-23T23:00"),
            ("2026-11-24T10:00", "2026-11-23T23:00"),
        ],
    )
    def test_an_offset_wins_over_the_zone(self, value, utc):
        context = ParseContext(ZoneInfo("Australia/Sydney"))

        assert context.parse_time(value) == datetime.fromisoformat(utc).replace(tzinfo=UTC)

    def test_the_zone_of_the_feed_wins_over_the_configured_one(self):
        context = ParseContext(ZoneInfo("Australia/Sydney"))
        context.set_feed_timezone("Europe/Berlin")

        assert context.parse_time("2026-11-24T10:00") == datetime(2026, 11, 24, 9, tzinfo=UTC)

    def test_a_zone_that_does_not_exist_is_warned_of_and_ignored(self):
        context = ParseContext(ZoneInfo("Europe/Berlin"))
        context.set_feed_timezone("../../etc/passwd")

        assert context.effective_timezone == ZoneInfo("Europe/Berlin")
        assert context.warnings == [
            "the feed names a time zone that does not exist: '../../etc/passwd'"
        ]

    def test_a_time_in_a_form_of_the_feed_s_own(self):
        moment = ParseContext(ZoneInfo("UTC")).parse_time("09-18-2015 09:30", "%m-%d-%Y %H:%M")

        assert moment == datetime(2015, 9, 18, 9, 30, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            (None, "no-time"), ("", "no-time"),
            ("10", "bad-value"), ("Monday", "bad-value"), ("2026-11-24", "bad-value"),
            ("2026-02-30T10:00", "bad-value"), ("2026-11-24T24:00", "bad-value"),
            ("2026-11-24T10:00:60", "bad-value"), ("2026-11-24T10:00+99:00", "bad-value"),
            ("2015-04-10T090:30:00", "bad-value"), (1700000000, "bad-value"), ([], "bad-value"),
            ("9999-12-31 10:00", "out-of-range"), ("0001-01-01 10:00", "out-of-range"),
            ("9999-12-31T23:59:59-14:00", "out-of-range"),
        ],
    )  # fmt: skip
    def test_what_is_no_time_skips_the_entry(self, value, reason):
        with pytest.raises(SkipEntryError) as skip:
            ParseContext(ZoneInfo("Australia/Sydney")).parse_time(value)

        assert skip.value.reason == reason

    def test_a_naive_time_without_any_zone_skips_the_entry_and_says_what_to_set(self):
        with pytest.raises(SkipEntryError, match="set schedule-timezone") as skip:
            ParseContext().parse_time("2026-11-24T10:00")

        assert skip.value.reason == "no-time"

    def test_a_time_that_the_clocks_skip_is_taken_later_with_a_warning(self):
        context = ParseContext(ZoneInfo("Europe/Berlin"))

        assert context.parse_time("2026-03-29T02:30") == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
        assert context.warnings == [
            "2026-03-29 02:30:00 does not exist in Europe/Berlin: taken as 03:30"
        ]

    def test_a_time_that_happens_twice_is_the_first_with_a_warning(self):
        context = ParseContext(ZoneInfo("Europe/Berlin"))

        assert context.parse_time("2026-10-25T02:30") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
        assert context.warnings == [
            "2026-10-25 02:30:00 happens twice in Europe/Berlin: the first is taken"
        ]


class TestEach:
    def test_an_item_that_cannot_be_read_is_reported_and_the_others_stay(self):
        context = ParseContext()

        def read(item):
            if item["title"] == "off":
                raise SkipEntryError("cancelled")
            if item["title"] == "header":
                return None
            start = context.parse_time(item["start"])
            end = start + parse_duration(item["length"])
            return Talk(rooms=("R",), start=start, end=end, title=item["title"])

        good = {"title": "good", "start": "2026-11-24T10:00Z", "length": "0:30"}
        items = [
            good,
            {"title": "off"},
            {"title": "header"},
            {"title": "no start"},
            good | {"title": "odd length", "length": []},
            "text",
            None,
        ]

        talks = list(context.parse_items(items, read))

        assert [(talk.title, talk.feed_location) for talk in talks] == [("good", "item 1")]
        assert [(s.reason, s.location, s.title) for s in context.skipped] == [
            ("cancelled", "item 2", "off"),
            ("bad-value", "item 4", "no start"),
            ("bad-value", "item 5", "odd length"),
            ("bad-value", "item 6", ""),
            ("bad-value", "item 7", ""),
        ]

    def test_what_is_no_list_is_reported(self):
        context = ParseContext()

        assert list(context.parse_items({"a": 1}, lambda item: None)) == []
        assert [(s.reason, s.location) for s in context.skipped] == [("bad-value", "feed")]

    def test_a_reason_that_does_not_exist_is_the_author_s_mistake(self):
        with pytest.raises(ValueError, match="'boring' is not a reason to skip"):
            ParseContext().skip("boring", "item 1")


@pytest.mark.parametrize(
    ("convert", "value", "html"),
    [
        (html_from_plain_text, "a < b\nc\n\nd", "<p>a &lt; b<br>c</p><p>d</p>"),
        (html_from_plain_text, "  ", ""),
        (
            html_from_markdown,
            "**b**\r\n\r\n- x",
            "<p><strong>b</strong></p>\n<ul>\n<li>x</li>\n</ul>\n",
        ),
        (html_from_markdown, "<script>", "<p>&lt;script&gt;</p>\n"),
        (html_from_markdown, "", ""),
        (html_from_unknown_markup, "<p>is <b>HTML</b></p>", "<p>is <b>HTML</b></p>"),
        (html_from_unknown_markup, "a <1 *b*", "<p>a &lt;1 <em>b</em></p>\n"),
    ],
)
def test_abstracts_become_html(convert, value, html):
    assert convert(value) == html
