"""Lists of talks with their recordings."""

from datetime import UTC, datetime, timedelta

import pytest

from streaming_system.frontend.relive.talk_index import parse_index
from streaming_system.schedule.model import Slot
from streaming_system.util.foreign_json import DocumentError
from streaming_system.util.json_object import FieldProblems

BASE = "https://relive.example/conf/index.json"
START = datetime(2026, 11, 24, 9, tzinfo=UTC)
TALK = Slot(start=START, end=START + timedelta(hours=1), title="x", guid="Guid-7", number=7)


def find(*entries):
    return parse_index(BASE, list(entries), FieldProblems()).find(TALK)


@pytest.mark.parametrize("key", [{"id": 7}, {"id": "7"}, {"guid": "guid-7"}])
def test_entry_belongs_to_talk_by_guid_or_number(key):
    found = find(key | {"status": "live", "playlist": "7/index.m3u8"}, {"id": 8}, None, [])

    assert found.url == "https://relive.example/conf/7/index.m3u8"


def test_file_plays_without_playlist():
    found = find({"id": 7, "status": "recorded", "mp4": "//cdn.example/7.mp4?x"})

    assert (found.url, found.mime_type) == ("https://cdn.example/7.mp4?x", "video/mp4")


@pytest.mark.parametrize(
    "entry",
    [{"status": "recorded", "playlist": "javascript:alert(1)"}, {"status": "recorded", "mp4": 7},
     {"status": "recorded", "mp4": "7.flv"}, {"status": "recorded", "playlist": "http://[/"},
     {"status": "released", "release_url": "javascript:alert(1)"}],
)  # fmt: skip
def test_unusable_link_is_none(entry):
    found = find({"id": 7} | entry)

    assert (found.url, found.release_url) == ("", "")


@pytest.mark.parametrize(
    "entry", [{"status": "not_running"}, {"status": ["recorded"]}, {}, {"id": True}, {"id": []}]
)
def test_entry_without_recording_is_left_out(entry):
    assert find({"id": 7, "playlist": "x.m3u8"} | entry) is None


def test_two_entries_of_one_talk_are_not_guessed():
    entries = [{"id": 7, "status": "live", "playlist": f"{n}.m3u8"} for n in range(2)]

    assert find(*entries) is None


@pytest.mark.parametrize("document", [{}, None, "x", [{}] * 20_001])
def test_other_document_is_an_error(document):
    with pytest.raises(DocumentError):
        parse_index(BASE, document, FieldProblems())
