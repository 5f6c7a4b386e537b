"""Cues of captions, and their files."""

from datetime import UTC, datetime, timedelta

import pytest

from streaming_system.tracker.captions.cues import format_text, format_webvtt, make_cues
from streaming_system.tracker.models import Caption

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def line(seconds, text="a line", end=None, number=1):
    moment = NOON + timedelta(seconds=seconds)
    finish = None if end is None else NOON + timedelta(seconds=end)
    return Caption(
        id=number, room="hall", language="en", seq=None, start=moment, end=finish, text=text,
        at=moment,
    )  # fmt: skip


def ends(*lines):
    return [(cue.end - NOON).total_seconds() for cue in make_cues(lines)]


class TestDisplayTimes:
    def test_long_line_is_shown_longer_than_a_short_one(self):
        assert ends(line(0, "Yes.")) == [2]
        assert ends(line(0, "x" * 50)) == [4.5]
        assert ends(line(0, "x" * 900)) == [8]

    def test_at_most_two_lines_are_shown_at_a_time(self):
        assert ends(*(line(second, "x" * 100) for second in range(4))) == [2, 3, 9.5, 10.5]

    def test_lines_at_the_same_time_are_all_shown(self):
        assert ends(line(0), line(0), line(0))[0] == 0.5

    def test_captioners_own_end_applies(self):
        assert ends(line(0, end=30), line(1), line(2)) == [30, 3, 4]


class TestFiles:
    def test_webvtt_counts_from_the_start_and_escapes_markup(self):
        cues = make_cues([line(61.5, "<b>Tom</b> & --> Jerry", end=3661.25), line(-3, "early")])

        assert format_webvtt(cues, NOON) == (
            "WEBVTT\n"
            "\n00:01:01.500 --> 01:01:01.250\n&lt;b&gt;Tom&lt;/b&gt; &amp; --&gt; Jerry\n"
            "\n00:00:00.000 --> 00:00:00.000\nearly\n"
        )

    def test_file_without_cues_is_valid(self):
        assert format_webvtt([], NOON) == "WEBVTT\n"

    def test_text_has_the_time_of_each_line(self):
        assert format_text(make_cues([line(3725, "Über <all>")]), NOON) == ("01:02:05 Über <all>\n")

    @pytest.mark.parametrize("text", ["שלום", "日本語", "👋🏽"])
    def test_text_of_any_script_stays(self, text):
        assert text in format_webvtt(make_cues([line(0, text)]), NOON)
