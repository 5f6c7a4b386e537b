"""Parsing the combined log format."""

from datetime import UTC, datetime

import pytest

from streaming_system.tracker.logs.access_log_format import parse_line, split_lines

LINE = (
    '192.0.2.7 - - [25/Nov/2026:13:05:59 +0100] "GET /high.webm HTTP/1.1" 200 1234 '
    '"https://conf.example/hall" "VLC/3.0.20"'
)


class TestParseLine:
    def test_combined_format_is_parsed(self):
        line = parse_line(LINE)

        assert (line.address, line.status, line.bytes) == ("192.0.2.7", 200, 1234)
        assert line.time == datetime(2026, 11, 25, 12, 5, 59, tzinfo=UTC)
        assert (line.request, line.user_agent) == ("GET /high.webm HTTP/1.1", "VLC/3.0.20")

    @pytest.mark.parametrize(
        ("old", "new", "field", "value"),
        [
            ("192.0.2.7", "2001:db8::7", "address", "2001:db8::7"),
            ("192.0.2.7", "viewer.example", "address", "viewer.example"),
            ("- - [", "- jane doe [", "address", "192.0.2.7"),
            ("- - [", "- [odd] [", "address", "192.0.2.7"),
            ("1234", "-", "bytes", 0),
            ("1234", "0", "bytes", 0),
            ("200", "404", "status", 404),
            ("GET /high.webm HTTP/1.1", "", "request", ""),
            ("GET /high.webm HTTP/1.1", "-", "request", "-"),
            ("GET /high.webm", r"GET /a\"b\\", "request", r"GET /a\"b\\ HTTP/1.1"),
            ("VLC/3.0.20", r"a \"quoted\" one", "user_agent", r"a \"quoted\" one"),
            ("VLC/3.0.20", "", "user_agent", ""),
            ('"VLC/3.0.20"', '"VLC" "and more" 17', "user_agent", "VLC"),
            (' "https://conf.example/hall" "VLC/3.0.20"', "", "user_agent", "-"),
        ],
    )
    def test_unusual_lines_are_parsed(self, old, new, field, value):
        line = parse_line(LINE.replace(old, new))

        assert getattr(line, field) == value

    @pytest.mark.parametrize(
        ("zone", "hour", "day"),
        [
            ("+0000", 13, 25),
            ("-0800", 21, 25),
            ("+1400", 23, 24),
            ("+0545", 7, 25),
            ("-1200", 1, 26),
        ],
    )
    def test_times_are_converted_to_utc(self, zone, hour, day):
        time = parse_line(LINE.replace("+0100", zone)).time

        assert (time.day, time.hour) == (day, hour)

    def test_leap_second_is_accepted(self):
        assert parse_line(LINE.replace(":59 ", ":60 ")).time.second == 59

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (LINE, "no line"),
            (LINE, '"' * 5000),
            (LINE, "[" * 5000),
            (LINE, '1 - - [25/Nov/2026:13:05:59 +0100] "' + "\\" * 30_001),
            (LINE, "a" * 40_000),
            ("192.0.2.7", "x" * 300),
            ("25/Nov", "31/Nov"),
            ("25/Nov", "25/Foo"),
            ("25/Nov", "٢٥/Nov"),
            ("/2026", "/0000"),
            ("25/Nov/2026:13", "01/Jan/0001:00"),
            (":13:", ":24:"),
            ("+0100", "+9900"),
            ("+0100", "UTC"),
            ("200", "2000"),
            ("200", "999"),
            ("1234", "99999999999999999999"),
            ("1234", "9" * 5000),
            ("1234", "-5"),
            ("1234", "NaN"),
            ('"GET', "GET"),
        ],
    )
    def test_invalid_line_is_rejected(self, old, new):
        assert parse_line(LINE.replace(old, new)) is None

    def test_anonymized_line_has_a_pseudonym(self):
        line = parse_line(LINE.replace("- - [", "me jane ["))

        assert line.anonymize("0123") == (
            '0123 - - [25/Nov/2026:13:05:59 +0100] "GET /high.webm HTTP/1.1" 200 1234 '
            '"https://conf.example/hall" "-"'
        )


class TestSplitLines:
    @pytest.mark.parametrize(
        ("text", "lines"),
        [
            ("", []),
            ("\n\n", []),
            ("a", ["a"]),
            ("a\nb\n", ["a", "b"]),
            ("a\r\nb\r\n", ["a", "b"]),
            ("a\rb", [r"a\x0db"]),
            ("a\0b\x1b[2Jc\td", ["a\\x00b\\x1b[2Jc\td"]),
            ("a\x85b\u2028c", [r"a\x85b\x2028c"]),
            ("é\ufffd", ["é\ufffd"]),
        ],
    )
    def test_control_characters_are_escaped(self, text, lines):
        assert split_lines(text) == lines
