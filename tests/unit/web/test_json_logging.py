"""Logs as lines of JSON."""

import json
import logging
import sys
from datetime import UTC, datetime

import pytest

from streaming_system.web.json_logging import JsonFormatter, request_id


@pytest.fixture
def line():
    """Return a function that formats a record as one line, and reads it."""

    def line(message, *values, **more):
        record = logging.LogRecord("a.b", logging.WARNING, "x.py", 1, message, values, None)
        record.__dict__ |= more
        text = JsonFormatter().format(record)
        assert text.splitlines() == [text]
        return json.loads(text)

    return line


def test_a_line_says_when_how_bad_who_and_what(line):
    moment = datetime(2026, 11, 25, 10, 0, 0, 250000, tzinfo=UTC)

    told = line("%s of %d", "one", 2, created=moment.timestamp())

    assert told == {
        "time": "2026-11-25T10:00:00.250000Z",
        "level": "WARNING",
        "logger": "a.b",
        "message": "one of 2",
    }


def test_a_whole_second_has_the_same_form(line):
    assert line("x", created=0.0)["time"] == "1970-01-01T00:00:00.000000Z"


def test_a_request_is_named_while_it_lasts(line):
    token = request_id.set("0123456789abcdef")
    assert line("x")["request_id"] == "0123456789abcdef"

    request_id.reset(token)

    assert "request_id" not in line("x")


def test_an_exception_is_text_in_the_same_line(line):
    try:
        raise ValueError("two\nlines")
    except ValueError:
        told = line("x", exc_info=sys.exc_info())

    assert told["exception"].startswith("Traceback (most recent call last):\n")
    assert told["exception"].endswith("ValueError: two\nlines")


@pytest.mark.parametrize("nasty", ["a\r\nb", "\u2028", '"}{"', "\udc80", "\x1b[2J", "日本"])
def test_what_strangers_send_stays_within_its_line(line, nasty):
    assert line("%s", nasty)["message"] == nasty


def test_fields_are_members_but_replace_none(line):
    told = line("x", fields={"status": 200, "path": object, "level": "forged"})

    assert (told["status"], told["level"]) == (200, "WARNING")
    assert told["path"] == str(object)
