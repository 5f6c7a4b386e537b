"""Helpers for plugin authors."""

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
        (45.0, 45),
        ("45.0", 45),
        ("45 min", 45),
        ("1 h 30 min", 90),
        ("1h30m", 90),
    ],
)
def test_durations_are_parsed_in_all_formats(value, minutes):
    assert parse_duration(value) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    "value",
    ["-1 day, 23:15:00", "-0:45", -45, 1.5, True, None, "", "an hour", "٤٥", "PT", "P",
     "0:75", "9 days, 0:00:00", 10081, "1" * 5000, "8:00:00:00", {}],
)  # fmt: skip
def test_invalid_duration_is_refused(value):
    with pytest.raises(ValueError, match="is not a duration of at most 7 days"):
        parse_duration(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (" Hall ", "Hall"),
        (None, ""),
        ({"de": "Saal", "en": "Hall"}, "Hall"),
        ({"de": "Saal", "fr": "Salle"}, "Saal"),
        ({"de": None, "fr": "Salle"}, "Salle"),
        (1984, "1984"),
        (5.0, "5"),
        (1.5, "1.5"),
        ({"en": 5}, "5"),
        ({"id": 1, "name": {"de": "Saal", "en": "Hall"}}, "Hall"),
    ],
)
def test_text_is_selected_from_localised_values(value, expected):
    assert clean_str(value) == expected


def test_requested_language_is_preferred():
    assert clean_str({"de": "Saal", "en": "Hall"}, "de") == "Saal"


@pytest.mark.parametrize("value", [["x"], {}, {"en": ["x"]}, True, 10**50])
def test_other_types_are_no_text(value):
    with pytest.raises(ValueError, match="is not text"):
        clean_str(value)


def test_list_of_texts_drops_other_types():
    assert clean_str_list(["Ada", None, "", True, [], " Bo ", 7]) == ("Ada", "Bo", "7")
    assert clean_str_list("Ada") == ("Ada",)
    assert clean_str_list(None) == ()


@pytest.mark.parametrize(
    ("value", "forbidden"),
    [
        (None, None), ("", None), (True, True), ("true", True), ("1", True), ("Yes", True),
        (False, False), ("false", False), ("0", False), ("No", False), ("perhaps", True),
    ],
)  # fmt: skip
def test_unknown_recording_wish_forbids_recording(value, forbidden):
    assert parse_do_not_record(value) is forbidden


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
    def test_offset_overrides_the_zone(self, value, utc):
        context = ParseContext(ZoneInfo("Australia/Sydney"))

        assert context.parse_time(value) == datetime.fromisoformat(utc).replace(tzinfo=UTC)

    def test_zone_of_the_feed_overrides_the_configured_one(self):
        context = ParseContext(ZoneInfo("Australia/Sydney"))
        context.set_feed_timezone("Europe/Berlin")

        assert context.parse_time("2026-11-24T10:00") == datetime(2026, 11, 24, 9, tzinfo=UTC)

    def test_unknown_zone_is_ignored_with_a_warning(self):
        context = ParseContext(ZoneInfo("Europe/Berlin"))
        context.set_feed_timezone("../../etc/passwd")

        assert context.effective_timezone == ZoneInfo("Europe/Berlin")
        assert context.warnings == [
            "the feed names a time zone that does not exist: '../../etc/passwd'"
        ]

    def test_time_is_parsed_in_a_custom_format(self):
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
    def test_invalid_time_skips_the_entry(self, value, reason):
        with pytest.raises(SkipEntryError) as skip:
            ParseContext(ZoneInfo("Australia/Sydney")).parse_time(value)

        assert skip.value.reason == reason

    def test_naive_time_without_a_zone_skips_the_entry_and_names_the_setting(self):
        with pytest.raises(SkipEntryError, match="set schedule-timezone") as skip:
            ParseContext().parse_time("2026-11-24T10:00")

        assert skip.value.reason == "no-time"

    def test_time_in_a_clock_gap_is_shifted_with_a_warning(self):
        context = ParseContext(ZoneInfo("Europe/Berlin"))

        assert context.parse_time("2026-03-29T02:30") == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
        assert context.warnings == [
            "2026-03-29 02:30:00 does not exist in Europe/Berlin: taken as 03:30"
        ]

    def test_ambiguous_time_is_the_first_one_with_a_warning(self):
        context = ParseContext(ZoneInfo("Europe/Berlin"))

        assert context.parse_time("2026-10-25T02:30") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
        assert context.warnings == [
            "2026-10-25 02:30:00 happens twice in Europe/Berlin: the first is taken"
        ]


class TestParseItems:
    def test_invalid_items_are_reported_and_others_are_parsed(self):
        context = ParseContext()

        def parse_item(item):
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

        talks = list(context.parse_items(items, parse_item))

        assert [(talk.title, talk.feed_location) for talk in talks] == [("good", "item 1")]
        assert [(s.reason, s.location, s.title) for s in context.skipped] == [
            ("cancelled", "item 2", "off"),
            ("bad-value", "item 4", "no start"),
            ("bad-value", "item 5", "odd length"),
            ("bad-value", "item 6", ""),
            ("bad-value", "item 7", ""),
        ]

    def test_other_types_than_a_list_are_reported(self):
        context = ParseContext()

        assert list(context.parse_items({"a": 1}, lambda item: None)) == []
        assert [(s.reason, s.location) for s in context.skipped] == [("bad-value", "feed")]

    def test_unknown_skip_reason_raises(self):
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
def test_abstracts_are_converted_to_html(convert, value, html):
    assert convert(value) == html
