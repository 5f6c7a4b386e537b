"""`streaming-system init`: questions, files and errors."""

import configparser
import json
import re

import pytest
from click.testing import CliRunner

from streaming_system.cli import main
from streaming_system.config import load_conference, load_conference_from_settings
from streaming_system.config.ini import load_app_settings
from streaming_system.event_setup.chat import parse_chat
from streaming_system.event_setup.room_ids import derive_room_ids
from streaming_system.tracker.settings import load_settings

FEED = """Room,Title,Start,End
Main Hall,Welcome,2026-11-24T10:00:00,2026-11-24T10:30:00
Main Hall,Keynote,2026-11-24T11:00:00,2026-11-24T12:00:00
Säle & Höfe,Tour,2026-11-25T11:00:00,2026-11-25T12:00:00
Schedule,Planning,2026-11-25T13:00:00,2026-11-25T14:00:00
"""


@pytest.fixture
def feed(tmp_path):
    path = tmp_path / "talks.csv"
    path.write_text(FEED)
    return path


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "our-event"


@pytest.fixture
def init(folder):
    """Return a function that runs the command with options, and with lines for its questions."""

    def init(*options, lines=None):
        typed = None if lines is None else "".join(f"{line}\n" for line in lines)
        return CliRunner().invoke(main, ["init", str(folder), *map(str, options)], input=typed)

    return init


def load_event(folder):
    return load_conference(folder / "config.json", folder / "config.private.json")


def test_defaults_take_rooms_and_zone_from_the_feed(init, folder, feed):
    result = init("--feed", feed, "--timezone", "Europe/Berlin", "--yes")

    assert result.exit_code == 0, result.output
    assert (
        "The feed has 4 talks in 3 rooms on 2 days, 24 November 2026 to 25 November 2026 "
        "(csv, Europe/Berlin).\n"
    ) in result.stdout
    event = load_event(folder)
    assert event.default.title == event.default.conference == "Our Event"
    assert {room.id: room.schedule_key for room in event.rooms.values()} == {
        "main_hall": "Main Hall",
        "sale_hofe": "Säle & Höfe",
        # The site itself uses /schedule.
        "room_schedule": "Schedule",
    }
    assert {room.schedule_timezone.key for room in event.rooms.values()} == {"Europe/Berlin"}
    # A file is part of the folder.
    assert {room.schedule for room in event.rooms.values()} == {f"{folder}/feeds/talks.csv"}
    assert event.warnings == ()
    readme = (folder / "README.md").read_text()
    assert "- Säle & Höfe: `/sale_hofe`" in readme
    assert "4 talks in 3 rooms" in readme


def test_written_files_are_valid_for_both_apps_and_both_inis(init, folder, feed):
    init("--feed", feed, "--yes")

    for name in ("development.ini", "production.ini"):
        for app in ("frontend", "tracker"):
            settings = load_app_settings(folder / name, app)
            assert len(load_conference_from_settings(settings).rooms) == 3
        load_settings(load_app_settings(folder / name, "tracker"))
        result = CliRunner().invoke(main, ["-c", str(folder / name), "config", "check"])
        assert result.exit_code == 0, result.output
    secret = load_event(folder).site.secret
    assert len(secret) > 40
    assert secret not in (folder / "config.json").read_text()
    assert (folder / "config.private.json").stat().st_mode & 0o077 == 0


def test_questions_replace_options(init, folder, feed):
    result = init(
        lines=[
            "Our Conf",
            feed,
            "3 1",
            "Europe/Mars",
            "Europe/Vienna",
            "de en",
            "irc.oftc.net/conf",
        ]
    )

    assert result.exit_code == 0, result.output
    assert "2  Säle & Höfe (1 talks)" in result.stdout
    event = load_event(folder)
    assert event.default.title == "Our Conf"
    assert set(event.rooms) == {"main_hall", "room_schedule"}
    assert event.site.schedule_timezone.key == "Europe/Vienna"
    assert (event.default.ircnetwork, event.default.ircchannel) == ("irc.oftc.net", "#conf")
    settings = load_app_settings(folder / "development.ini", "frontend")
    assert load_conference_from_settings(settings).site.languages == ("de", "en")


def test_unreadable_feed_is_one_line_and_a_choice(init, folder, tmp_path, feed):
    (tmp_path / "page.html").write_text("<html><body>Moved</body></html>")
    options = ("--name", "It", "--language", "en", "--chat", "")

    result = init(*options, "--feed", tmp_path / "page.html", lines=["", "Hall, Lab", ""])

    assert result.exit_code == 0, result.output
    assert result.stderr.count("\n") == 1
    assert f"Error: {tmp_path}/page.html: the feed is an HTML page" in result.stderr
    event = load_event(folder)
    assert {room.title: room.schedule for room in event.rooms.values()} == {"Hall": "", "Lab": ""}


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--feed", "no-such-file.xml"), "no-such-file.xml: cannot be read: No such file"),
        (("--feed", "{feed}", "--room", "Attic"), "no room called 'Attic'; it has: 'Main Hall', "),
        (("--chat", "irc"), "is 'irc'; allowed: an IRC channel such as"),
        (("--language", "tlh"), "is 'tlh'; allowed: languages among"),
        (("--listen", "8000"), "'8000' is no address to listen at; allowed: HOST:PORT"),
        (("--listen", "localhost:99999"), "'localhost:99999' is no address to listen at"),
        (("--name", "x" * 201), "allowed: "),
    ],
)
def test_invalid_option_is_one_line_and_writes_nothing(init, folder, feed, options, line):
    result = init(*(option.format(feed=feed) for option in options), "--yes")

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert line in result.stderr
    assert not folder.exists()


def test_sample_event_is_no_feed_of_an_event(init, folder, root):
    result = init("--feed", root / "conf/sample-event.json", "--yes")

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "is the sample event" in result.stderr


@pytest.mark.parametrize("name", ["config.json", "brand/README.md", "feeds/talks.csv"])
def test_no_file_is_overwritten(init, folder, feed, name):
    path = folder / name
    path.parent.mkdir(parents=True)
    path.write_text("mine")

    result = init("--feed", feed, "--yes")

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert f"{path} is there already" in result.stderr
    assert path.read_text() == "mine"
    assert [file for file in folder.rglob("*") if file.is_file()] == [path]


def test_calendar_without_rooms_gets_one_room(init, folder, tmp_path):
    (tmp_path / "talks.ics").write_text(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\n"
        "DTSTART:20261124T100000Z\r\nDTEND:20261124T110000Z\r\nSUMMARY:Keynote\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    )

    assert init("--feed", tmp_path / "talks.ics", "--yes").exit_code == 0
    ini = str(folder / "development.ini")
    result = CliRunner().invoke(main, ["-c", ini, "schedule", "import"])

    assert result.exit_code == 0, result.output
    assert "1 of 1 entries for main_hall" in result.stdout


@pytest.mark.parametrize(
    "name",
    [
        "GPN11_voctosched.csv",
        "PyConAU2014_zookeepr-rooms.json",
        pytest.param("JoCoCruise2024_sched.ics", marks=pytest.mark.exhaustive),
        pytest.param("35C3workshops_c3voc.json", marks=pytest.mark.exhaustive),
        pytest.param("LCA2020_symposion.json", marks=pytest.mark.exhaustive),
    ],
)
def test_real_feed_becomes_a_configuration_that_imports_it(init, folder, shared, name):
    result = init("--feed", shared / "feeds/real" / name, "--yes")

    assert result.exit_code == 0, result.output
    talks = int(re.search(r"([\d,]+) talks? in", result.stdout)[1].replace(",", ""))
    ini = str(folder / "development.ini")
    result = CliRunner().invoke(main, ["-c", ini, "schedule", "import"])
    assert result.exit_code == 0, result.output
    schedule = json.loads((folder / "var/schedule.json").read_text())
    slots = [slot for room in schedule["rooms"].values() for slot in room["events"]]
    assert sum(slot["filler"] is None for slot in slots) >= talks


@pytest.mark.parametrize("name", ["development.ini", "production.ini"])
def test_ini_has_the_settings_of_the_project_s_own(init, folder, feed, root, name):
    init("--feed", feed, "--yes")

    ours, written = (load_ini(path / name) for path in (root, folder))

    # For a checkout only, and the sample event's.
    for_checkout = {"config.example", "schedule.allow_sample", "secret.allow_example"}
    for section in ("DEFAULT", "app:frontend", "app:tracker"):
        missing = set(ours[section]) - set(written[section]) - for_checkout
        assert missing <= {"pyramid.reload_templates"}, section
    assert set(ours.sections()) - set(written.sections()) <= {
        "alembic", "server:frontend", "server:tracker",
    }  # fmt: skip


def load_ini(path):
    parser = configparser.RawConfigParser()
    parser.read(path)
    return parser


def test_room_ids_are_unique_and_not_those_of_the_site():
    names = ["Hall 1", "hall-1", "Straße", "大講堂", "Monitor", "API", "x" * 300]

    ids = derive_room_ids(names)

    assert list(ids) == names
    assert [ids[name] for name in names] == [
        "hall_1", "hall_1_2", "strasse", "room4", "room_monitor", "room_api", "x" * 40,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("", {}),
        ("irc.libera.chat/#conf", {"ircnetwork": "irc.libera.chat", "ircchannel": "#conf"}),
        ("ircs://irc.hackint.org/conf", {"ircnetwork": "irc.hackint.org", "ircchannel": "#conf"}),
        ("#conf:matrix.org", {"matrix": "#conf:matrix.org"}),
        ("https://chat.example.org/{room}", {"chat": "https://chat.example.org/{room}"}),
    ],
)
def test_chat_is_recognised(text, keys):
    assert parse_chat(text) == keys


@pytest.mark.parametrize("text", ["conf", "http://chat.example.org", "https://{room}.org", "#conf"])
def test_other_chat_is_rejected_with_the_allowed_ones(text):
    with pytest.raises(ValueError, match="allowed: an IRC channel such as"):
        parse_chat(text)
