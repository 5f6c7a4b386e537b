"""The command line: output and exit status."""

import json
import re
import shutil
import subprocess
import sys

import pytest
from click.testing import CliRunner

from streaming_system.cli import main


@pytest.fixture
def site(root, tmp_path):
    """A folder with the configuration of a fresh checkout."""
    names = ("development.ini", "production.ini", "config.json", "config.private.json.example")
    for name in names:
        shutil.copy(root / name, tmp_path)
    shutil.copytree(root / "conf", tmp_path / "conf")
    (tmp_path / "plugins").mkdir()
    return tmp_path


@pytest.fixture
def run(site):
    def run(*arguments, ini="development.ini"):
        return CliRunner().invoke(main, ["-c", str(site / ini), *arguments])

    return run


def test_version_needs_no_site():
    result = CliRunner().invoke(main, ["-c", "/nowhere", "--version"])

    assert result.exit_code == 0
    assert re.fullmatch(r"streaming-system \d+\.\d+\.\d+ \(commit [-\w]+\)\n", result.output)


def test_production_files_are_written_into_a_new_folder(root, tmp_path):
    command = ["production-files", str(tmp_path / "new")]

    assert CliRunner().invoke(main, command).exit_code == 0
    unit = "streaming-frontend@.service"
    assert (tmp_path / "new" / unit).read_text() == (root / "conf" / unit).read_text()
    assert (tmp_path / "new/servers/icecast.xml").is_file()
    again = CliRunner().invoke(main, command)
    assert (again.exit_code, again.stderr) == (
        1,
        f"Error: {tmp_path}/new exists; name a new folder\n",
    )


def test_config_check_accepts_a_valid_configuration(run):
    result = run("config", "check")

    assert (result.exit_code, result.stdout) == (
        0,
        "3 rooms: example, lab, garden\nThe configuration is good.\n",
    )


def test_config_check_reports_an_error_in_one_line(run, site):
    (site / "config.private.json").write_text('{"monitor": {}}')

    result = run("config", "check")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: {site}/config.private.json:1:2: room 'monitor': ")
    assert result.stderr.count("\n") == 1


def test_config_check_reports_corrections_of_the_theme(run, site):
    (site / "look").mkdir()
    (site / "look/theme.json").write_text(
        '{"name": "Ours", "colours": {"dark": {"accent": "#333"}}}'
    )
    example = (site / "config.private.json.example").read_text()
    (site / "config.private.json").write_text(
        example.replace('"config": {', '"config": {"theme": "./look",')
    )

    result = run("config", "check")

    assert result.exit_code == 0
    assert result.stdout.startswith("theme: Ours\n")
    assert "'colours.dark.accent': #333333 has a contrast of 1." in result.stderr
    assert "4.5:1 is the minimum; it is replaced by #" in result.stderr

    (site / "look/theme.json").write_text('{"colours": {"dark": {"accent": "#33"}}}')
    result = run("config", "check")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "look/theme.json: key 'colours.dark.accent': is '#33'; allowed: #rgb" in result.stderr
    # A machine without the frontend needs no theme.
    assert run("config", "check", "--only", "tracker").exit_code == 0


def test_production_rejects_the_secret_of_the_example(run, site):
    (site / "config.private.json").write_text((site / "config.private.json.example").read_text())

    assert run("config", "check").exit_code == 0
    result = run("config", "check", ini="production.ini")

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "section 'config': key 'secret': is the example's" in result.stderr
    # A machine without the tracker needs no secret.
    assert run("config", "check", "--only", "frontend", ini="production.ini").exit_code == 0


@pytest.mark.parametrize("command", [("schedule", "import"), ("config", "check", "--production")])
def test_production_rejects_the_sample_event(run, site, command):
    private = (site / "config.private.json.example").read_text()
    (site / "config.private.json").write_text(private.replace("move me to", "a secret of"))

    result = run(*command, ini="production.ini")

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert f"{site}/conf/sample-event.json: is the sample event" in result.stderr
    assert not (site / "var/schedule.json").exists()
    # A machine without pages has no schedule of its own.
    result = run("config", "check", "--production", "--only", "tracker", ini="production.ini")
    assert "sample event" not in result.stderr


def test_invalid_flag_in_the_ini_file_is_one_line(run, site):
    ini = site / "development.ini"
    ini.write_text(ini.read_text().replace("allow_sample = true", "allow_sample = perhaps"))

    result = run("schedule", "import")

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "schedule.allow_sample in the ini file is 'perhaps'; allowed: true" in result.stderr


def test_admin_create_reports_a_missing_database(run):
    result = run("admin", "create", "ada", "--password-stdin")

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "run make initdb" in result.stderr


@pytest.mark.parametrize(
    ("ini", "line"),
    [
        ("none.ini", "none.ini: there is no such file; name the ini file with -c"),
        ("empty.ini", "empty.ini: has no section [app:frontend]"),
        ("broken.ini", "broken.ini:2:1: [app:frontend]: key 'use': refers to %(nothing)s, "),
    ],
)
def test_invalid_ini_file_is_one_line(run, site, ini, line):
    (site / "empty.ini").write_text("[server:main]\n")
    (site / "broken.ini").write_text("[app:frontend]\nuse = %(nothing)s\n")

    result = run("config", "check", ini=ini)

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert f"Error: {site}/{line}" in result.stderr


def test_sample_event_has_current_talks_in_three_rooms(run, site):
    result = run("schedule", "import")

    assert result.exit_code == 0, result.output
    assert "sample-event, " in result.stdout
    schedule = json.loads((site / "var/schedule.json").read_text())
    assert sorted(schedule["rooms"]) == ["example", "garden", "lab"]
    for room in schedule["rooms"].values():
        current = [e for e in room["events"] if e["start"] <= schedule["imported"] < e["end"]]
        coming = [e for e in room["events"] if e["start"] > schedule["imported"]]
        assert [slot["filler"] for slot in current] == [None]
        assert coming[0]["filler"] is None


def test_failed_import_is_one_line_and_keeps_the_schedule(run, site):
    run("schedule", "import")
    before = (site / "var/schedule.json").read_bytes()
    (site / "conf/sample-event.json").write_text("<html>")

    result = run("schedule", "import")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"Error: {site}/conf/sample-event.json: the feed is an HTML page, not a schedule: "
        "is the address right?; the schedule in service stays\n"
    )
    assert (site / "var/schedule.json").read_bytes() == before


def test_import_lists_skipped_entries(run, site):
    sample = {"sample-event": {"Main Hall": [{"title": "T", "minutes": 30}], "Lab": [], "": []}}
    sample["sample-event"]["Garden Stage"] = [{"title": "A", "minutes": 20}]
    sample["sample-event"]["Lab"] = [{"title": "L", "minutes": 20}, {"title": "Z", "minutes": 0}]
    (site / "conf/sample-event.json").write_text(json.dumps(sample))

    result = run("schedule", "import")

    assert result.exit_code == 0
    assert "left out: " in result.stdout
    assert "'Z': zero-length" in result.stdout


PLENARY = {
    "schedule": [
        {
            "conf_key": number,
            "name": name,
            "kind": "talk",
            "rooms": rooms,
            "start": f"2026-07-04T1{number}:00:00",
            "end": f"2026-07-04T1{number}:45:00",
        }
        for number, (name, rooms) in enumerate([("Keynote", ["Hall", "Lab"]), ("Slot", ["Lab"])])
    ]
}


def test_schedule_check_prints_a_summary_as_json(run, tmp_path):
    (tmp_path / "feed.json").write_text(json.dumps(PLENARY))

    result = run(
        "schedule", "check", str(tmp_path / "feed.json"), "--timezone", "Europe/Berlin", "--json"
    )

    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(result.stdout) == {
        "format": "symposion",
        "entries": 2,
        "imported_entries": 1,
        "events": 2,
        "rooms": 2,
        "first_start": "2026-07-04T08:00:00Z",
        "last_end": "2026-07-04T08:45:00Z",
        "total_minutes": 45,
        "skipped": [{"reason": "placeholder", "where": "item 2", "title": "Slot"}],
        "warnings": [],
    }


def test_schedule_check_prints_a_table_per_room_and_day(run, tmp_path):
    (tmp_path / "feed.json").write_text(json.dumps(PLENARY))

    result = run("schedule", "check", str(tmp_path / "feed.json"), "--timezone", "Europe/Berlin")

    assert result.stdout.splitlines() == [
        "left out: item 2: 'Slot': placeholder",
        "",
        "Hall, Saturday 04 July 2026",
        "  10:00–10:45  Keynote",
        "",
        "Lab, Saturday 04 July 2026",
        "  10:00–10:45  Keynote",
        "",
        "symposion: 1 of 2 entries, 2 events in 2 rooms, 2026-07-04T08:00:00Z to "
        "2026-07-04T08:45:00Z; times above are Europe/Berlin",
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "Error: the feed is empty"),
        ("[", "Error: not valid JSON: line 1, column 2"),
        (
            json.dumps(PLENARY),
            "Error: none of the 2 entries can be used; the first, item 1: no-time",
        ),
    ],
)
def test_rejected_feed_is_one_line_on_stderr(run, tmp_path, text, line):
    (tmp_path / "feed.json").write_text(text)

    result = run("schedule", "check", str(tmp_path / "feed.json"), "--json")

    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert result.stderr.startswith(line)


@pytest.mark.parametrize("arguments", [[], ["x", "--timezone", "Mars/Phobos"], ["x", "--jason"]])
def test_wrong_usage_of_schedule_check_exits_with_2(run, arguments):
    assert run("schedule", "check", *arguments).exit_code == 2


def test_formats_are_listed_with_their_origins(run):
    lines = run("schedule", "formats").stdout.splitlines()

    [line] = [line for line in lines if line.startswith("schedule.xml ")]
    assert line.endswith("[built in (schedule_xml.py)]")


def feed_at(hour):
    slots = [dict(slot) for slot in PLENARY["schedule"][:1]]
    slots[0] |= {"start": f"2026-07-04T{hour}:00:00", "end": f"2026-07-04T{hour}:45:00"}
    return json.dumps({"schedule": slots})


def test_schedule_diff_prints_one_line_per_change(run, tmp_path):
    (tmp_path / "old.json").write_text(feed_at(10))
    (tmp_path / "new.json").write_text(feed_at(11))
    files = (str(tmp_path / "old.json"), str(tmp_path / "new.json"))

    result = run("schedule", "diff", *files, "--timezone", "Europe/Berlin")

    assert (result.exit_code, result.stdout.splitlines()) == (
        0,
        [
            "moved: Keynote: Hall, Sat 04 Jul 10:00–10:45 → Hall, Sat 04 Jul 11:00–11:45",
            "moved: Keynote: Lab, Sat 04 Jul 10:00–10:45 → Lab, Sat 04 Jul 11:00–11:45",
            "2 changes",
        ],
    )
    same = run("schedule", "diff", files[0], files[0], "--timezone", "Europe/Berlin")
    assert same.stdout == "No changes\n"


def test_exported_schedule_can_be_checked(run, site):
    run("schedule", "import")

    result = run("schedule", "export", "--format", "frab-xml", "--url", "https://live.example/")

    assert result.exit_code == 0
    (site / "out.xml").write_bytes(result.stdout_bytes)
    assert "https://live.example/example#stream" in result.stdout
    check = run("schedule", "check", str(site / "out.xml"), "--json")
    assert json.loads(check.stdout)["imported_entries"] > 100


def test_export_reports_a_missing_schedule(run):
    result = run("schedule", "export", "--format", "ics")

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "schedule.json: cannot be read" in result.stderr


def test_schedule_watch_imports_changes_and_keeps_the_schedule_on_errors(site):
    feed = site / "feed.json"
    (site / "config.private.json").write_text(
        json.dumps({"Hall": {"schedule": "feed.json", "schedule-timezone": "Europe/Berlin"}})
    )

    def watch_once(text):
        feed.write_text(text)
        code = "from streaming_system.cli import main; main()"
        ini = str(site / "development.ini")
        command = [sys.executable, "-c", code, "-c", ini, "schedule", "watch", "--count", "1"]
        completed = subprocess.run(command, capture_output=True, text=True, check=True)
        return completed.stderr.splitlines()

    assert watch_once(feed_at(10)) == [
        "INFO: new: Keynote: Hall, Sat 04 Jul 10:00–10:45",
        "INFO: imported; 1 changes",
    ]
    assert watch_once(feed_at(11)) == [
        "INFO: moved: Keynote: Hall, Sat 04 Jul 10:00–10:45 → Hall, Sat 04 Jul 11:00–11:45",
        "INFO: imported; 1 changes",
    ]
    [line] = watch_once("<html>")
    assert line.endswith("is the address right?; the schedule in service stays")
    schedule = json.loads((site / "var/schedule.json").read_text())
    assert "Keynote" in [event["title"] for event in schedule["rooms"]["Hall"]["events"]]


@pytest.mark.parametrize("command", ["fake-encoder", "fake"])
def test_fake_encoder_reports_an_unreachable_tracker(run, command):
    result = run("agent", command, "--server", "http://127.0.0.1:9/tracker", "--count", "1")

    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert result.stderr.startswith("Error: http://127.0.0.1:9/tracker/endpoint/register: ")


@pytest.mark.parametrize(
    "arguments", [["--count", "0"], ["--interval", "x"], ["--group", ","], ["--nonsense"]]
)
def test_wrong_usage_of_fake_encoder_exits_with_2(run, arguments):
    assert run("agent", "fake-encoder", *arguments).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["register", "-c", "agent.ini"], "register"),
        (["watch", "--once"], "supervise"),
        (["fake"], "fake-encoder"),
        ([], "--help"),
    ],
)
def test_former_encoder_command_names_the_new_one(run, arguments, command):
    result = run("encoder", *arguments)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"Error: this command is now called: streaming-system agent {command}\n"
    )
