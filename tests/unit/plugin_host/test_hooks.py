"""What plugins make of talks after parsing."""

import json

import pytest

from streaming_system.plugin_host.manager import PluginError
from streaming_system.plugin_host.notifications import notify_schedule_changes
from streaming_system.plugin_host.sandbox import ResourceLimits
from streaming_system.schedule_import.feed_reader import FeedReaderOptions, parse_feed

HEAD = (
    "from dataclasses import replace\nfrom streaming_system.plugin import hookimpl\n\n\n@hookimpl\n"
)
FEED = json.dumps(
    [
        {
            "Id": number,
            "Title": title,
            "Room Name": room,
            "Start": f"2026-07-04T1{number}:00:00+02:00",
            "Duration": "0:30:00",
        }
        for number, (title, room) in enumerate(
            [("Keynote", "Hall"), ("[internal] Sound check", "Hall"), ("Panel", " Big  Hall")]
        )
    ]
).encode()


@pytest.fixture
def reading(tmp_path):
    def reading(code=None, feed=FEED):
        if code:
            (tmp_path / "mine.py").write_text(HEAD + code)
        return parse_feed("feed", feed, FeedReaderOptions(plugin_folder=tmp_path)).validated

    return reading


def test_names_of_rooms_are_mapped(reading):
    checked = reading("def room_aliases():\n    return {'Big Hall': 'Hall'}\n")

    assert {talk.rooms for talk in checked.talks} == {("Hall",)}


def test_a_talk_can_be_hidden_and_is_reported(reading):
    checked = reading(
        "def filter_talk(talk):\n    return False if talk.title.startswith('[int') else None\n"
    )

    assert [talk.title for talk in checked.talks] == ["Keynote", "Panel"]
    [skipped] = checked.skipped
    assert (skipped.reason, skipped.location, skipped.title) == (
        "not-accepted",
        "item 2",
        "[internal] Sound check",
    )
    assert skipped.detail.startswith("hidden by ")
    assert skipped.detail.endswith("mine.py")


def test_a_talk_can_be_changed(reading):
    checked = reading(
        "def enrich_talk(talk):\n    return replace(talk, title=talk.title.upper())\n"
    )

    assert checked.talks[0].title == "KEYNOTE"


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("def filter_talk(talk):\n    return talk.nothing\n", "a hook failed: AttributeError: "),
        ("def enrich_talk(talk):\n    return 'x'\n", "enrich_talk must return a Talk or None"),
        ("def room_aliases():\n    return ['x']\n", "room_aliases must return a dict of texts"),
        ("def room_aliases():\n    return {'x': 1}\n", "room_aliases must return a dict of texts"),
    ],
)
def test_a_hook_that_misbehaves_is_named(reading, code, line):
    with pytest.raises(PluginError) as refusal:
        reading(code)

    assert "mine.py: " in str(refusal.value)
    assert line in str(refusal.value)


def test_a_room_called_tba_is_no_room(reading):
    checked = reading(feed=FEED.replace(b" Big  Hall", b"TBA"))

    assert [(s.reason, s.title) for s in checked.skipped] == [("no-room", "Panel")]


def test_a_block_that_only_closes_a_room_is_no_talk(reading):
    checked = reading(feed=FEED.replace(b"Panel", b"Room unavailable"))

    assert [s.reason for s in checked.skipped] == ["not-accepted"]


class TestNotify:
    @pytest.fixture
    def changes(self, reading):
        from streaming_system.schedule.diff import diff_slots, summarize_talks

        return diff_slots([], summarize_talks(reading().talks))

    def test_plugins_hear_what_has_changed(self, changes, tmp_path):
        (tmp_path / "mine.py").write_text(
            HEAD + "def schedule_changed(changes):\n"
            f"    open({str(tmp_path / 'heard')!r}, 'w').write(changes[0].after.title)\n"
        )

        notify_schedule_changes(changes, {}, tmp_path, ResourceLimits())

        assert (tmp_path / "heard").read_text() == "Keynote"

    def test_nobody_is_told_of_nothing(self, tmp_path):
        (tmp_path / "mine.py").write_text(
            HEAD + f"def schedule_changed():\n    open({str(tmp_path / 'heard')!r}, 'w')\n"
        )

        notify_schedule_changes([], {}, tmp_path, ResourceLimits())

        assert not (tmp_path / "heard").exists()

    def test_one_that_fails_keeps_nobody_from_hearing_it(self, changes, tmp_path):
        (tmp_path / "a.py").write_text(HEAD + "def schedule_changed():\n    1 / 0\n")
        (tmp_path / "b.py").write_text(
            HEAD + f"def schedule_changed():\n    open({str(tmp_path / 'heard')!r}, 'w')\n"
        )

        notify_schedule_changes(changes, {}, tmp_path, ResourceLimits())

        assert (tmp_path / "heard").exists()
