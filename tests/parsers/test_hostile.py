"""Hostile feeds are refused in one line, or sanitised."""

import csv
import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from streaming_system.plugin import FeedError
from streaming_system.plugin_host.sandbox import ResourceLimits
from streaming_system.schedule_import.feed_reader import FeedReaderOptions, fetch_and_parse

SHARED = Path(__file__).parents[3] / "shared" / "feeds" / "hostile"
# Zones of formats without offsets.
ZONES = {"zookeepr": "Australia/Sydney", "symposion": "Australia/Sydney"}
# These cost only their own characters since encodings are detected.
ACCEPTED_SINCE = {
    "19_latin1_undeclared.xml": "ACCEPT_WITH_WARNING",
    "20_latin1.json": "ACCEPT_WITH_WARNING",
}
# A correct reader needs few resources for these feeds.
OPTIONS = FeedReaderOptions(limits=ResourceLimits(timeout=20, max_memory_bytes=400 * 2**20))


def rows():
    path = SHARED / "MANIFEST.tsv"
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_hostile_feeds_are_present(shared):
    assert len(rows()) > 60


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["file"])
def test_hostile_feed_is_refused_or_sanitised(row):
    words = row["format"].split()
    zone = words[1] if len(words) > 1 else ZONES.get(words[0])
    timezone = ZoneInfo(zone) if zone else None
    source = str(SHARED / row["file"])

    expected = ACCEPTED_SINCE.get(row["file"], row["verdict"])
    if expected == "REJECT":
        with pytest.raises(FeedError) as refusal:
            fetch_and_parse(source, OPTIONS, timezone)
        assert re.fullmatch(r"[^\n]{5,600}", str(refusal.value))
        return

    validated = fetch_and_parse(source, OPTIONS, timezone).validated

    assert validated.talks
    if expected == "ACCEPT_WITH_WARNING":
        assert [talk.title for talk in validated.talks] == ["Übung", "GOOD TALK"]
        assert "not UTF-8" in validated.warnings[0]
    if expected == "SKIP_EVENT" and row["file"] != "41_ten_megabyte_title.json":
        assert validated.skipped
    count = re.search(r"; (\d+) events", row["what a trustworthy importer does"])
    if expected == "ACCEPT_SANITISED" and count:
        assert len(validated.talks) == int(count[1])
    for talk in validated.talks:
        texts = "\n".join((talk.title, *talk.rooms, talk.abstract, *talk.speakers))
        assert not re.search(r"root:x:|[\x00-\x08\u202a-\u202e]", texts)
        # Pages escape titles, but not abstracts.
        assert not re.search(r"<(script|img)|href=.javascript", talk.abstract)
        assert re.match(r"https?://|$", talk.url)
        assert len(talk.title) <= 1000
        assert talk.end > talk.start


def test_slow_parser_is_stopped(tmp_path):
    (tmp_path / "slow.py").write_text(
        "import itertools\n"
        "from streaming_system.plugin import Parser, hookimpl\n"
        "@hookimpl\n"
        "def register_parsers():\n"
        "    return [Parser(name='slow', summary='', recognise=lambda feed: 0.0, parse=parse)]\n"
        "def parse(feed, context):\n"
        "    for number in itertools.count():\n"
        "        pass\n"
        "    yield\n"
    )
    (tmp_path / "feed.json").write_text("{}")
    options = FeedReaderOptions(
        plugin_folder=tmp_path, format="slow", limits=ResourceLimits(timeout=0.5)
    )

    with pytest.raises(FeedError, match=r"took longer than 0\.5 s and was stopped"):
        fetch_and_parse(str(tmp_path / "feed.json"), options)


def test_parser_is_stopped_at_the_memory_limit(tmp_path):
    (tmp_path / "fat.py").write_text(
        "from streaming_system.plugin import Parser, hookimpl\n"
        "@hookimpl\n"
        "def register_parsers():\n"
        "    return [Parser(name='fat', summary='', recognise=lambda feed: 0.0, parse=parse)]\n"
        "def parse(feed, context):\n"
        "    return ['x' * 10**9]\n"
    )
    (tmp_path / "feed.json").write_text("{}")
    options = FeedReaderOptions(
        plugin_folder=tmp_path, format="fat", limits=ResourceLimits(max_memory_bytes=500 * 2**20)
    )

    with pytest.raises(FeedError, match="needs more than 500 MiB of memory"):
        fetch_and_parse(str(tmp_path / "feed.json"), options)


def test_plugin_that_exits_only_ends_its_subprocess(tmp_path):
    (tmp_path / "exit.py").write_text("import os\nos._exit(3)\n")
    (tmp_path / "feed.json").write_text("{}")

    with pytest.raises(FeedError, match="the subprocess ended with exit code 3"):
        fetch_and_parse(str(tmp_path / "feed.json"), FeedReaderOptions(plugin_folder=tmp_path))
