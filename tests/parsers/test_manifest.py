"""Real feeds, compared with counts that were made without an importer."""

import csv
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from streaming_system.plugin import FeedError, open_feed
from streaming_system.schedule_import.parsers import load_parsers, parse_and_validate, select_parser

FORMATS = {
    "schedule.xml": "schedule.xml",
    "schedule.json": "schedule.json",
    "symposion": "symposion",
    "pyconus": "pyconus",
    "zookeepr/list": "zookeepr",
    "zookeepr/rooms-dict": "zookeepr-rooms",
    "veyepar": "veyepar",
    "ics": "icalendar",
    "emf": "emf",
    "csv": "csv",
    "indico": "indico",
    "indico/timetable": "indico-timetable",
    "openevent": "openevent",
    "sessionize/all": "sessionize-all",
    "sessionize/grid": "sessionize-grid",
    "sessionize/sessions": "sessionize-sessions",
    "sched.com JSON": "sched",
    "schedule2.json": "schedule2.json",
}
# The manifest counts these entries as events; the import skips and reports them.
COUNTED_SKIPS = {"no-room", "zero-length", "placeholder", "cancelled", "not-accepted", "all-day"}
# Entries of other years: the export of 2018 has 22 events of 2016, and the one of 2016 has an event
# of April 2017.
DATE_OUTLIERS = {"EMF2016_emf.json": 1, "EMF2018_emf.json": 22, "EMF2018_emf.ics": 22}

# Corrections of wrong counts, validated by hand.
CORRECTIONS = {
    # All 218 entries have a start and a duration; the counted one has no title.
    ("LCA2015_zookeepr.json", "skipped_no_time"): "0",
}

SHARED = Path(__file__).parents[3] / "shared" / "feeds"


def load_rows(folder):
    path = SHARED / folder / "MANIFEST.tsv"
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    for row in rows:
        row.update(
            {key: value for (name, key), value in CORRECTIONS.items() if name == row["file"]}
        )
    return rows


def parser_for(row):
    format_ = row["format"]
    return FORMATS.get(format_) or FORMATS.get(format_.split("/")[0])


def zone_of(row):
    """Return the zone to configure for a feed without one."""
    return None if row["tz_assumed"] == "in feed" else ZoneInfo(row["tz_assumed"])


REAL = [row for row in load_rows("real") if parser_for(row)]
OTHER = [row for row in load_rows("real") if not parser_for(row)]


def real_feeds():
    """Return the real feeds as parameters of tests that export them."""
    return [pytest.param(row, id=row["file"]) for row in REAL]


@pytest.fixture(scope="session")
def feeds(shared):
    return shared / "feeds"


def test_real_feeds_are_present(shared):
    assert len(REAL) > 20
    assert len(OTHER) == 5


def in_utc(text):
    return datetime.fromisoformat(text)


@pytest.mark.parametrize("row", REAL, ids=lambda row: row["file"])
def test_real_feed_matches_its_independent_counts(feeds, row):
    feed = open_feed((feeds / "real" / row["file"]).read_bytes(), row["file"])
    selected = select_parser(feed, load_parsers())
    zone = zone_of(row)

    validated, _ = parse_and_validate(feed, selected, zone)

    assert selected.parser.name == parser_for(row)
    skipped = sum(entry.reason in COUNTED_SKIPS for entry in validated.skipped)
    outliers = sum(entry.reason == "out-of-range" for entry in validated.skipped)
    assert outliers == DATE_OUTLIERS.get(row["file"], 0)
    assert len(validated.talks) + skipped + outliers == int(row["events"])
    assert sum(s.reason == "no-time" for s in validated.skipped) == int(row["skipped_no_time"])
    ends_early = sum(s.reason == "ends-before-start" for s in validated.skipped)
    assert ends_early == int(row["end_before_start"])
    if skipped + outliers == 0:
        assert len({", ".join(talk.rooms) for talk in validated.talks}) == int(row["rooms"])
        minutes = sum((talk.end - talk.start).total_seconds() for talk in validated.talks) / 60
        assert minutes == int(row["total_minutes"])
        assert min(talk.start for talk in validated.talks) == in_utc(row["first_start_utc"])
        assert max(talk.end for talk in validated.talks) == in_utc(row["last_end_utc"])
    assert validated.entries == len(validated.talks) + len(validated.skipped)
    # The collectors of the feeds have replaced the speakers' addresses.
    assert "redacted@" not in repr(validated.talks)


@pytest.mark.parametrize("row", OTHER, ids=lambda row: row["file"])
def test_feed_of_an_unsupported_format_is_not_recognised(feeds, row):
    feed = open_feed((feeds / "real" / row["file"]).read_bytes(), row["file"])

    with pytest.raises(FeedError, match="no parser recognises"):
        select_parser(feed, load_parsers())
