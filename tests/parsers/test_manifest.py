"""Real feeds against figures that were counted without any importer."""

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
# The manifest counts these among its events; the schedule leaves them out and says so.
COUNTED = {"no-room", "zero-length", "placeholder", "cancelled", "not-accepted", "all-day"}
# Entries that are years off: the export of 2018 still holds 22 events of 2016, that of 2016 one of
# April 2017. A schedule that showed them would last for two years.
STRAY = {"EMF2016_emf.json": 1, "EMF2018_emf.json": 22, "EMF2018_emf.ics": 22}

# Figures that were checked by hand and found wrong, with what is right.
CORRECTED = {
    # All 218 entries have a start and a duration; the one that was counted has no title.
    ("LCA2015_zookeepr.json", "skipped_no_time"): "0",
}

SHARED = Path(__file__).parents[3] / "shared" / "feeds"


def rows(folder):
    path = SHARED / folder / "MANIFEST.tsv"
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file, delimiter="\t"))
    for row in found:
        row.update({key: right for (name, key), right in CORRECTED.items() if name == row["file"]})
    return found


def parser_for(row):
    whole = row["format"]
    return FORMATS.get(whole) or FORMATS.get(whole.split("/")[0])


REAL = [row for row in rows("real") if parser_for(row)]
OTHER = [row for row in rows("real") if not parser_for(row)]


@pytest.fixture(scope="session")
def feeds(shared):
    return shared / "feeds"


def test_the_real_feeds_are_there(shared):
    assert len(REAL) > 20
    assert len(OTHER) == 5


def in_utc(text):
    return datetime.fromisoformat(text)


@pytest.mark.parametrize("row", REAL, ids=lambda row: row["file"])
def test_a_real_feed_agrees_with_its_figures(feeds, row):
    feed = open_feed((feeds / "real" / row["file"]).read_bytes(), row["file"])
    found = select_parser(feed, load_parsers())
    zone = None if row["tz_assumed"] == "in feed" else ZoneInfo(row["tz_assumed"])

    checked, _ = parse_and_validate(feed, found, zone)

    assert found.parser.name == parser_for(row)
    left_out = sum(skipped.reason in COUNTED for skipped in checked.skipped)
    stray = sum(skipped.reason == "out-of-range" for skipped in checked.skipped)
    assert stray == STRAY.get(row["file"], 0)
    assert len(checked.talks) + left_out + stray == int(row["events"])
    assert sum(s.reason == "no-time" for s in checked.skipped) == int(row["skipped_no_time"])
    ends_early = sum(s.reason == "ends-before-start" for s in checked.skipped)
    assert ends_early == int(row["end_before_start"])
    if left_out + stray == 0:
        assert len({", ".join(talk.rooms) for talk in checked.talks}) == int(row["rooms"])
        minutes = sum((talk.end - talk.start).total_seconds() for talk in checked.talks) / 60
        assert minutes == int(row["total_minutes"])
        assert min(talk.start for talk in checked.talks) == in_utc(row["first_start_utc"])
        assert max(talk.end for talk in checked.talks) == in_utc(row["last_end_utc"])
    assert checked.entries == len(checked.talks) + len(checked.skipped)
    # The addresses of the speakers, as whoever collected the feeds has replaced them.
    assert "redacted@" not in repr(checked.talks)


@pytest.mark.parametrize("row", OTHER, ids=lambda row: row["file"])
def test_a_feed_of_another_format_is_recognised_as_none_of_ours(feeds, row):
    feed = open_feed((feeds / "real" / row["file"]).read_bytes(), row["file"])

    with pytest.raises(FeedError, match="no parser recognises"):
        select_parser(feed, load_parsers())
