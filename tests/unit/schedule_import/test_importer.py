"""Imports of feeds into the schedule file."""

import json
from datetime import UTC, datetime, timedelta

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
def run_import(tmp_path):
    target = tmp_path / "var" / "schedule.json"

    def run_import(config, feed=FEED, accept_shrink=False, now=NOW, allow_sample=True):
        (tmp_path / "feed.json").write_text(feed if isinstance(feed, str) else json.dumps(feed))
        default = {"schedule": "feed.json", "schedule-timezone": "Australia/Sydney"}
        (tmp_path / "config.json").write_text(json.dumps({"default": default, **config}))
        loaded = load_conference(tmp_path / "config.json", tmp_path / "none.json")
        options = FeedReaderOptions(format=loaded.site.schedule_format, allow_sample=allow_sample)
        return import_schedule(loaded, options, target, now=now, accept_shrink=accept_shrink)

    run_import.schedule = lambda: ScheduleStore(target).current()
    run_import.target = target
    return run_import


def titles(schedule, room):
    return [event.title for event in schedule.rooms[room].slots if not event.is_filler]


def test_import_maps_rooms_of_the_feed_to_configured_rooms(run_import):
    result = run_import({"hall": {"schedule-key": "Great Hall"}, "lab": {"schedule-key": "Lab"}})

    [feed] = result.feeds
    schedule = run_import.schedule()
    assert titles(schedule, "hall") == ["Opening", "Keynote"]
    assert titles(schedule, "lab") == ["Soldering"]
    assert schedule.imported_at == NOW
    assert (feed.format, feed.rooms, feed.validated.entries) == (
        "zookeepr",
        ("hall", "lab"),
        4,
    )


def test_import_records_which_talks_it_changed(run_import):
    hall = {"hall": {"schedule-key": "Great Hall"}}
    later = NOW + timedelta(days=1)
    run_import(hall)

    moved = item("Great Hall", "24 16:00", "Keynote", Id="Great Hall24 10:00")
    run_import(hall, [item("Great Hall", "24 08:00", "Doors open"), *FEED[:2], moved], now=later)

    talks = {slot.title: slot for slot in run_import.schedule().rooms["hall"].slots}
    assert (talks["Opening"].revision, talks["Opening"].changed_at) == (0, NOW)
    assert (talks["Keynote"].revision, talks["Keynote"].changed_at) == (1, later)
    assert (talks["Doors open"].revision, talks["Doors open"].changed_at) == (0, later)


def test_import_converts_local_times_to_utc(run_import):
    run_import({"hall": {"schedule-key": "Great Hall"}})

    opening = next(e for e in run_import.schedule().rooms["hall"].slots if e.title == "Opening")
    assert opening.start == datetime(2026, 11, 23, 22, tzinfo=UTC)


def test_see_also_relays_talks_of_another_room(run_import):
    run_import({"hall": {"schedule-key": "Great Hall", "schedule-see-also": ["Plenary"]}})

    events = [e for e in run_import.schedule().rooms["hall"].slots if not e.is_filler]
    assert [(event.title, event.relayed_from) for event in events] == [
        ("Opening", ""),
        ("Keynote", ""),
        ("Panel", "Plenary"),
    ]


@pytest.mark.parametrize("room", [{"Lab": {}}, {"x": {"title": "Lab"}}])
def test_title_or_id_selects_the_room_without_a_schedule_key(run_import, room):
    run_import(room)

    [room_id] = room
    assert titles(run_import.schedule(), room_id) == ["Soldering"]


def test_room_without_a_feed_has_no_schedule(run_import):
    run_import({"Lab": {}, "quiet": {"schedule": False}})

    assert list(run_import.schedule().rooms) == ["Lab"]


def test_talk_in_two_rooms_gets_two_guids(run_import):
    run_import(
        {
            "hall": {"schedule-key": "Great Hall", "schedule-see-also": "Plenary"},
            "lab": {"schedule-key": "Lab", "schedule-see-also": "Plenary"},
        }
    )

    guids = [
        event.guid
        for room in run_import.schedule().rooms.values()
        for event in room.slots
        if event.title == "Panel"
    ]
    assert len(set(guids)) == len(guids) == 2


def test_talks_without_a_room_are_those_of_the_only_room(run_import):
    run_import({"hall": {}}, [item("", "24 09:00", "Opening"), item(" ", "24 10:00", "Keynote")])

    assert titles(run_import.schedule(), "hall") == ["Opening", "Keynote"]


@pytest.mark.parametrize(
    ("hall", "name"),
    [
        ({"title": "Great Hall"}, "Great Hall"),
        ({"title": "Hall", "schedule-key": "Great Hall"}, "Great Hall"),
        ({"title": "The best hall"}, "hall"),
    ],
)
def test_talks_without_a_room_join_the_others_of_the_only_room(run_import, hall, name):
    feed = [item(name, "24 09:00", "Opening"), item("Lab", "24 09:00", "Soldering")]

    run_import({"hall": hall}, [*feed, item("", "24 13:00", "Lunch")])

    assert titles(run_import.schedule(), "hall") == ["Opening", "Lunch"]


@pytest.mark.parametrize("name", ["hall", "The Hall", "Great Hall"])
@pytest.mark.parametrize("section", ["config", "default", "Lab"])
def test_key_names_the_room_of_talks_without_one(run_import, name, section):
    rooms = {"hall": {"title": "The Hall", "schedule-key": "Great Hall"}, "Lab": {}}
    default = {"schedule": "feed.json", "schedule-timezone": "Australia/Sydney"}
    config = {"config": {}, "default": default, **rooms}
    config[section] = config[section] | {"schedule-room-default": name}

    run_import(config, [*FEED, item("", "24 13:00", "Lunch")])

    assert titles(run_import.schedule(), "hall") == ["Opening", "Keynote", "Lunch"]
    assert titles(run_import.schedule(), "Lab") == ["Soldering"]


def test_talks_without_a_room_are_left_out_if_several_rooms_use_the_feed(run_import):
    rooms = {"hall": {"schedule-key": "Great Hall"}, "Lab": {}}

    [feed] = run_import(rooms, [*FEED, item("", "24 13:00", "Lunch")]).feeds

    assert [(entry.title, entry.reason, entry.detail) for entry in feed.validated.skipped] == [
        ("Lunch", "no-room", "set schedule-room-default to the room of such talks")
    ]


def test_fillers_cover_the_whole_conference(run_import):
    run_import(
        {
            "hall": {"schedule-key": "Great Hall", "conference": "LCA"},
            "lab": {"schedule-key": "Lab", "conference": "LCA"},
        }
    )

    hall = run_import.schedule().rooms["hall"].slots
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
        ({"hall": {}}, "[", "feed.json: not valid JSON: line 1, column 2, where it ends too early"),
        ({"hall": {}}, "{}", "feed.json: no parser recognises this json document; tried: "),
        ({"hall": {}}, "", "feed.json: the feed is empty"),
        (
            {"hall": {"schedule-key": "Great Hal"}},
            FEED,
            "room 'hall': the feed has no room called 'Great Hal' (schedule-key); it has: "
            "'Great Hall', 'Lab', 'Plenary'",
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
            "feed.json: there is no format called 'zooker'; did you mean 'zookeepr'? "
            "schedule-format may be: ",
        ),
        (
            {"hall": {}, "Lab": {}},
            [item("", "24 09:00", "Opening")],
            "feed.json: none of the 1 entries can be used; the first, item 1: no-room, "
            "set schedule-room-default to the room of such talks",
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
def test_failed_import_keeps_the_schedule_and_reports_one_line(run_import, config, feed, line):
    run_import({"Lab": {}})
    before = run_import.target.read_bytes()

    with pytest.raises(ImportFailedError) as refusal:
        run_import(config, feed)

    assert line in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert run_import.target.read_bytes() == before


def test_room_without_talks_in_its_feed_is_a_warning(run_import):
    result = run_import(
        {
            "hall": {"schedule-key": "Great Hall"},
            "studio": {"schedule-key": "Studio"},
            "Lab": {"schedule-see-also": ["Plenum"]},
        }
    )

    assert result.warnings == (
        "room 'Lab': the feed has no room called 'Plenum' (schedule-see-also); it has: "
        "'Great Hall', 'Lab', 'Plenary'",
        "room 'studio': the feed has no room called 'Studio' (schedule-key); it has: "
        "'Great Hall', 'Lab', 'Plenary'",
    )
    rooms = run_import.schedule().rooms
    assert [bool(rooms[name].slots) for name in ("hall", "Lab", "studio")] == [True, True, False]


def test_import_that_loses_half_of_the_talks_needs_a_confirmation(run_import):
    run_import({"hall": {"schedule-key": "Great Hall", "schedule-see-also": ["Plenary", "Lab"]}})

    with pytest.raises(ImportFailedError) as refusal:
        run_import({"Lab": {}})

    assert str(refusal.value) == (
        "the new schedule has 1 talks, the one in service 4; "
        "if that is right, import it with --accept-shrink"
    )
    run_import({"Lab": {}}, accept_shrink=True)
    assert list(run_import.schedule().rooms) == ["Lab"]


SAMPLE = {"sample-event": {"Great Hall": [{"title": "Made up", "minutes": 30}]}}


def test_first_real_import_replaces_the_sample_event_without_a_confirmation(run_import):
    run_import({"hall": {"schedule-key": "Great Hall"}}, SAMPLE)
    assert len(titles(run_import.schedule(), "hall")) > 100

    result = run_import({"lab": {"schedule-key": "Lab"}, "hall": {"schedule-key": "Great Hall"}})

    assert titles(run_import.schedule(), "lab") == ["Soldering"]
    assert titles(run_import.schedule(), "hall") == ["Opening", "Keynote"]
    # Plugins get the talks of the event, and nothing about those of the sample.
    assert [change.kind for change in result.changes] == ["appeared"] * 3


def test_real_talks_beside_the_sample_event_still_need_a_confirmation(run_import, tmp_path):
    rooms = {
        "hall": {"schedule-key": "Great Hall", "schedule-see-also": ["Plenary", "Lab"]},
        "tent": {"schedule-key": "Great Hall", "schedule": "sample.json"},
    }
    (tmp_path / "sample.json").write_text(json.dumps(SAMPLE))
    run_import(rooms)

    with pytest.raises(ImportFailedError, match="has 1 talks, the one in service 4;"):
        run_import({"lab": {"schedule-key": "Lab"}})


def test_sample_event_is_renewed_like_any_feed(run_import):
    hall = {"hall": {"schedule-key": "Great Hall"}}
    run_import(hall, SAMPLE)

    renamed = {"sample-event": {"Great Hall": [{"title": "Renamed", "minutes": 30}]}}

    assert {change.kind for change in run_import(hall, renamed).changes} == {"renamed"}


def test_production_refuses_the_sample_event(run_import, tmp_path):
    hall = {"hall": {"schedule-key": "Great Hall"}}
    run_import(hall)
    before = run_import.target.read_bytes()

    with pytest.raises(ImportFailedError) as refusal:
        run_import(hall, SAMPLE, allow_sample=False)

    assert str(refusal.value).startswith(f"{tmp_path}/feed.json: is the sample event, which is for")
    assert run_import.target.read_bytes() == before


def test_import_returns_the_changes(run_import):
    run_import({"Lab": {}})

    result = run_import({"Lab": {}}, [item("Lab", "24 11:00", "Soldering")])

    [change] = result.changes
    assert (change.kind, change.before.start.hour, change.after.start.hour) == ("moved", 23, 0)
