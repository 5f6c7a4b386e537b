"""Hooks of plugins after parsing."""

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
def validated_talks(tmp_path):
    def validated_talks(code=None, feed=FEED):
        if code:
            (tmp_path / "mine.py").write_text(HEAD + code)
        return parse_feed("feed", feed, FeedReaderOptions(plugin_folder=tmp_path)).validated

    return validated_talks


def test_room_aliases_are_applied(validated_talks):
    validated = validated_talks("def room_aliases():\n    return {'Big Hall': 'Hall'}\n")

    assert {talk.rooms for talk in validated.talks} == {("Hall",)}


def test_hidden_talk_is_reported(validated_talks):
    validated = validated_talks(
        "def filter_talk(talk):\n    return False if talk.title.startswith('[int') else None\n"
    )

    assert [talk.title for talk in validated.talks] == ["Keynote", "Panel"]
    [skipped] = validated.skipped
    assert (skipped.reason, skipped.location, skipped.title) == (
        "not-accepted",
        "item 2",
        "[internal] Sound check",
    )
    assert skipped.detail.startswith("hidden by ")
    assert skipped.detail.endswith("mine.py")


def test_enriched_talk_is_imported(validated_talks):
    validated = validated_talks(
        "def enrich_talk(talk):\n    return replace(talk, title=talk.title.upper())\n"
    )

    assert validated.talks[0].title == "KEYNOTE"


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("def filter_talk(talk):\n    return talk.nothing\n", "a hook failed: AttributeError: "),
        ("def enrich_talk(talk):\n    return 'x'\n", "enrich_talk must return a Talk or None"),
        ("def room_aliases():\n    return ['x']\n", "room_aliases must return a dict of texts"),
        ("def room_aliases():\n    return {'x': 1}\n", "room_aliases must return a dict of texts"),
    ],
)
def test_failing_hook_is_named(validated_talks, code, line):
    with pytest.raises(PluginError) as refusal:
        validated_talks(code)

    assert "mine.py: " in str(refusal.value)
    assert line in str(refusal.value)


def test_room_called_tba_is_no_room(validated_talks):
    validated = validated_talks(feed=FEED.replace(b" Big  Hall", b"TBA"))

    assert [(s.reason, s.title) for s in validated.skipped] == [("no-room", "Panel")]


def test_entry_that_closes_a_room_is_hidden(validated_talks):
    validated = validated_talks(feed=FEED.replace(b"Panel", b"Room unavailable"))

    assert [s.reason for s in validated.skipped] == ["not-accepted"]


class TestScheduleChanged:
    @pytest.fixture
    def changes(self, validated_talks):
        from streaming_system.schedule.diff import diff_slots, summarize_talks

        return diff_slots([], summarize_talks(validated_talks().talks))

    def test_plugin_gets_the_changes(self, changes, tmp_path):
        (tmp_path / "mine.py").write_text(
            HEAD + "def schedule_changed(changes):\n"
            f"    open({str(tmp_path / 'notified')!r}, 'w').write(changes[0].after.title)\n"
        )

        notify_schedule_changes(changes, {}, tmp_path, ResourceLimits())

        assert (tmp_path / "notified").read_text() == "Keynote"

    def test_plugin_is_not_called_without_changes(self, tmp_path):
        (tmp_path / "mine.py").write_text(
            HEAD + f"def schedule_changed():\n    open({str(tmp_path / 'notified')!r}, 'w')\n"
        )

        notify_schedule_changes([], {}, tmp_path, ResourceLimits())

        assert not (tmp_path / "notified").exists()

    def test_failing_plugin_does_not_affect_other_plugins(self, changes, tmp_path):
        (tmp_path / "a.py").write_text(HEAD + "def schedule_changed():\n    1 / 0\n")
        (tmp_path / "b.py").write_text(
            HEAD + f"def schedule_changed():\n    open({str(tmp_path / 'notified')!r}, 'w')\n"
        )

        notify_schedule_changes(changes, {}, tmp_path, ResourceLimits())

        assert (tmp_path / "notified").exists()
