"""The command line: what it prints and how it ends."""

import json
import shutil

import pytest
from click.testing import CliRunner

from streaming_system.cli import main


@pytest.fixture
def site(root, tmp_path):
    """A folder with a copy of what a fresh checkout is configured with."""
    names = ("development.ini", "production.ini", "config.json", "config.private.json.example")
    for name in names:
        shutil.copy(root / name, tmp_path)
    shutil.copytree(root / "conf", tmp_path / "conf")
    return tmp_path


@pytest.fixture
def run(site):
    def run(*arguments, ini="development.ini"):
        return CliRunner().invoke(main, ["-c", str(site / ini), *arguments])

    return run


def test_a_good_configuration_is_said_to_be_good(run):
    result = run("config", "check")

    assert (result.exit_code, result.stdout) == (
        0,
        "3 rooms: example, garden, lab\nThe configuration is good.\n",
    )


def test_a_bad_configuration_is_one_line_and_exit_status_1(run, site):
    (site / "config.private.json").write_text('{"monitor": {}}')

    result = run("config", "check")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: {site}/config.private.json: room 'monitor': ")
    assert result.stderr.count("\n") == 1


def test_the_example_s_secret_will_not_do_in_production(run, site):
    (site / "config.private.json").write_text((site / "config.private.json.example").read_text())

    assert run("config", "check").exit_code == 0
    result = run("config", "check", ini="production.ini")

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "section 'config': key 'secret': is the example's" in result.stderr
    # A machine that runs the frontend alone needs no secret.
    assert run("config", "check", "--only", "frontend", ini="production.ini").exit_code == 0


def test_an_account_needs_a_database_and_says_so(run):
    result = run("admin", "create", "ada", "--password-stdin")

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "run make initdb" in result.stderr


@pytest.mark.parametrize(
    ("ini", "line"),
    [
        ("none.ini", "none.ini: there is no such file; name the ini file with -c"),
        ("empty.ini", "empty.ini: has no section [app:frontend]"),
        ("broken.ini", "broken.ini: "),
    ],
)
def test_a_bad_ini_file_is_one_line_and_exit_status_1(run, site, ini, line):
    (site / "empty.ini").write_text("[server:main]\n")
    (site / "broken.ini").write_text("[app:frontend]\nuse = %(nothing)s\n")

    result = run("config", "check", ini=ini)

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert f"Error: {site}/{line}" in result.stderr


def test_the_sample_event_has_talks_on_in_three_rooms(run, site):
    result = run("schedule", "import")

    assert result.exit_code == 0, result.output
    assert "sample-event, " in result.stdout
    schedule = json.loads((site / "var/schedule.json").read_text())
    assert sorted(schedule["rooms"]) == ["example", "garden", "lab"]
    for room in schedule["rooms"].values():
        on = [e for e in room["events"] if e["start"] <= schedule["imported"] < e["end"]]
        coming = [e for e in room["events"] if e["start"] > schedule["imported"]]
        assert [event["generated"] for event in on] == [False]
        assert coming[0]["generated"] is False


def test_a_failed_import_is_one_line_exit_status_1_and_changes_nothing(run, site):
    run("schedule", "import")
    before = (site / "var/schedule.json").read_bytes()
    (site / "conf/sample-event.json").write_text("<html>")

    result = run("schedule", "import")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"Error: {site}/conf/sample-event.json: the feed is an HTML page, not a schedule: "
        "is the address right?\n"
    )
    assert (site / "var/schedule.json").read_bytes() == before


def test_what_is_left_out_of_a_feed_is_listed(run, site):
    sample = {"sample-event": {"Main Hall": [{"title": "T", "minutes": 30}], "Lab": [], "": []}}
    sample["sample-event"]["Garden Stage"] = [{"title": "A", "minutes": 20}]
    sample["sample-event"]["Lab"] = [{"title": "L", "minutes": 20}, {"title": "Z", "minutes": 0}]
    (site / "conf/sample-event.json").write_text(json.dumps(sample))

    result = run("schedule", "import")

    assert result.exit_code == 0
    assert "left out: " in result.stdout
    assert "'Z': zero-length" in result.stdout


def test_the_fake_encoder_says_that_it_cannot_reach_the_tracker(run):
    result = run("encoder", "fake", "--server", "http://127.0.0.1:9/tracker", "--count", "1")

    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert result.stderr.startswith("Error: http://127.0.0.1:9/tracker/endpoint/register: ")


@pytest.mark.parametrize(
    "arguments", [["--count", "0"], ["--interval", "x"], ["--group", ","], ["--nonsense"]]
)
def test_wrong_usage_is_exit_status_2(run, arguments):
    assert run("encoder", "fake", *arguments).exit_code == 2
