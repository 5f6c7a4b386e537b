"""`schedule check` and `schedule diff` for a configured site."""

import json
import shutil

import pytest
from click.testing import CliRunner

from streaming_system.cli import main


def event(title, hour, room="Great Hall", **fields):
    start = f"2026-11-24T{hour:02}:00:00+01:00"
    return {"title": title, "date": start, "duration": "0:30", "room": room} | fields


FEED = (
    event("Keynote", 10, guid="k@conf.example"),
    event("Panel", 11, id=7),
    event("Soldering", 11, "Lab"),
    event("Elsewhere", 9, "Foyer"),
)


@pytest.fixture
def write_feed(tmp_path):
    """Return a function that writes a schedule.json, and returns its path."""

    def write_feed(*events, name="feed.json"):
        rooms = {}
        for item in events:
            rooms.setdefault(item["room"], []).append(item)
        conference = {
            "title": "Conf",
            "days": [{"rooms": rooms}],
            "time_zone_name": "Europe/Berlin",
        }
        path = tmp_path / name
        path.write_text(json.dumps({"schedule": {"conference": conference}}))
        return str(path)

    return write_feed


@pytest.fixture
def run(root, tmp_path, write_feed):
    """Return a function that runs a command on a site whose two rooms have the feed."""
    shutil.copy(root / "development.ini", tmp_path)
    shutil.copytree(root / "conf", tmp_path / "conf")
    (tmp_path / "config.json").write_text("{}")
    write_feed(*FEED)

    def configure(**rooms):
        document = {"config": {"schedule-url": "feed.json", "secret": "x"}, **rooms}
        (tmp_path / "config.private.json").write_text(json.dumps(document))

    def run(*arguments):
        result = CliRunner().invoke(main, ["-c", str(tmp_path / "development.ini"), *arguments])
        assert result.exit_code == 0, result.output
        return result.stdout

    configure(
        hall={"title": "The Hall", "schedule-key": "Great Hall", "schedule-see-also": "Lab"},
        Lab={},
    )
    run.configure = configure
    run.file = str(tmp_path / "var/schedule.json")
    return run


@pytest.fixture
def diff(run, write_feed):
    """Return a function that imports the feed, and compares the schedule with other talks."""

    def diff(*events):
        run("schedule", "import")
        lines = run("schedule", "diff", run.file, write_feed(*events, name="new.json")).splitlines()
        back = run("schedule", "diff", str(write_feed(*events, name="new.json")), run.file)
        assert len(back.splitlines()) == len(lines)
        return lines

    return diff


def test_schedule_and_its_own_feed_do_not_differ(diff):
    assert diff(*FEED) == ["No changes"]


@pytest.mark.parametrize("number", range(3))
def test_talk_that_moves_is_the_only_change(diff, number):
    talks = list(FEED)
    talks[number] = talks[number] | {"date": "2026-11-24T18:00:00+01:00"}

    lines = diff(*talks, event("Elsewhere too", 8, "Foyer"))

    # The Lab's talk is relayed to the hall.
    assert len(lines) == (3 if talks[number]["title"] == "Soldering" else 2)
    assert lines[0].startswith(f"moved: {talks[number]['title']}: ")
    assert "Tue 24 Nov 18:00–18:30" in lines[0]


@pytest.mark.parametrize("number", range(3))
def test_talk_that_is_renamed_is_the_only_change(diff, number):
    talks = list(FEED)
    talks[number] = talks[number] | {"title": "Renamed"}

    lines = diff(*talks)

    assert len(lines) == (3 if number == 2 else 2)
    assert all(line.startswith("renamed: ") for line in lines[:-1])


def test_new_talk_is_the_only_change(diff):
    lines = diff(event("Doors open", 9), *FEED)

    assert lines == ["new: Doors open: hall, Tue 24 Nov 09:00–09:30", "1 changes"]


def test_room_that_left_the_only_feed_has_lost_its_talks(run, write_feed):
    run.configure(hall={"schedule-key": "Great Hall"}, Lab={})
    run("schedule", "import")

    new = write_feed(*FEED[:2], name="new.json")

    assert run("schedule", "diff", run.file, new).splitlines() == [
        "gone: Soldering: Lab, Tue 24 Nov 11:00–11:30",
        "1 changes",
    ]


def test_feed_of_one_room_is_compared_with_the_talks_of_that_room(run, write_feed):
    write_feed(event("Knitting", 12, "Attic", id=7), name="attic.json")
    run.configure(
        hall={"schedule-key": "Great Hall"}, upstairs={"title": "Attic", "schedule": "attic.json"}
    )
    run("schedule", "import")

    new = write_feed(event("Knitting", 14, "Attic", id=7), name="new.json")

    assert run("schedule", "diff", run.file, new).splitlines() == [
        "moved: Knitting: upstairs, Tue 24 Nov 12:00–12:30 → upstairs, Tue 24 Nov 14:00–14:30",
        "1 changes",
    ]


def test_check_gives_talks_without_a_room_to_the_only_room(run, write_feed):
    feed = write_feed(event("Opening", 9, ""), name="new.json")
    run.configure(hall={"title": "The Hall"})

    assert "The Hall, Tuesday 24 November 2026" in run("schedule", "check", feed)


def test_calendar_keeps_its_uids(run, tmp_path):
    events = "".join(
        f"BEGIN:VEVENT\r\nUID:talk-{n}@conf.example.org\r\nDTSTAMP:20261001T080000Z\r\n"
        f"DTSTART:20261124T{n}0000Z\r\nDTEND:20261124T{n}3000Z\r\nSUMMARY:{title}\r\n"
        "LOCATION:Hall A\r\nEND:VEVENT\r\n"
        for n, title in ((10, "Opening"), (11, "Second"))
    )
    calendar = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\n%sEND:VCALENDAR\r\n"
    for folder, text in (("1", events[events.index("END:VEVENT") + 12 :]), ("2", events)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.ics").write_text(calendar % text)

    files = (str(tmp_path / folder / "x.ics") for folder in ("1", "2"))
    lines = run("schedule", "diff", *files).splitlines()

    assert lines == ["new: Opening: Hall A, Tue 24 Nov 10:00–10:30", "1 changes"]
    assert "warning" not in run("schedule", "check", str(tmp_path / "2" / "x.ics"))
