"""Randomly mutated feeds: parsers may refuse them, and must not crash."""

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

# Replacements: all JSON values, and texts with a meaning.
special_texts = st.sampled_from(
    ["", "0", "-1", "10:00", "99:99", "2026-02-30T10:00", "9999-12-31T23:59:59-14:00", "NaN",
     "1 day, 0:00:00", "PT99999H", "\x00", "\ud800", "http://[::1", "Europe/Nowhere", "%(x)s"]
)  # fmt: skip
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | special_texts
    | st.text()
)
keys = st.text(max_size=5)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=5,
)


def assert_no_crash(data, name):
    """Parse a feed with one parser: it can be refused, but the parser must not crash."""
    refusal, talks = "", ()
    try:
        feed = open_feed(data)
        for registered in PARSERS.values():
            registered.parser.recognise(feed)
        validated, _ = parse_and_validate(feed, PARSERS[name], BERLIN)
        talks = validated.talks
    except FeedError as error:
        refusal = str(error)
    assert "failed:" not in refusal
    assert "\n" not in refusal
    assert all(talk.start < talk.end and talk.rooms for talk in talks)


def value_paths(value, path=()):
    """Return the paths of all values in a document."""
    paths = [path] if path else []
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        items = ()
    for key, inner in items:
        paths += value_paths(inner, (*path, key))
    return paths


def replace_value(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replace_value(value[path[0]], path[1:], new)
    return copy


@pytest.mark.parametrize("name", all_samples())
def test_sample_is_recognised_only_as_its_format(name):
    feed = open_feed(all_samples()[name])

    assert select_parser(feed, PARSERS).parser.name == name
    validated, _ = parse_and_validate(feed, PARSERS[name], BERLIN)
    assert validated.talks
    assert validated.skipped == ()


@pytest.mark.parametrize("name", JSON)
@SETTINGS
@given(data=st.data())
def test_json_with_wrong_values_never_crashes_a_parser(name, data):
    document = JSON[name]
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(value_paths(document) or [()]))
        document = replace_value(document, path, data.draw(values))
    assert_no_crash(json.dumps(document).encode(), name)


@pytest.mark.parametrize("name", ["schedule.xml", "icalendar", "csv", "schedule.json"])
@SETTINGS
@given(data=st.data())
def test_mutated_bytes_never_crash_a_parser(name, data):
    sample = bytearray(all_samples()[name])
    for _ in range(data.draw(st.integers(1, 4))):
        offset = data.draw(st.integers(0, len(sample)))
        length = data.draw(st.integers(0, 20))
        sample[offset : offset + length] = data.draw(st.binary(max_size=20))
    assert_no_crash(bytes(sample), name)


@pytest.mark.parametrize("name", ["schedule.xml", "icalendar", "csv"])
@SETTINGS
@given(data=st.data())
def test_wrong_texts_never_crash_a_parser(name, data):
    sample = all_samples()[name].decode()
    parts = sorted({part for part in sample.replace(">", "<").split("<") if part.strip()})
    if name != "schedule.xml":
        parts = sorted(set(sample.replace(",", ":").replace(";", ":").split(":")))
    part = data.draw(st.sampled_from(parts))
    new = data.draw(special_texts.filter(lambda text: text != "\ud800"))
    assert_no_crash(sample.replace(part, new, 1).encode(), name)
