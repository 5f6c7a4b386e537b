"""The schedule file: written whole or not at all, read again when it is replaced."""

import json
import logging
import stat
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from streaming_system.schedule.model import RoomSchedule, Schedule, Slot
from streaming_system.schedule.storage import (
    ScheduleFileError,
    deserialize_schedule,
    save_schedule,
    serialize_schedule,
)
from streaming_system.schedule.store import ScheduleStore

EVENT = Slot(
    start=datetime(2026, 11, 24, 9, tzinfo=UTC),
    end=datetime(2026, 11, 24, 10, tzinfo=UTC),
    title="Streaming für alle",
    guid="g",
    abstract="<p>…</p>",
    speakers=("Ada", "Bo"),
    do_not_record=True,
)
SCHEDULE = Schedule(
    rooms={"hall": RoomSchedule(timezone=ZoneInfo("Europe/Berlin"), slots=(EVENT,))},
    imported_at=datetime(2026, 11, 24, 8, 30, tzinfo=UTC),
)


def with_title(title):
    room = RoomSchedule(timezone=ZoneInfo("UTC"), slots=(replace(EVENT, title=title),))
    return Schedule(rooms={"hall": room})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "var" / "schedule.json"


def test_what_is_written_is_read_back(path):
    save_schedule(SCHEDULE, path)

    assert ScheduleStore(path).current() == SCHEDULE


def test_the_file_holds_utc_and_readable_text(path):
    save_schedule(SCHEDULE, path)

    text = path.read_text(encoding="utf-8")
    assert "Streaming für alle" in text
    event = json.loads(text)["rooms"]["hall"]["events"][0]
    assert (event["start"], event["end"]) == ("2026-11-24T09:00:00Z", "2026-11-24T10:00:00Z")


def test_the_pages_may_run_as_another_user(path):
    save_schedule(SCHEDULE, path)

    assert stat.filemode(path.stat().st_mode) == "-rw-r--r--"


def test_nothing_but_the_file_is_left_behind(path):
    save_schedule(SCHEDULE, path)
    save_schedule(with_title("New"), path)

    assert [file.name for file in path.parent.iterdir()] == ["schedule.json"]


def test_a_folder_that_cannot_be_written_is_said_in_one_line(tmp_path):
    (tmp_path / "var").write_text("a file where the folder should be")

    with pytest.raises(ScheduleFileError, match=r"schedule\.json: cannot be written: File exists"):
        save_schedule(SCHEDULE, tmp_path / "var" / "schedule.json")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda document: document.pop("version"),
        lambda document: document.update(version=2),
        lambda document: document.update(rooms=[]),
        lambda document: document["rooms"]["hall"].update(timezone="Mars/Phobos"),
        lambda document: document["rooms"]["hall"]["events"][0].pop("title"),
        lambda document: document["rooms"]["hall"]["events"][0].update(title=7),
        lambda document: document["rooms"]["hall"]["events"][0].update(generated="no"),
        lambda document: document["rooms"]["hall"]["events"][0].update(speakers=[None]),
        lambda document: document["rooms"]["hall"]["events"][0].update(surprise=""),
        lambda document: document["rooms"]["hall"]["events"][0].update(start="2026-11-24T09:00"),
    ],
)
def test_a_document_that_is_not_ours_is_refused(spoil):
    document = json.loads(serialize_schedule(SCHEDULE))
    spoil(document)

    with pytest.raises(ScheduleFileError):
        deserialize_schedule(json.dumps(document))


class TestScheduleFile:
    def test_before_the_first_import_the_schedule_is_empty(self, path):
        assert ScheduleStore(path).current() == Schedule()

    def test_a_new_import_is_seen_without_a_restart(self, path):
        reader = ScheduleStore(path)
        reader.current()
        save_schedule(with_title("Old"), path)
        assert reader.current() == with_title("Old")

        save_schedule(with_title("New"), path)

        assert reader.current() == with_title("New")

    def test_a_broken_file_leaves_the_last_good_schedule(self, path, caplog):
        save_schedule(SCHEDULE, path)
        reader = ScheduleStore(path)
        reader.current()

        with caplog.at_level(logging.WARNING):
            path.write_text("{")

            assert reader.current() == SCHEDULE
            assert reader.current() == SCHEDULE

        [line] = [record.getMessage() for record in caplog.records]
        assert line.endswith("the previous schedule stays in service")

    def test_a_file_that_vanishes_leaves_the_last_good_schedule(self, path):
        save_schedule(SCHEDULE, path)
        reader = ScheduleStore(path)
        reader.current()

        path.unlink()

        assert reader.current() == SCHEDULE
