"""Decoding of feeds."""

import gzip

import pytest

from streaming_system.plugin import FeedError, open_feed

XML = b'<?xml version="1.0"?><schedule><day/></schedule>'


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b'{"a": 1}', "json"),
        (b'\xef\xbb\xbf [{"a": 1}]', "json"),
        (XML, "xml"),
        ('<?xml version="1.0" encoding="UTF-16"?><schedule/>'.encode("utf-16"), "xml"),
        (b"\r\nbegin:vcalendar\r\n", "ics"),
        (b"Room,Start\nHall,10:00\n", "text"),
        (gzip.compress(b"[]", mtime=0), "json"),
    ],
)
def test_syntax_of_a_feed_is_detected(data, kind):
    assert open_feed(data).kind == kind


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", "the feed is empty"),
        (b" \n\t", "the feed is empty"),
        (b"null", "the JSON is null, not an object or a list"),
        (b"10", "the JSON is a number, not an object or a list"),
        (b'{"a": NaN}', "not valid JSON: NaN is not JSON"),
        (b'{"a": ' + b"1" * 5000 + b"}", "not valid JSON: a number has more than 4,300 digits"),
        (b'{"a": 1', "not valid JSON: line 1, column 8, where it ends too early"),
        (b"[" * 100_000, "the JSON is nested too deeply"),
        (
            b'{"a": 1\n"b": 2}',
            "not valid JSON: line 1, column 8: a comma is missing after '{\"a\": 1'",
        ),
        (
            b'{"a": {}\n\n  "b": 2}',
            "not valid JSON: line 1, column 9: a comma is missing after '{\"a\": {}'",
        ),
        (b'{"a": [1}', "not valid JSON: line 1, column 9, at '}'"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "the feed is binary data, not text"),
        (b"<!DOCTYPE html><html>", "the feed is an HTML page, not a schedule: is the address"),
        (b"<schedule><day>", "not well-formed XML: line 1, column 15, at '>'"),
        (b"<schedule>\n<day></schedule>", "not well-formed XML: line 2, column "),
        (
            b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><schedule>&e;</schedule>',
            "the XML has a DOCTYPE, which no schedule needs: refused",
        ),
        (b"\x1f\x8b broken", "broken gzip data: "),
        (gzip.compress(b" " * 2000, mtime=0), "the feed inflates to more than 1,000 bytes"),
    ],
)
def test_invalid_feed_is_refused_in_one_line(data, line):
    with pytest.raises(FeedError) as refusal:
        open_feed(data, max_bytes=1_000 if data[:2] == b"\x1f\x8b" else 1_000_000)

    assert str(refusal.value).startswith(line)
    assert "\n" not in str(refusal.value)
