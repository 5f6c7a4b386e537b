"""The log format of production: one JSON object per line."""

import json
import logging
import sys
from datetime import UTC, datetime

import pytest

from streaming_system.web.json_logging import JsonFormatter, current_request_id


@pytest.fixture
def log_line():
    """Return a function that formats a record and parses the line."""

    def log_line(message, *values, **attributes):
        record = logging.LogRecord("a.b", logging.WARNING, "x.py", 1, message, values, None)
        record.__dict__ |= attributes
        line = JsonFormatter().format(record)
        assert line.splitlines() == [line]
        return json.loads(line)

    return log_line


def test_line_has_time_level_logger_and_message(log_line):
    moment = datetime(2026, 11, 25, 10, 0, 0, 250000, tzinfo=UTC)

    line = log_line("%s of %d", "one", 2, created=moment.timestamp())

    assert list(line.items()) == [
        ("time", "2026-11-25T10:00:00.250000Z"),
        ("level", "WARNING"),
        ("logger", "a.b"),
        ("message", "one of 2"),
    ]


def test_whole_second_has_microseconds(log_line):
    assert log_line("x", created=0.0)["time"] == "1970-01-01T00:00:00.000000Z"


def test_line_has_the_id_of_the_current_request(log_line):
    token = current_request_id.set("0123456789abcdef")
    assert log_line("x")["request_id"] == "0123456789abcdef"

    current_request_id.reset(token)

    assert "request_id" not in log_line("x")


def test_exception_is_text_in_the_same_line(log_line):
    try:
        raise ValueError("two\nlines")
    except ValueError:
        line = log_line("x", exc_info=sys.exc_info())

    assert line["exception"].startswith("Traceback (most recent call last):\n")
    assert line["exception"].endswith("ValueError: two\nlines")


@pytest.mark.parametrize("nasty", ["a\r\nb", "\u2028", '"}{"', "\udc80", "\x1b[2J", "日本"])
def test_untrusted_text_stays_within_its_line(log_line, nasty):
    assert log_line("%s", nasty)["message"] == nasty


def test_extra_values_are_members(log_line):
    line = log_line("x", status=200, path=object)

    assert (line["status"], line["path"]) == (200, str(object))
