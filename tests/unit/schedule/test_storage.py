"""Saving and loading the schedule file, and caching it."""

import json
import logging
import stat
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from streaming_system.schedule.fillers import Filler, FillerType
from streaming_system.schedule.model import RoomSchedule, Schedule, Slot
from streaming_system.schedule.storage import (
    ScheduleFileError,
    deserialize_schedule,
    save_schedule,
    serialize_schedule,
)
from streaming_system.schedule.store import ScheduleStore

SLOT = Slot(
    start=datetime(2026, 11, 24, 9, tzinfo=UTC),
    end=datetime(2026, 11, 24, 10, tzinfo=UTC),
    title="Streaming für alle",
    guid="g",
    number=7,
    abstract="<p>…</p>",
    speakers=("Ada", "Bo"),
    speaker_ids=(3, 4),
    do_not_record=True,
)
SCHEDULE = Schedule(
    rooms={"hall": RoomSchedule(timezone=ZoneInfo("Europe/Berlin"), slots=(SLOT,))},
    imported_at=datetime(2026, 11, 24, 8, 30, tzinfo=UTC),
)


def with_title(title):
    room = RoomSchedule(timezone=ZoneInfo("UTC"), slots=(replace(SLOT, title=title),))
    return Schedule(rooms={"hall": room})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "var" / "schedule.json"


def test_saved_schedule_can_be_loaded(path):
    save_schedule(SCHEDULE, path)

    assert ScheduleStore(path).current() == SCHEDULE


def test_file_contains_utc_times_and_readable_text(path):
    save_schedule(SCHEDULE, path)

    text = path.read_text(encoding="utf-8")
    assert "Streaming für alle" in text
    slot = json.loads(text)["rooms"]["hall"]["events"][0]
    assert (slot["start"], slot["end"]) == ("2026-11-24T09:00:00Z", "2026-11-24T10:00:00Z")


def test_file_is_readable_by_owner_and_group_only(path):
    save_schedule(SCHEDULE, path)

    assert stat.filemode(path.stat().st_mode) == "-rw-r-----"


def test_save_leaves_no_temporary_file(path):
    save_schedule(SCHEDULE, path)
    save_schedule(with_title("New"), path)

    assert [file.name for file in path.parent.iterdir()] == ["schedule.json"]


def test_save_reports_an_unwritable_folder_in_one_line(tmp_path):
    (tmp_path / "var").write_text("a file where the folder should be")

    with pytest.raises(ScheduleFileError, match=r"schedule\.json: cannot be written: File exists"):
        save_schedule(SCHEDULE, tmp_path / "var" / "schedule.json")


@pytest.mark.parametrize(
    "damage",
    [
        lambda document: document.pop("version"),
        lambda document: document.update(version=4),
        lambda document: document.update(rooms=[]),
        lambda document: document["rooms"]["hall"].update(timezone="Mars/Phobos"),
        lambda document: document["rooms"]["hall"]["events"][0].pop("title"),
        lambda document: document["rooms"]["hall"]["events"][0].update(title=7),
        lambda document: document["rooms"]["hall"]["events"][0].update(filler={"type": "nap"}),
        lambda document: document["rooms"]["hall"]["events"][0].update(filler={}),
        lambda document: document["rooms"]["hall"]["events"][0].update(
            filler={"type": "break", "minutes": "9"}
        ),
        lambda document: document["rooms"]["hall"]["events"][0].update(speakers=[None]),
        lambda document: document["rooms"]["hall"]["events"][0].update(speaker_ids=["7"]),
        lambda document: document["rooms"]["hall"]["events"][0].update(speaker_ids=[7]),
        lambda document: document["rooms"]["hall"]["events"][0].update(number="7"),
        lambda document: document["rooms"]["hall"]["events"][0].update(number=True),
        lambda document: document["rooms"]["hall"]["events"][0].update(surprise=""),
        lambda document: document["rooms"]["hall"]["events"][0].update(start="2026-11-24T09:00"),
    ],
)
def test_invalid_document_is_refused(damage):
    document = json.loads(serialize_schedule(SCHEDULE))
    damage(document)

    with pytest.raises(ScheduleFileError):
        deserialize_schedule(json.dumps(document))


def test_fillers_are_read_back(path):
    fillers = [
        Filler(type=FillerType.BREAK, minutes=9),
        Filler(type=FillerType.BEFORE_DAY, room="R"),
    ]
    slots = tuple(replace(SLOT, filler=filler, title=filler.title()) for filler in fillers)
    schedule = Schedule(rooms={"hall": RoomSchedule(timezone=ZoneInfo("UTC"), slots=slots)})

    save_schedule(schedule, path)

    assert ScheduleStore(path).current() == schedule


def test_fillers_of_version_1_have_no_values():
    document = json.loads(serialize_schedule(with_title("9 minute break"))) | {"version": 1}
    [slot] = document["rooms"]["hall"]["events"]
    del slot["filler"]
    slot["generated"] = True

    [slot] = deserialize_schedule(json.dumps(document)).rooms["hall"].slots

    assert (slot.filler, slot.title) == (Filler(type=FillerType.OTHER), "9 minute break")


def test_file_of_version_2_is_loaded_without_numbers():
    document = json.loads(serialize_schedule(SCHEDULE)) | {"version": 2}
    [slot] = document["rooms"]["hall"]["events"]
    del slot["number"], slot["speaker_ids"]

    [slot] = deserialize_schedule(json.dumps(document)).rooms["hall"].slots

    assert (slot.guid, slot.number, slot.speakers, slot.speaker_ids) == ("g", 0, ("Ada", "Bo"), ())


class TestScheduleStore:
    def test_store_returns_an_empty_schedule_before_the_first_import(self, path):
        assert ScheduleStore(path).current() == Schedule()

    def test_store_reloads_a_replaced_file(self, path):
        store = ScheduleStore(path)
        store.current()
        save_schedule(with_title("Old"), path)
        assert store.current() == with_title("Old")

        save_schedule(with_title("New"), path)

        assert store.current() == with_title("New")

    def test_store_keeps_the_schedule_when_the_new_file_is_invalid(self, path, caplog):
        save_schedule(SCHEDULE, path)
        store = ScheduleStore(path)
        store.current()

        with caplog.at_level(logging.WARNING):
            path.write_text("{")

            assert store.current() == SCHEDULE
            assert store.current() == SCHEDULE

        [line] = [record.getMessage() for record in caplog.records]
        assert line.endswith("the previous schedule stays in service")

    def test_store_keeps_the_schedule_when_the_file_is_deleted(self, path):
        save_schedule(SCHEDULE, path)
        store = ScheduleStore(path)
        store.current()

        path.unlink()

        assert store.current() == SCHEDULE
