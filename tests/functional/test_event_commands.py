"""The commands for the conferences of one site."""

import json
import re
import shlex
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from streaming_system.cli import main
from streaming_system.cli.event_option import load_current_events
from streaming_system.cli.schedule_watch import ScheduleWatcher, watch_all
from streaming_system.config.ini import SettingsError, load_app_settings
from streaming_system.schedule.storage import load_schedule

START = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)


def feed(title, start=START):
    talks = [{"title": title, "date": start.isoformat(), "duration": "00:30", "guid": title}]
    conference = {"title": "Conf", "days": [{"rooms": {"Hall": talks}}]}
    return json.dumps({"schedule": {"conference": conference}})


@pytest.fixture
def ini(tmp_path):
    """A site without rooms of its own, and two conferences with a feed each."""
    (tmp_path / "config.json").write_text('{"config": {"secret": "a secret of the tests 123"}}')
    (tmp_path / "config.private.json").write_text("{}")
    for name, title in (("ada-conf", "Engines"), ("bob", "Bridges")):
        folder = tmp_path / "events" / name
        folder.mkdir(parents=True)
        (folder / "feed.json").write_text(feed(title))
        config = {"hall": {"title": "Hall", "schedule": "feed.json"}}
        (folder / "config.json").write_text(json.dumps(config))
    path = tmp_path / "site.ini"
    path.write_text(
        "[DEFAULT]\nconfig.public = %(here)s/config.json\n"
        "config.private = %(here)s/config.private.json\n"
        "schedule.file = %(here)s/var/schedule.json\n"
        "workers.folder = %(here)s/var/workers\n"
        "events.folder = %(here)s/events\n"
        "schedule.follow = https://main.example/schedule/file.json\n"
        "[app:frontend]\nuse = egg:streaming-system#frontend\n"
    )
    return path


def run(ini, *arguments, status=0):
    result = CliRunner().invoke(main, ["-c", str(ini), *arguments])
    assert result.exit_code == status, result.output
    return result.output


def titles(ini, name):
    schedule = load_schedule(ini.parent / "events" / name / "var/schedule.json")
    slots = schedule.rooms["hall"].slots
    return [slot.title for slot in slots if not slot.is_filler]


class TestImport:
    def test_one_conference(self, ini):
        run(ini, "--event", "bob", "schedule", "import")

        assert titles(ini, "bob") == ["Bridges"]
        assert not (ini.parent / "events/ada-conf/var").exists()
        output = run(ini, "--event", "bob", "schedule", "export", "--format", "json")
        assert "Bridges" in output
        assert "/bob/talk/" in output

    def test_all_conferences_and_one_broken_feed_stops_no_other(self, ini):
        (ini.parent / "events/ada-conf/feed.json").write_text("{")

        output = run(ini, "schedule", "import", status=1)

        assert titles(ini, "bob") == ["Bridges"]
        assert "Error: ada-conf: " in output
        assert "Traceback" not in output

    def test_archive_is_not_imported_again(self, ini):
        past = datetime.now(UTC) - timedelta(days=30)
        (ini.parent / "events/bob/feed.json").write_text(feed("Bridges", past))
        run(ini, "--event", "bob", "schedule", "import")
        (ini.parent / "events/bob/feed.json").write_text(feed("Tunnels", past))

        run(ini, "schedule", "import")

        assert (titles(ini, "ada-conf"), titles(ini, "bob")) == (["Engines"], ["Bridges"])
        settings = load_app_settings(ini, "frontend")
        assert list(load_current_events(settings)) == ["ada-conf"]
        # By name, it is.
        run(ini, "--event", "bob", "schedule", "import")
        assert titles(ini, "bob") == ["Tunnels"]

    def test_watch_imports_all_conferences(self, ini):
        settings = load_app_settings(ini, "frontend")
        broken = ini.parent / "events/broken"
        broken.mkdir()
        (broken / "config.json").write_text("{")

        watch_all(
            settings,
            lambda derived, check: ScheduleWatcher(derived, False, check).run(300, 1),
            is_endless=False,
        )

        assert (titles(ini, "ada-conf"), titles(ini, "bob")) == (["Engines"], ["Bridges"])


class TestCheck:
    def test_all_conferences_are_checked(self, ini):
        output = run(ini, "config", "check", "--only", "frontend")

        assert "ada-conf: 1 rooms: hall" in output
        assert "bob: 1 rooms: hall" in output
        assert "no room is configured" not in output
        output = run(ini, "--event", "bob", "config", "show", "hall")
        assert 'title = "Hall"' in output
        assert "bob/config.json" in output

    def test_broken_conference_is_one_line_with_its_file(self, ini):
        (ini.parent / "events/bob/config.json").write_text('{"hall": {"titel": "x"}}')

        output = run(ini, "config", "check", "--only", "frontend", status=1)

        [line] = [line for line in output.splitlines() if line.startswith("Error")]
        assert "events/bob/config.json:1:11: room 'hall': key 'titel': unknown key" in line
        assert run(ini, "--event", "bob", "config", "check", status=1).count("Error") == 1
        run(ini, "--event", "ada-conf", "config", "check")

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("lab", "/lab is a room of the site; rename the folder or the room"),
            ("schedule", "the site itself uses /schedule; rename the folder"),
            ("events", "the site itself uses /events; rename the folder"),
            ("Ada", "a conference is called by 1 to 30 of a-z 0-9"),
            ("bob-x", "its rooms are called bob_x__… in the tracker, as room 'bob_x__hall'"),
        ],
    )
    def test_name_that_collides_is_one_line(self, ini, name, message):
        config = {"config": {"secret": "a secret of the tests 123"}, "lab": {}, "bob_x__hall": {}}
        (ini.parent / "config.json").write_text(json.dumps(config))
        folder = ini.parent / "events" / name
        folder.mkdir()
        (folder / "config.json").write_text('{"hall": {}}')

        output = run(ini, "config", "check", "--only", "frontend", status=1)

        [line] = [line for line in output.splitlines() if line.startswith("Error")]
        assert message in line
        assert str(folder) in line

    def test_unknown_conference_is_one_line(self, ini):
        output = run(ini, "--event", "eve", "schedule", "import", status=1)
        assert "there is no conference 'eve'; allowed: ada-conf, bob" in output

    def test_missing_folder_is_one_line(self, ini):
        ini.write_text(ini.read_text().replace("s/events", "s/nowhere"))
        output = run(ini, "config", "check", "--only", "frontend", status=1)
        assert "key 'events.folder': there is no folder" in output


def test_reload_refuses_a_broken_conference_and_names_the_others(ini):
    (ini.parent / "events/bob/config.json").write_text("{")

    output = run(ini, "reload", status=1)

    assert "ada-conf: no worker serves it yet; the next request loads it." in output
    assert "events/bob/config.json:1:1" in output
    assert "the configuration before stays in service" in output


def test_copy_of_another_host_is_that_of_the_conference(ini, monkeypatch):
    urls = []

    def mirror(url, *arguments, **options):
        urls.append(url)
        raise SettingsError("nothing is fetched")

    monkeypatch.setattr("streaming_system.cli.schedule_follow.ScheduleMirror", mirror)
    run(ini, "--event", "bob", "schedule", "follow", status=1)

    assert urls == ["https://main.example/bob/schedule/file.json"]


def test_documented_commands_set_up_conferences(root, tmp_path, monkeypatch):
    manual = (root / "docs/how-to/several-conferences.md").read_text()
    lines = "\n".join(re.findall(r"```sh\n(.*?)```", manual, re.DOTALL)).splitlines()
    [setting] = re.findall(r"```ini\n(.*?)```", manual, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    start = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    talks = [{"title": "Engines", "date": start, "duration": "00:30", "guid": "a"}]
    conference = {"title": "Ada", "days": [{"rooms": {"Main Hall": talks}}]}
    (tmp_path / "schedule.xml").write_text(json.dumps({"schedule": {"conference": conference}}))
    runner = CliRunner()
    init = ["init", "our-site", "--name", "Ours", "--room", "Lobby", "--yes"]
    assert runner.invoke(main, init).exit_code == 0
    ini = tmp_path / "our-site/development.ini"
    [commented] = [line for line in ini.read_text().splitlines() if "events.folder" in line]
    assert commented == f"# {setting.strip()}"
    ini.write_text(ini.read_text().replace(commented, setting))
    assert runner.invoke(main, ["-c", str(ini), "tracker", "migrate"]).exit_code == 0

    outputs = []
    for line in filter(None, lines):
        [program, *arguments] = shlex.split(line)
        result = runner.invoke(main, arguments)
        assert (program, result.exit_code) == ("streaming-system", 0), result.output
        outputs.append(result.output)

    assert "the site serves it at /ada-conf/" in outputs[0]
    assert "ada-conf: 1 rooms: main_hall" in outputs[2]
    assert "bob-days: 1 rooms: great_hall" in outputs[2]
    schedule = load_schedule(tmp_path / "our-site/events/ada-conf/var/schedule.json")
    assert [slot.title for slot in schedule.rooms["main_hall"].slots if not slot.is_filler] == [
        "Engines"
    ]
    assert 'conference = "Ada Conf"' in outputs[4]
    assert not (tmp_path / "our-site/events/ada-conf/development.ini").exists()
