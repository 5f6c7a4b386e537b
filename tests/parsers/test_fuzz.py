"""Feeds broken in ways that nobody has thought of."""

import json
import zoneinfo

import pytest
from depth import scaled
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streaming_system.plugin import FeedError, open_feed
from streaming_system.schedule_import.parsers import load_parsers, parse_and_validate, select_parser

from .samples import JSON, all_samples

PARSERS = load_parsers()
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
SETTINGS = settings(
    max_examples=scaled(12, 100), deadline=None, suppress_health_check=list(HealthCheck)
)

# What stands where something else should: every JSON value, and texts that mean something.
words = st.sampled_from(
    ["", "0", "-1", "10:00", "99:99", "2026-02-30T10:00", "9999-12-31T23:59:59-14:00", "NaN",
     "1 day, 0:00:00", "PT99999H", "\x00", "\ud800", "http://[::1", "Europe/Nowhere", "%(x)s"]
)  # fmt: skip
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words | st.text()
keys = st.text(max_size=5)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=5,
)


def survives(data, name):
    """Read a feed by one parser: it may be refused, but nothing may fail."""
    refusal, talks = "", ()
    try:
        feed = open_feed(data)
        for found in PARSERS.values():
            found.parser.recognise(feed)
        checked, _ = parse_and_validate(feed, PARSERS[name], BERLIN)
        talks = checked.talks
    except FeedError as error:
        refusal = str(error)
    assert "failed:" not in refusal
    assert "\n" not in refusal
    assert all(talk.start < talk.end and talk.rooms for talk in talks)


def places(value, path=()):
    """Return the path of everything in a document."""
    found = [path] if path else []
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        items = ()
    for key, inner in items:
        found += places(inner, (*path, key))
    return found


def exchanged(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = exchanged(value[path[0]], path[1:], new)
    return copy


@pytest.mark.parametrize("name", all_samples())
def test_the_sample_is_recognised_as_what_it_is(name):
    feed = open_feed(all_samples()[name])

    assert select_parser(feed, PARSERS).parser.name == name
    checked, _ = parse_and_validate(feed, PARSERS[name], BERLIN)
    assert checked.talks
    assert checked.skipped == ()


@pytest.mark.parametrize("name", JSON)
@SETTINGS
@given(data=st.data())
def test_wrong_values_anywhere_in_a_json_feed(name, data):
    document = JSON[name]
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places(document) or [()]))
        document = exchanged(document, path, data.draw(values))
    survives(json.dumps(document).encode(), name)


@pytest.mark.parametrize("name", ["schedule.xml", "icalendar", "csv", "schedule.json"])
@SETTINGS
@given(data=st.data())
def test_bytes_that_are_cut_put_in_and_changed(name, data):
    sample = bytearray(all_samples()[name])
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(sample)))
        length = data.draw(st.integers(0, 20))
        sample[place : place + length] = data.draw(st.binary(max_size=20))
    survives(bytes(sample), name)


@pytest.mark.parametrize("name", ["schedule.xml", "icalendar", "csv"])
@SETTINGS
@given(data=st.data())
def test_wrong_texts_in_a_feed_of_lines(name, data):
    sample = all_samples()[name].decode()
    words_of_it = sorted({word for word in sample.replace(">", "<").split("<") if word.strip()})
    if name != "schedule.xml":
        words_of_it = sorted(set(sample.replace(",", ":").replace(";", ":").split(":")))
    word = data.draw(st.sampled_from(words_of_it))
    new = data.draw(words.filter(lambda text: text != "\ud800"))
    survives(sample.replace(word, new, 1).encode(), name)
