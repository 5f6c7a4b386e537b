"""Talks of real feeds keep the identifiers of their feeds, whatever other talks there are."""

import csv
import json
import re
from collections import Counter
from datetime import timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from lxml import etree

from streaming_system.plugin import ParseContext, Talk, open_feed
from streaming_system.schedule.identity import MAX_NUMBER, is_derived
from streaming_system.schedule_import.identifiers import PlacedTalk, assign_ids
from streaming_system.schedule_import.parsers import load_parsers, select_parser
from streaming_system.schedule_import.validate import validate_talks
from tests.parsers.test_manifest import REAL

# These feeds have no identifiers.
WITHOUT_IDENTIFIERS = {"GUADEC2016_generated.xml", "PyConUK2015_sheet.csv"}
IDENTIFIER_KEYS = ("guid", "Id", "schedule_id", "conf_key", "pk", "id", "code")
# Numbers of a format get its name as a prefix.
PREFIX = re.compile(
    r"(csv|emf-[a-z]+|indico-[A-Za-z]+|openevent|sessionize|symposion|veyepar|zookeepr)-"
)
START_SUFFIX = re.compile(r"-\d{8}T\d{4}(-\d+)?")


def raw_identifiers(path):
    """Return how often each identifier is in a feed, found without an importer."""
    if path.suffix == ".xml":
        events = etree.parse(path).iter("{*}event")
        return Counter(event.get("guid") or event.get("id") for event in events)
    if path.suffix == ".ics":
        text = re.sub(r"\r?\n[ \t]", "", path.read_text(encoding="utf-8"))
        return Counter(re.findall(r"^UID[^:\n]*:(.*?)\s*$", text, re.MULTILINE))
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            return Counter(row.get("ID") for row in csv.DictReader(file))
    return Counter(_json_identifiers(json.loads(path.read_text(encoding="utf-8-sig"))))


def _json_identifiers(value):
    if isinstance(value, dict):
        yield from (str(value[key]) for key in IDENTIFIER_KEYS if value.get(key) is not None)
    for child in value.values() if isinstance(value, dict) else value:
        if isinstance(child, dict | list):
            yield from _json_identifiers(child)


@pytest.fixture(scope="module")
def parsers():
    return load_parsers()


@pytest.fixture(scope="module")
def parse_real(shared, parsers):
    """Return a function that parses a feed once, and returns what the import takes of its talks."""

    @cache
    def parse(name, zone):
        feed = open_feed((shared / "feeds" / "real" / name).read_bytes(), name)
        context = ParseContext(None if zone == "in feed" else ZoneInfo(zone))
        return tuple(select_parser(feed, parsers).parser.parse(feed, context))

    def parse_real(row, *, without=(), extra=()):
        talks = parse(row["file"], row["tz_assumed"])
        talks = [talk for talk in talks if talk.title not in without]
        return validate_talks([*extra, *talks], ParseContext()).talks

    return parse_real


@pytest.mark.parametrize("row", REAL, ids=lambda row: row["file"])
def test_every_talk_has_the_guid_of_its_feed(shared, parse_real, row):
    talks = parse_real(row)

    assert len({talk.guid for talk in talks}) == len(talks)
    if row["file"] in WITHOUT_IDENTIFIERS:
        assert all(is_derived(talk.guid) for talk in talks)
        return
    raw = raw_identifiers(shared / "feeds" / "real" / row["file"])
    guids = [PREFIX.sub("", talk.guid, count=1) for talk in talks]
    unchanged = [guid for guid in guids if guid in raw]
    others = [START_SUFFIX.sub("", guid) for guid in guids if guid not in raw]
    # Only a repeated guid is made unique, and its first talk keeps it.
    assert set(others) <= set(unchanged)
    assert all(raw[guid] > 1 for guid in others)


@pytest.mark.parametrize("row", REAL, ids=lambda row: row["file"])
def test_identifiers_do_not_depend_on_other_talks(parse_real, row):
    all_talks = parse_real(row)
    before = ids_by_guid(all_talks)
    titles, keys = (Counter(values) for values in zip(*map(title_and_key, all_talks), strict=True))
    unique = [
        talk for talk in all_talks if titles[talk.title] == 1 and keys[title_and_key(talk)[1]] == 1
    ]
    removed = {unique[0].title, unique[len(unique) // 2].title, unique[-1].title}
    start = all_talks[len(all_talks) // 2].start
    new = Talk(rooms=("New room",), start=start, end=start + timedelta(hours=1), title="New talk")

    after = ids_by_guid(parse_real(row, without=removed, extra=[new]))

    assert 1 <= len(before.keys() - after.keys()) <= 3
    assert len(after.keys() - before.keys()) == 1
    assert {key: after[key] for key in after.keys() & before.keys()} == {
        key: before[key] for key in after.keys() & before.keys()
    }
    numbers = [number for number, _ in before.values()]
    assert len(set(numbers)) == len(numbers)
    assert all(1 <= number <= MAX_NUMBER for number in numbers)


def title_and_key(talk):
    return talk.title, START_SUFFIX.sub("", talk.guid)


def ids_by_guid(talks):
    placed = [PlacedTalk(talk=talk, room_id="room", feed=0) for talk in talks]
    return {ids.guid: (ids.number, ids.speaker_ids) for ids in assign_ids(placed, [talks])}
