"""Field types: valid values are converted, invalid ones raise an error with the allowed values."""

from datetime import UTC, datetime

import pytest

from streaming_system.util.validation import (
    Bitrate,
    ByteSize,
    Choice,
    Flag,
    Host,
    Identifier,
    Integer,
    InvalidValueError,
    Number,
    ParsedText,
    Rfc3339DateTime,
    RoomId,
    Text,
    TimeZone,
    Url,
    describe_invalid,
)


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        (Integer(1, 600), "60", 60),
        (Number(0, 1), "0.05", 0.05),
        (Flag(), "true", True),
        (Flag(), "No", False),
        (Choice("a", "b"), "b", "b"),
        (Bitrate(), "2500k", 2_500_000),
        (Bitrate(), "1.5 G", 1_500_000_000),
        (ByteSize(1, 2**30), "512k", 512 * 1024),
        (Url(), "https://live.example.org/a?b=c", "https://live.example.org/a?b=c"),
        (Url(base_only=True), "http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
        (ParsedText(str.upper, "a text"), "a", "A"),
    ],
)
def test_field_parses_valid_text(field, text, value):
    assert field.parse(text) == value


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        (Integer(1, 600), 0, "a whole number, 1 to 600"),
        (Integer(1, 600), 1.5, "a whole number, 1 to 600"),
        (Integer(1, 600), True, "a whole number, 1 to 600"),
        (Integer(1, 600), float("nan"), "a whole number, 1 to 600"),
        (Number(0, 1), float("inf"), "a number, 0 to 1"),
        (Number(0, 1), "1", "a number, 0 to 1"),
        (Flag(), 1, "true or false"),
        (Choice("a", "b"), "c", "a, b"),
        (Text(3), "abcd", "one line of 0 to 3 characters"),
        (Text(3), "a\nb", "one line of 0 to 3 characters"),
        (Text(3), "ab\n", "one line of 0 to 3 characters"),
        (Text(3), "\ud800", "one line of 0 to 3 characters"),
        (Identifier(), "..", "1 to 64 of A-Z a-z 0-9 . _ : -"),
        (RoomId(), "a b", "1 to 64 of A-Z a-z 0-9 _"),
        (Host(), "300.1.1.1", "an IP address or a host name"),
        (Url(), "ftp://example.org", "an address that begins with http://, https://"),
        (Url(), "http://example.org:99999", "an address that begins with http://, https://"),
        (Url(base_only=True), "http://a@b", "an address that begins with http://, https://"),
        (Rfc3339DateTime(), "2026-02-30T00:00:00Z", Rfc3339DateTime.allowed),
        (TimeZone(), "Mars/Olympus", TimeZone.allowed),
        (TimeZone(), "../etc/passwd", TimeZone.allowed),
        (Bitrate(), "fast", Bitrate.allowed),
        (ByteSize(1024, 2**20), "1", "bytes, such as 512k or 256M, 1k to 1M"),
    ],
)
def test_field_refuses_invalid_value_with_allowed_ones(field, value, allowed):
    with pytest.raises(InvalidValueError) as raised:
        field.validate(value)

    assert str(raised.value) == f"allowed: {allowed}"


@pytest.mark.parametrize(
    ("field", "text"), [(Integer(1, 9), "1e0"), (Number(0, 1), "nan"), (Flag(), "")]
)
def test_field_refuses_invalid_text(field, text):
    with pytest.raises(InvalidValueError):
        field.parse(text)


def test_integer_accepts_float_without_fraction():
    assert Integer(1, 9).validate(3.0) == 3


def test_times_are_converted_to_utc():
    assert Rfc3339DateTime().validate("2026-08-22T14:00:00+02:00") == datetime(
        2026, 8, 22, 12, tzinfo=UTC
    )


def test_message_shows_first_characters_of_value():
    assert describe_invalid("x" * 1000, "a text") == f"is '{'x' * 79}; allowed: a text"
