"""`schedule watch` imports at once on request, and when the configuration changes."""

import json
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

from timeouts import extended

from streaming_system.schedule.import_report import load_report
from streaming_system.schedule.storage import load_schedule

# Long enough for a machine under load.
WATCH_TIMEOUT = 120.0
START = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)


def wait_for(condition):
    deadline = time.monotonic() + extended(WATCH_TIMEOUT)
    while not (result := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return result


def test_watch_imports_on_request_and_after_a_change_of_the_configuration(tmp_path):
    def configure(room):
        text = json.dumps({room: {"title": "Hall", "schedule": "feed.json"}})
        (tmp_path / "config.json").write_text(text)

    schedule_file = tmp_path / "schedule.json"
    talks = [
        {"title": "Talk", "date": START.isoformat(), "duration": "00:30", "guid": "a"},
        {"title": "Odd", "date": "tomorrow", "duration": "00:30", "guid": "b"},
    ]
    conference = {"title": "Conf", "days": [{"rooms": {"Hall": talks}}]}
    feed = json.dumps({"schedule": {"conference": conference}})
    (tmp_path / "feed.json").write_text(feed)
    configure("hall")
    (tmp_path / "site.ini").write_text(
        f"[DEFAULT]\nconfig.public = {tmp_path}/config.json\n"
        f"config.private = {tmp_path}/none.json\nschedule.file = {schedule_file}\n"
        f"workers.folder = {tmp_path}/workers\n"
        "[app:frontend]\nuse = egg:streaming-system#frontend\n"
    )
    code = "from streaming_system.cli import main; main()"
    arguments = ("-c", str(tmp_path / "site.ini"), "schedule", "watch", "--count", "3")
    command = [sys.executable, "-c", code, *arguments, "--interval", "3600"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            first = wait_for(lambda: load_report(schedule_file))
            assert len(first.changes) == 1
            assert first.changes[0].startswith("new: Talk: hall, ")
            assert len(first.skipped) == 1
            assert "'Odd'" in first.skipped[0]

            (tmp_path / "workers").mkdir(exist_ok=True)
            (tmp_path / "workers" / "import").touch()
            second = wait_for(lambda: (r := load_report(schedule_file)).at > first.at and r)
            assert second.changes == ()

            configure("aula")
            third = wait_for(lambda: (r := load_report(schedule_file)).at > second.at and r)
            assert third.error == ""
            assert list(load_schedule(schedule_file).rooms) == ["aula"]
            assert process.wait(WATCH_TIMEOUT) == 0
        finally:
            process.kill()
