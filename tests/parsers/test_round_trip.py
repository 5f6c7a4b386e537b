"""Each export, imported again, gives the same talks."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from depth import scaled
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from streaming_system.config import Room
from streaming_system.plugin import FeedError, Link, ParseContext, Talk
from streaming_system.schedule.export import EXPORT_FORMATS, export_schedule
from streaming_system.schedule_import.compile import RoomFeed, compile_schedule
from streaming_system.schedule_import.validate import validate_talks

from .round_trip import NOW, SITE, differences, import_feed
from .test_manifest import real_feeds, zone_of

ROOMS = {
    "hall": Room(id="hall", title="Hall, upper floor"),
    "lab": Room(id="lab", title='The "Lab"; R&D'),
}
SETTINGS = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

# Texts that formats escape, or that parsers of other programs' feeds interpret.
special_texts = st.sampled_from(
    ["[talk] Title", "Main Conference: talk", "a, b; c\\n\\", "AT&amp;T", "a < b > c",
     "^n ^' \"q\"",
     "  padded  ", "two\nlines", "[e-mail address removed]", "a@example.org", "\u2028x\x85y",
     "*a*", "BEGIN:VEVENT", "TRUE", "0", "null", "🎉", "x" * 1500]
)  # fmt: skip
texts = special_texts | st.text(max_size=30)
abstracts = (
    st.just("")
    | texts
    | st.builds("<p>{}</p><ul><li>{}<br>x</li></ul>".format, texts, texts)
    | st.sampled_from(["<p>a &amp; <i>b</i> c</p>\r\n<p>d</p>", "<pre>a\n\n  b</pre>", "&lt;p&gt;"])
)
urls = st.sampled_from(
    ["", "https://e.org/a,b;c?x=1&y=\"2\"#f", "https://e.org/ü/%20?", "http://e.org",
     "https://live.example.org/hall", "/relative"]
)  # fmt: skip
links = st.lists(st.builds(Link, url=urls, title=texts), max_size=3).map(tuple)
# The clocks change in these ten days.
starts = st.integers(0, 10 * 86_400).map(
    lambda seconds: datetime(2026, 10, 20, tzinfo=UTC) + timedelta(seconds=seconds)
)
lengths = st.sampled_from([1, 29, 30 * 60, 45 * 60 + 30, 86_399, 86_400, 5 * 86_400]) | st.integers(
    1, 7 * 86_400
)
talks = st.builds(
    lambda length, **fields: Talk(end=fields["start"] + timedelta(seconds=length), **fields),
    length=lengths,
    rooms=st.sampled_from([(room.title,) for room in ROOMS.values()])
    | st.just(tuple(room.title for room in ROOMS.values())),
    start=starts,
    title=texts,
    subtitle=texts,
    abstract=abstracts,
    url=urls,
    guid=st.uuids().map(str) | texts,
    speakers=st.lists(texts, max_size=3).map(tuple),
    track=texts,
    language=texts | st.sampled_from(["de", "en-GB", "eng"]),
    talk_type=texts | st.sampled_from(["lecture", "TALK", "Lightning Talk"]),
    do_not_record=st.none() | st.booleans(),
    recording_license=texts,
    feedback_url=urls,
    links=links,
    attachments=links,
)


def compile_talks(feed_talks, zone):
    """Return the schedule of talks after their validation."""
    # Without a talk, a feed has no room, and the import fails.
    everywhere = [
        Talk(rooms=(room.title,), start=NOW, end=NOW + timedelta(hours=1), title=room.id)
        for room in ROOMS.values()
    ]
    validated = validate_talks([*everywhere, *feed_talks], ParseContext())
    feed = RoomFeed(validated=validated, timezone=ZoneInfo(zone))
    return compile_schedule(ROOMS.values(), dict.fromkeys(ROOMS, feed), imported_at=NOW)


@pytest.mark.parametrize("export_format", EXPORT_FORMATS)
@SETTINGS
@given(
    feed_talks=st.lists(talks, max_size=4),
    zone=st.sampled_from(["Europe/Berlin", "UTC", "America/St_Johns", "Australia/Lord_Howe"]),
)
def test_import_of_an_export_loses_nothing(export_format, feed_talks, zone):
    try:
        schedule = compile_talks(feed_talks, zone)
    except FeedError:
        return  # No talk is valid.

    assert differences(schedule, ROOMS, export_format) == []


@pytest.mark.slow
@pytest.mark.parametrize("row", real_feeds())
def test_import_of_an_exported_real_feed_loses_nothing(shared, row):
    data = (shared / "feeds" / "real" / row["file"]).read_bytes()
    schedule, rooms, _ = import_feed(data, zone_of(row), talks=scaled(40, 150))

    lost = {name: differences(schedule, rooms, name) for name in EXPORT_FORMATS}
    assert lost == {key: [] for key in EXPORT_FORMATS}


def test_exported_report_keeps_its_ids_and_has_readable_durations(shared):
    exported = []
    for name in ("roundtrip_source.xml", "roundtrip_source_one_more.xml"):
        schedule, rooms, _ = import_feed((shared / "reports" / "feeds" / name).read_bytes())
        for export_format in EXPORT_FORMATS:
            assert differences(schedule, rooms, export_format) == []
        exported.append(etree.fromstring(export_schedule(schedule, rooms, SITE, "frab-xml")))

    before, after = (
        {event.get("guid"): event.get("id") for event in root.iter("event")} for root in exported
    )
    assert before.items() < after.items()
    assert sorted(duration.text for duration in exported[0].iter("duration")) == [
        "00:20",
        "00:30",
        "01:00",
        "5:00:00",
    ]
    assert all(person.get("id") for person in exported[0].iter("person"))
