"""Texts of feeds that try to inject lines or terminal sequences into our output."""

import json
from datetime import UTC, datetime, timedelta

import icalendar
import pytest
from click.testing import CliRunner
from lxml import etree

from streaming_system.cli import main

LINE_BREAKS = {"crlf": "\r\n", "lf": "\n", "cr": "\r", "vt": "\v", "ff": "\f", "nel": "\x85",
          "ls": "\u2028", "ps": "\u2029"}  # fmt: skip
START = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)


def feed(text):
    """Return a schedule.json with a text in each field that is shown."""
    event = {
        "guid": f"g{text}", "date": START.isoformat(), "duration": "00:30", "title": f"T{text}",
        "subtitle": f"S{text}", "abstract": f"A{text}", "track": f"K{text}", "type": f"L{text}",
        "language": f"en{text}", "url": f"https://e.example/{text}",
        "persons": [{"public_name": f"P{text}"}],
    }  # fmt: skip
    rooms = {f"Hall{text}": [event]}
    return json.dumps({"schedule": {"conference": {"days": [{"rooms": rooms}]}}})


@pytest.fixture
def run(tmp_path, root):
    """Return a function that runs a schedule command with a feed."""

    def run(text, *command):
        (tmp_path / "feed.json").write_text(feed(text))
        private = {
            "config": {"secret": "s", "schedule-url": str(tmp_path / "feed.json")},
            "hall": {"title": "Hall", "schedule-key": " ".join(f"Hall{text}".split())},
        }
        (tmp_path / "private.json").write_text(json.dumps(private))
        (tmp_path / "site.ini").write_text(
            f"[DEFAULT]\nconfig.public = {root}/config.json\n"
            f"config.private = {tmp_path}/private.json\nschedule.file = {tmp_path}/schedule.json\n"
            "[app:frontend]\nuse = egg:streaming-system#frontend\n"
        )
        return CliRunner().invoke(main, ["-c", str(tmp_path / "site.ini"), "schedule", *command])

    return run


@pytest.mark.parametrize("kind", LINE_BREAKS)
def test_line_breaks_in_feeds_inject_no_line(run, kind):
    forged = LINE_BREAKS[kind].join(
        ("", "Wrote /etc/forged", "END:VEVENT", "BEGIN:VEVENT", "UID:forged", "X-FORGED:1")
    )
    imported = run(forged, "import")
    assert imported.exit_code == 0, imported.output
    lines = (imported.stdout + imported.stderr).splitlines()
    assert not [line for line in lines if line.startswith(("Wrote /etc", "UID:", "X-FORGED"))]

    calendar = run(forged, "export", "--format", "ics", "--url", "https://e.example").stdout
    [event] = icalendar.Calendar.from_ical(calendar).walk("VEVENT")
    assert str(event["UID"]) != "forged"
    assert "X-FORGED" not in event
    assert str(event["SUMMARY"]).startswith("T ")
    exported = run(forged, "export", "--format", "frab-xml", "--url", "https://e.example")
    assert exported.exit_code == 0, (exported.output, exported.exception)
    document = exported.stdout
    assert len(etree.fromstring(document.encode()).findall(".//event")) == 1
    watched = run(forged, "watch", "--count", "1")
    assert not [line for line in watched.output.splitlines() if line.startswith("Wrote /etc")]


def test_terminal_sequences_in_feeds_are_removed(run, tmp_path):
    sequence = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp.exe"

    for command in (["import"], ["check", str(tmp_path / "feed.json")]):
        result = run(sequence, *command)
        assert "1 of 1 entries" in result.output
        for character in ("\x1b", "\x07", "\x9b", "\u202e"):
            assert character not in result.output
