"""Sites that the project's own commands serve from copies of the project."""

import contextlib
import dataclasses
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import urllib3
from timeouts import extended

from streaming_system import config as conference_config
from streaming_system.config.ini import load_app_settings
from streaming_system.schedule import storage

from .config import set_ini_key

EXAMPLE_SECRET = "move me to config.private.json"
IGNORED = (".git", ".venv", "var", "build", "dist", "__pycache__", "*.egg-info", ".*_cache",
               ".hypothesis", "config.private.json")  # fmt: skip


def copy_checkout(root: Path, folder: Path) -> Path:
    """Copy the project without files that make or a user has added.

    Tests only change files in the top folder, so other files are hard links. The .venv is a link to
    the environment of the tests.
    """

    def copy(source: str, target: str) -> None:
        if Path(source).parent == root:
            shutil.copy2(source, target)
            return
        try:
            os.link(source, target)
        except OSError:
            # The folders are on different file systems.
            shutil.copy2(source, target)

    checkout = folder / "checkout"
    ignored = shutil.ignore_patterns(*IGNORED)
    shutil.copytree(root, checkout, ignore=ignored, copy_function=copy)
    (checkout / ".venv").symlink_to(sys.prefix)
    return checkout


class Site:
    """A running site."""

    def __init__(self, url: str, process: subprocess.Popen, checkout: Path) -> None:
        self.url = url
        self.process = process
        self.checkout = checkout
        # The names of accounts that tests have created.
        self.accounts: set[str] = set()
        self._log = log_path(checkout)
        self._log_offset = 0
        self._pool = urllib3.PoolManager(timeout=5, retries=False)

    @property
    def log(self) -> str:
        """The log of the server since the start of the test."""
        return self._log.read_bytes()[self._log_offset :].decode()

    def reset_log(self) -> None:
        """Let :attr:`log` start here."""
        self._log_offset = self._log.stat().st_size

    def get(self, path: str, **options) -> urllib3.BaseHTTPResponse:
        return self._pool.request("GET", self.url + path, **options)

    def text(self, path: str) -> str:
        response = self.get(path)
        assert response.status == 200, f"{path}: {response.status}"
        return response.data.decode()

    def post(self, path: str, **fields) -> urllib3.BaseHTTPResponse:
        return self._pool.request("POST", self.url + path, fields=fields, encode_multipart=False)

    def put(self, path: str, document: object, token: str) -> urllib3.BaseHTTPResponse:
        headers = {"Authorization": f"Bearer {token}"}
        return self._pool.request("PUT", self.url + path, json=document, headers=headers)

    def register(self, room: str, viewers: int = 3, **options) -> None:
        """Register an endpoint of a room by the legacy form."""
        metrics = json.dumps({"overall_clients": viewers, "webm_high_clients": viewers})
        response = self.post(
            "/tracker/endpoint/register", secret=EXAMPLE_SECRET, group=room, data=metrics, **options
        )
        assert response.data == b"OK\n"

    def go_live(self, room: str, viewers: int = 3, **options) -> None:
        """Register an endpoint of a room, and wait until pages show the room as live.

        An older page would be refreshed during the test.
        """
        self.register(room, viewers, **options)
        self.wait_for(lambda: room in parse_live_rooms(self.text("/")), 10, f"{room} is live")

    def wait_for(self, condition, seconds: float, what: str):
        """Poll until the condition is true; return its value."""
        deadline = time.monotonic() + extended(seconds)
        while not (value := condition()):
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}\n{self.log}"
            assert self.process.poll() is None, f"the server has exited:\n{self.log}"
            time.sleep(0.1)
        return value

    def is_responding(self) -> bool:
        try:
            return self.get("/robots.txt").status < 500 or self.get("/").status < 500
        except urllib3.exceptions.HTTPError:
            return False


def log_path(checkout: Path) -> Path:
    return checkout.parent / "log"


@contextlib.contextmanager
def serving(checkout, environment, *command, url, env=None, ready=None):
    """Run a command in the checkout, wait until its site responds, and stop it at the end."""
    with log_path(checkout).open("a") as output:
        process = subprocess.Popen(
            command,
            cwd=checkout,
            env=environment | (env or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    site = Site(url, process, checkout)
    try:
        site.wait_for(ready or site.is_responding, 60, f"a response from {url}")
        yield site
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(20)


def run_in_checkout(checkout, environment, *command, **options):
    """Run a command in the checkout; return its output and exit status."""
    return subprocess.run(
        command,
        cwd=checkout,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        **options,
    )


def parse_live_rooms(page: str) -> list[str]:
    """Return the ids of live rooms on a page."""
    return re.findall(r'data-room="(\w+)"[^>]*data-live="true"', page)


@contextlib.contextmanager
def serving_site(checkout, environment, port):
    """Set up the data of a checkout, and serve it."""
    set_up_data(checkout, partial(run_in_checkout, checkout, environment))
    set_ini_key(checkout / "development.ini", "address", f"127.0.0.1:{port}")
    command = (".venv/bin/pserve", "development.ini")
    with serving(checkout, environment, *command, url=f"http://127.0.0.1:{port}") as site:
        yield site


# The migrated database, which is the same for all configurations.
DATABASE_NAME = "tracker.sqlite"
_databases: list[bytes] = []
# Imported schedules and the times of their import, by the settings of the rooms.
_schedules: dict[tuple[object, ...], tuple[float, bytes]] = {}
# The sample event starts relative to the time of the import, which must be recent.
SCHEDULE_TTL_SECONDS = 120
# The part of the sample event that tests use, relative to now.
SCHEDULE_BEFORE, SCHEDULE_AFTER = timedelta(hours=1), timedelta(hours=4)


def set_up_data(checkout, run_command) -> None:
    """Set up the database and the schedule like make; cached, because it takes seconds."""
    var = checkout / "var"
    var.mkdir(exist_ok=True)
    if not _databases:
        assert (
            run_command(".venv/bin/alembic", "-c", "development.ini", "upgrade", "head").returncode
            == 0
        )
        _databases.append((var / DATABASE_NAME).read_bytes())
    (var / DATABASE_NAME).write_bytes(_databases[0])
    replace_file(var / "schedule.json", imported_schedule(checkout, run_command))


def imported_schedule(checkout, run_command) -> bytes:
    """Return an imported schedule that is at most :data:`SCHEDULE_TTL_SECONDS` old.

    It contains a few hours of the sample event: pages with all 900 talks are slow.
    """
    conference = conference_config.load_conference_from_settings(
        load_app_settings(checkout / "development.ini", "frontend")
    )
    key = tuple(
        (
            room.id,
            room.schedule.removeprefix(str(checkout)),
            room.schedule_key,
            room.schedule_timezone,
        )
        for room in conference.rooms.values()
    )
    imported_at, schedule = _schedules.get(key, (-math.inf, b""))
    if time.monotonic() - imported_at > SCHEDULE_TTL_SECONDS:
        imported_at = time.monotonic()
        assert run_command(".venv/bin/streaming-system", "schedule", "import").returncode == 0
        path = checkout / "var/schedule.json"
        shorten_schedule(path)
        schedule = path.read_bytes()
        _schedules[key] = imported_at, schedule
    return schedule


def shorten_schedule(path: Path) -> None:
    """Remove talks outside of the used period from a schedule file."""
    now = datetime.now(UTC)
    schedule = storage.load_schedule(path)
    rooms = {
        name: dataclasses.replace(
            room,
            slots=tuple(
                event
                for event in room.slots
                if event.end > now - SCHEDULE_BEFORE and event.start < now + SCHEDULE_AFTER
            ),
        )
        for name, room in schedule.rooms.items()
    }
    storage.save_schedule(dataclasses.replace(schedule, rooms=rooms), path)


def replace_file(path: Path, content: bytes) -> None:
    """Replace a file atomically, unless it already has this content."""
    if path.exists() and path.read_bytes() == content:
        return
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.replace(path)
