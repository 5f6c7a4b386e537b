"""From feeds and configuration to the schedule file: all or nothing."""

import json
from datetime import UTC, datetime

import pytest

from streaming_system.config import load_conference
from streaming_system.schedule.store import ScheduleStore
from streaming_system.schedule_import.feed_reader import FeedReaderOptions
from streaming_system.schedule_import.importer import ImportFailedError, import_schedule

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def item(room, start, title, **more):
    return {
        "Title": title,
        "Room Name": room,
        "Start": f"2026-11-{start}:00",
        "Duration": "0:45:00",
        "Id": f"{room}{start}",
        **more,
    }


FEED = [
    item("Great Hall", "24 09:00", "Opening"),
    item("Lab ", "24 10:00", "Soldering"),
    item("Great Hall", "24 10:00", "Keynote"),
    item("Plenary", "24 11:00", "Panel"),
]


@pytest.fixture
def importing(tmp_path):
    target = tmp_path / "var" / "schedule.json"

    def importing(config, feed=FEED, accept_shrink=False):
        (tmp_path / "feed.json").write_text(feed if isinstance(feed, str) else json.dumps(feed))
        default = {"schedule": "feed.json", "schedule-timezone": "Australia/Sydney"}
        (tmp_path / "config.json").write_text(json.dumps({"default": default, **config}))
        loaded = load_conference(tmp_path / "config.json", tmp_path / "none.json")
        reader = FeedReaderOptions(format=loaded.site.schedule_format)
        return import_schedule(loaded, reader, target, now=NOW, accept_shrink=accept_shrink)

    importing.schedule = lambda: ScheduleStore(target).current()
    importing.target = target
    return importing


def titles(schedule, room):
    return [event.title for event in schedule.rooms[room].slots if not event.is_filler]


def test_rooms_of_the_feed_become_rooms_of_the_site(importing):
    outcome = importing({"hall": {"schedule-key": "Great Hall"}, "lab": {"schedule-key": "Lab"}})

    [result] = outcome.feeds
    schedule = importing.schedule()
    assert titles(schedule, "hall") == ["Opening", "Keynote"]
    assert titles(schedule, "lab") == ["Soldering"]
    assert schedule.imported_at == NOW
    assert (result.format, result.rooms, result.validated.entries) == (
        "zookeepr",
        ("hall", "lab"),
        4,
    )


def test_local_times_of_the_feed_become_utc(importing):
    importing({"hall": {"schedule-key": "Great Hall"}})

    opening = next(e for e in importing.schedule().rooms["hall"].slots if e.title == "Opening")
    assert opening.start == datetime(2026, 11, 23, 22, tzinfo=UTC)


def test_see_also_shows_another_room_s_talks_and_says_where_they_are(importing):
    importing({"hall": {"schedule-key": "Great Hall", "schedule-see-also": ["Plenary"]}})

    events = [e for e in importing.schedule().rooms["hall"].slots if not e.is_filler]
    assert [(event.title, event.relayed_from) for event in events] == [
        ("Opening", ""),
        ("Keynote", ""),
        ("Panel", "Plenary"),
    ]


@pytest.mark.parametrize("room", [{"Lab": {}}, {"x": {"title": "Lab"}}])
def test_without_a_schedule_key_the_title_or_the_id_is_looked_for(importing, room):
    importing(room)

    [room_id] = room
    assert titles(importing.schedule(), room_id) == ["Soldering"]


def test_a_room_without_a_feed_is_left_out(importing):
    importing({"Lab": {}, "quiet": {"schedule": False}})

    assert list(importing.schedule().rooms) == ["Lab"]


def test_a_talk_in_two_rooms_has_two_guids(importing):
    importing(
        {
            "hall": {"schedule-key": "Great Hall", "schedule-see-also": "Plenary"},
            "lab": {"schedule-key": "Lab", "schedule-see-also": "Plenary"},
        }
    )

    guids = [
        event.guid
        for room in importing.schedule().rooms.values()
        for event in room.slots
        if event.title == "Panel"
    ]
    assert len(set(guids)) == len(guids) == 2


def test_the_days_are_those_of_the_whole_conference(importing):
    importing(
        {
            "hall": {"schedule-key": "Great Hall", "conference": "LCA"},
            "lab": {"schedule-key": "Lab", "conference": "LCA"},
        }
    )

    hall = importing.schedule().rooms["hall"].slots
    assert [event.title for event in hall] == [
        "LCA not yet started",
        "Opening",
        "15 minute break",
        "Keynote",
        "LCA finished",
    ]


@pytest.mark.parametrize(
    ("config", "feed", "line"),
    [
        ({"hall": {}}, "[", "feed.json: not valid JSON: Expecting value: line 1 column 2 (char 1)"),
        ({"hall": {}}, "{}", "feed.json: no parser recognises this json document; tried: "),
        ({"hall": {}}, "", "feed.json: the feed is empty"),
        (
            {"hall": {"schedule-key": "Great Hal"}},
            FEED,
            "room 'hall': the feed has no room called 'Great Hal' (schedule-key); it has: "
            "'Great Hall', 'Lab', 'Plenary'",
        ),
        (
            {"Lab": {"schedule-see-also": ["Plenum"]}},
            FEED,
            "room 'Lab': the feed has no room called 'Plenum' (schedule-see-also); it has: ",
        ),
        (
            {"hall": {"title": "The Hall"}},
            FEED,
            "room 'hall': has no schedule-key, and the feed has no room called 'The Hall'; it ",
        ),
        ({"hall": {"schedule": "none.json"}}, FEED, "cannot be read: No such file or directory"),
        (
            {"config": {"schedule-format": "zooker"}, "Lab": {}},
            FEED,
            "feed.json: there is no format called 'zooker'; schedule-format may be: ",
        ),
        ({"hall": {"schedule": False}}, FEED, "no room has a feed: set schedule-url, or schedule"),
        (
            {"Lab": {}, "default": {"schedule": "feed.json"}},
            FEED,
            "feed.json: none of the 4 entries can be used; the first, item 1: no-time, "
            "'2026-11-24 09:00:00' has no UTC offset: set schedule-timezone",
        ),
    ],
)
def test_if_anything_fails_the_old_schedule_stays_and_one_line_says_why(
    importing, config, feed, line
):
    importing({"Lab": {}})
    before = importing.target.read_bytes()

    with pytest.raises(ImportFailedError) as refusal:
        importing(config, feed)

    assert line in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert importing.target.read_bytes() == before


def test_a_schedule_that_is_suddenly_half_empty_needs_a_yes(importing):
    importing({"hall": {"schedule-key": "Great Hall", "schedule-see-also": ["Plenary", "Lab"]}})

    with pytest.raises(ImportFailedError) as refusal:
        importing({"Lab": {}})

    assert str(refusal.value) == (
        "the new schedule has 1 talks, the one in service 4; "
        "if that is right, import it with --accept-shrink"
    )
    importing({"Lab": {}}, accept_shrink=True)
    assert list(importing.schedule().rooms) == ["Lab"]


def test_an_import_tells_what_is_different_from_before(importing):
    importing({"Lab": {}})

    outcome = importing({"Lab": {}}, [item("Lab", "24 11:00", "Soldering")])

    [change] = outcome.changes
    assert (change.kind, change.before.start.hour, change.after.start.hour) == ("moved", 23, 0)
