"""Identifiers of talks and speakers over several imports."""

import json
from datetime import UTC, datetime

import pytest

from streaming_system.config import Room
from streaming_system.plugin import Talk, open_feed
from streaming_system.schedule.export_talks import ExportSite, collect_export
from streaming_system.schedule_import.compile import RoomFeed, compile_schedule
from streaming_system.schedule_import.identifiers import PlacedTalk, assign_ids
from streaming_system.schedule_import.parsers import load_parsers, parse_and_validate

SITE = ExportSite(title="Conf 2026", url="https://live.example.org")


def event(title, hour, room="Hall", **fields):
    start = f"2026-11-24T{hour:02}:00:00+01:00"
    return {"title": title, "date": start, "duration": "0:30", "room": room} | fields


def feed(*events):
    """Return a schedule.json with events in the given order."""
    rooms = {}
    for item in events:
        rooms.setdefault(item["room"], []).append(item)
    return {"schedule": {"conference": {"title": "Conf", "days": [{"rooms": rooms}]}}}


@pytest.fixture(scope="module")
def parsers():
    return load_parsers()


@pytest.fixture
def run_import(parsers):
    """Return a function that imports feeds by room id, and returns the talks by room and title."""

    def run_import(documents, **fields):
        rooms, feeds, parsed = {}, {}, {}
        for room_id, document in documents.items():
            rooms[room_id] = Room(id=room_id, title=room_id.title(), **fields.get(room_id, {}))
            if id(document) not in parsed:
                opened = open_feed(json.dumps(document).encode())
                validated, _ = parse_and_validate(opened, parsers["schedule.json"])
                parsed[id(document)] = RoomFeed(validated=validated)
            feeds[room_id] = parsed[id(document)]
        schedule = compile_schedule(rooms.values(), feeds, imported_at=datetime.now(UTC))
        run_import.exported = collect_export(schedule, rooms, SITE).talks
        return {
            (room_id, slot.title): slot
            for room_id, room in schedule.rooms.items()
            for slot in room.slots
            if not slot.is_filler
        }

    return run_import


def ids(talks):
    return {key: (talk.guid, talk.number, talk.speaker_ids) for key, talk in talks.items()}


KEYNOTE = event("Keynote", 10, guid="talk-1@example.org", persons=[{"id": 7, "name": "Ada"}])
PANEL = event("Panel", 11, id="102", persons=[{"guid": "b-1", "name": "Bo"}, {"name": "Cy"}])
LUNCH = event("Lunch", 12)
BEFORE = event("Doors open", 9, id=109, persons=[{"name": "Al"}, {"id": 3, "name": "Di"}])


def test_guids_and_numbers_are_those_of_the_feed(run_import):
    talks = run_import({"hall": feed(KEYNOTE, PANEL)})

    assert talks["hall", "Keynote"].guid == "talk-1@example.org"
    assert (talks["hall", "Panel"].guid, talks["hall", "Panel"].number) == ("102", 102)
    assert talks["hall", "Keynote"].speaker_ids == (7,)


def test_new_talk_and_new_order_change_no_identifier(run_import):
    before = ids(run_import({"hall": feed(KEYNOTE, PANEL, LUNCH)}))

    after = ids(run_import({"hall": feed(LUNCH, BEFORE, PANEL, KEYNOTE)}))

    assert {key: after[key] for key in before} == before
    assert len({number for _, number, _ in after.values()}) == 4


@pytest.mark.parametrize("talk", [KEYNOTE, PANEL, LUNCH])
def test_talk_that_moves_keeps_its_identifiers(run_import, talk):
    before = ids(run_import({"hall": feed(talk), "lab": feed(event("Other", 8, "Lab", id=1))}))

    moved = feed(talk | {"date": "2026-11-24T18:00:00+01:00"}, event("Later", 19))
    after = ids(run_import({"hall": moved}))

    assert after["hall", talk["title"]] == before["hall", talk["title"]]


@pytest.mark.parametrize("talk", [KEYNOTE, PANEL])
def test_talk_that_is_renamed_keeps_its_identifiers(run_import, talk):
    before = ids(run_import({"hall": feed(talk)}))

    after = ids(run_import({"hall": feed(talk | {"title": "Renamed"})}))

    assert after["hall", "Renamed"] == before["hall", talk["title"]]


def test_relay_of_a_talk_does_not_take_its_identifiers(run_import):
    document = feed(event("Panel", 10, "Aula", guid="p", id=5), event("Opening", 9, "Lab"))
    alone = ids(run_import({"lab": document, "aula": document}))

    talks = run_import(
        {"lab": document, "aula": document},
        lab={"schedule_see_also": ("Aula",)},
    )

    assert ids(talks)["aula", "Panel"] == alone["aula", "Panel"] == ("p", 5, ())
    assert talks["lab", "Panel"].guid == "p-lab"
    assert talks["lab", "Panel"].number != 5


def test_plenary_has_its_identifiers_in_its_first_room_whatever_rooms_are_configured():
    start = datetime(2026, 11, 24, 9, tzinfo=UTC)
    plenary = Talk(
        rooms=("Main", "Annex"), start=start, end=start, title="Plenary", guid="p", number=5
    )
    main = PlacedTalk(talk=plenary, room_id="main", feed=0, rank=0)
    annex = PlacedTalk(talk=plenary, room_id="annex", feed=0, rank=1)

    in_annex, in_main = assign_ids([annex, main], [[plenary]])

    assert [in_main] == assign_ids([main], [[plenary]])
    assert (in_main.guid, in_main.number) == ("p", 5)
    assert in_annex.guid == "p-annex"
    assert in_annex.number != 5


def test_repeated_guid_and_number_stay_with_the_first_talk(run_import):
    first, second = event("Tour", 10, guid="t", id=4), event("Tour", 14, guid="t", id=4)
    once = ids(run_import({"hall": feed(first)}))

    third = second | {"date": "2026-11-25T14:00:00+01:00"}
    run_import({"hall": feed(third, second, first)})

    assert once["hall", "Tour"] == ("t", 4, ())
    numbers = {talk.slot.guid: talk.number for talk in run_import.exported}
    assert list(numbers) == ["t", "t-20261124T1300", "t-20261125T1300"]
    assert numbers["t"] == 4
    assert len(set(numbers.values())) == 3


class TestTwoFeeds:
    """Two feeds of one event number their talks and people independently."""

    HALL = feed(
        event("Opening", 9, id=1, persons=[{"id": 1, "name": "Ada"}]),
        event("Keynote", 10, id=2, persons=[{"id": 2, "name": "Bo"}]),
    )
    LAB = feed(
        event("Soldering", 9, "Lab", id=1, persons=[{"id": 1, "name": "Cy"}]),
        event("Knitting", 10, "Lab", id=2, persons=[{"id": 2, "name": "Di"}]),
    )

    def test_numbers_and_guids_are_unique(self, run_import):
        talks = run_import({"hall": self.HALL, "lab": self.LAB})

        assert talks["hall", "Opening"].number == 1
        assert talks["hall", "Opening"].guid == "1"
        assert talks["lab", "Soldering"].guid == "1-lab"
        assert len({talk.number for talk in talks.values()}) == 4
        assert len({talk.guid for talk in talks.values()}) == 4
        assert len({talk.speaker_ids for talk in talks.values()}) == 4

    def test_talk_that_disappears_from_one_feed_changes_nothing_in_the_other(self, run_import):
        before = ids(run_import({"hall": self.HALL, "lab": self.LAB}))

        hall = feed(event("Opening", 9, id=1, persons=[{"id": 1, "name": "Ada"}]))
        after = ids(run_import({"hall": hall, "lab": self.LAB}))

        assert {key: before[key] for key in after} == after

    def test_talk_in_both_feeds_does_not_change_the_others(self, run_import):
        shared = [event(title, 9 + n, guid=title, id=n) for n, title in enumerate("abcd", 1)]
        lab = feed(*(talk | {"room": "Lab"} for talk in shared), event("Solo", 15, "Lab", id=9))

        talks = run_import({"hall": feed(*shared), "lab": lab})

        assert (talks["lab", "Solo"].guid, talks["lab", "Solo"].number) == ("9", 9)
        assert (talks["hall", "a"].guid, talks["lab", "a"].guid) == ("a", "a-lab")


def test_speaker_numbers_that_start_again_in_each_talk_are_ignored(run_import):
    talks = run_import(
        {
            "hall": feed(
                event("A", 9, persons=[{"id": 1, "name": "Ada"}, {"id": 2, "name": "Bo"}]),
                event("B", 10, persons=[{"id": 1, "name": "Bo"}]),
            )
        }
    )

    [bo] = talks["hall", "B"].speaker_ids
    assert talks["hall", "A"].speaker_ids[1] == bo
    assert talks["hall", "A"].speaker_ids[0] != bo


def test_speaker_with_two_spellings_has_one_number(run_import):
    talks = run_import(
        {
            "hall": feed(
                event("A", 9, persons=[{"id": 1, "name": "Ada L."}, {"id": 2, "name": "Bo"}]),
                event("B", 10, persons=[{"id": 1, "name": "Ada"}, {"id": 2, "name": "Bo"}]),
            )
        }
    )

    assert talks["hall", "A"].speaker_ids == talks["hall", "B"].speaker_ids == (1, 2)


def test_uids_of_calendars_are_unique_in_the_world(run_import):
    run_import({"hall": feed(event("Opening", 9, id=1), KEYNOTE)})

    uids = {talk.slot.title: talk.uid for talk in run_import.exported}
    assert uids["Keynote"] == "talk-1@example.org"
    assert len(uids["Opening"]) == 36


def test_talks_of_rooms_without_slugs_have_their_own_room(parsers):
    rooms = [{"name": "Hall"}, {"name": "Lab"}]
    events = [
        {"guid": room["name"], "title": "T", "room": room, "start": "2026-11-24T09:00:00Z",
         "end": "2026-11-24T10:00:00Z"}
        for room in rooms
    ]  # fmt: skip
    document = {"schedule": {"conference": {"title": "C", "rooms": rooms}, "events": events}}

    opened = open_feed(json.dumps(document).encode())
    validated, _ = parse_and_validate(opened, parsers["schedule2.json"])

    assert {talk.guid: talk.rooms for talk in validated.talks} == {
        "Hall": ("Hall",), "Lab": ("Lab",)
    }  # fmt: skip
