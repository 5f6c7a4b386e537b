"""Sites served from copies of the project, by the project's own commands."""

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

from streaming_system import config as conference_config
from streaming_system.config.ini import load_app_settings
from streaming_system.schedule import storage

from .config import set_ini_key

EXAMPLE_SECRET = "move me to config.private.json"
IGNORED = (".git", ".venv", "var", "build", "dist", "__pycache__", "*.egg-info", ".*_cache",
               ".hypothesis", "config.private.json")  # fmt: skip


def copy_checkout(root: Path, folder: Path) -> Path:
    """Copy the project without anything that make or a user has added to it.

    Tests change files at the top alone, so those in folders are links. The .venv is the one that
    the tests run in, so that nothing has to be installed again.
    """

    def copy(source: str, target: str) -> None:
        if Path(source).parent == root:
            shutil.copy2(source, target)
            return
        try:
            os.link(source, target)
        except OSError:
            # It is on another file system.
            shutil.copy2(source, target)

    checkout = folder / "checkout"
    ignored = shutil.ignore_patterns(*IGNORED)
    shutil.copytree(root, checkout, ignore=ignored, copy_function=copy)
    (checkout / ".venv").symlink_to(sys.prefix)
    return checkout


class Site:
    """A site that is being served."""

    def __init__(self, url: str, process: subprocess.Popen, checkout: Path) -> None:
        self.url = url
        self.process = process
        self.checkout = checkout
        # The names of the accounts that tests have created.
        self.accounts: set[str] = set()
        self._log = log_path(checkout)
        self._log_begins = 0
        self._pool = urllib3.PoolManager(timeout=5, retries=False)

    @property
    def log(self) -> str:
        """What the server has logged since the test began."""
        return self._log.read_bytes()[self._log_begins :].decode()

    def forget_log(self) -> None:
        """Leave out of :attr:`log` what was logged until now."""
        self._log_begins = self._log.stat().st_size

    def get(self, path: str, **more) -> urllib3.BaseHTTPResponse:
        return self._pool.request("GET", self.url + path, **more)

    def text(self, path: str) -> str:
        response = self.get(path)
        assert response.status == 200, f"{path}: {response.status}"
        return response.data.decode()

    def post(self, path: str, **fields) -> urllib3.BaseHTTPResponse:
        return self._pool.request("POST", self.url + path, fields=fields, encode_multipart=False)

    def put(self, path: str, document: object, token: str) -> urllib3.BaseHTTPResponse:
        shown = {"Authorization": f"Bearer {token}"}
        return self._pool.request("PUT", self.url + path, json=document, headers=shown)

    def register(self, room: str, viewers: int = 3, **more) -> None:
        """Let an encoder report that a room is live."""
        metrics = json.dumps({"overall_clients": viewers, "webm_high_clients": viewers})
        response = self.post(
            "/tracker/endpoint/register", secret=EXAMPLE_SECRET, group=room, data=metrics, **more
        )
        assert response.data == b"OK\n"

    def go_live(self, room: str, viewers: int = 3, **more) -> None:
        """Let a room be live, and wait until pages are served that say so.

        A page that is older than that would be fetched again while a test uses it.
        """
        self.register(room, viewers, **more)
        self.wait_for(lambda: room in parse_live_rooms(self.text("/")), 10, f"{room} is live")

    def wait_for(self, is_true, seconds: float, what: str):
        """Ask until the condition is true; a viewer waits as long."""
        give_up = time.monotonic() + seconds
        while not (response := is_true()):
            assert time.monotonic() < give_up, f"not within {seconds} s: {what}\n{self.log}"
            assert self.process.poll() is None, f"the server has ended:\n{self.log}"
            time.sleep(0.1)
        return response

    def responds(self) -> bool:
        try:
            return self.get("/robots.txt").status < 500 or self.get("/").status < 500
        except urllib3.exceptions.HTTPError:
            return False


def log_path(checkout: Path) -> Path:
    return checkout.parent / "log"


@contextlib.contextmanager
def serving(checkout, environment, *command, url, env=None, ready=None):
    """Run a command in the checkout until its site responds; end it afterwards."""
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
        site.wait_for(ready or site.responds, 60, f"an response from {url}")
        yield site
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(20)


def run_in_checkout(checkout, environment, *command, **more):
    """Run a command in the checkout and return what it printed and how it ended."""
    return subprocess.run(
        command,
        cwd=checkout,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        **more,
    )


def parse_live_rooms(page: str) -> list[str]:
    """Return the ids of the rooms that a page shows as live."""
    return re.findall(r'data-room="(\w+)"[^>]*data-live="true"', page)


@contextlib.contextmanager
def serving_site(checkout, environment, port):
    """Set up what the checkout configures, and serve it."""
    set_up_data(checkout, partial(run_in_checkout, checkout, environment))
    set_ini_key(checkout / "development.ini", "address", f"127.0.0.1:{port}")
    command = (".venv/bin/pserve", "development.ini")
    with serving(checkout, environment, *command, url=f"http://127.0.0.1:{port}") as site:
        yield site


# A migrated database is the same for all configurations.
DATABASE_NAME = "tracker.sqlite"
_databases: list[bytes] = []
# What importing has written, by what rooms were imported, and when that was.
_schedules: dict[tuple[object, ...], tuple[float, bytes]] = {}
# The sample event is laid around the moment of its import: a test may find it so much older.
SCHEDULE_TTL_SECONDS = 120
# How much of it is left, for some talks that are over and more than a room's page lists.
SCHEDULE_BEFORE, SCHEDULE_AFTER = timedelta(hours=1), timedelta(hours=4)


def set_up_data(checkout, run) -> None:
    """Do what make does before it serves; once for all, since that takes seconds."""
    var = checkout / "var"
    var.mkdir(exist_ok=True)
    if not _databases:
        assert run(".venv/bin/alembic", "-c", "development.ini", "upgrade", "head").returncode == 0
        _databases.append((var / DATABASE_NAME).read_bytes())
    (var / DATABASE_NAME).write_bytes(_databases[0])
    replace_file(var / "schedule.json", imported_schedule(checkout, run))


def imported_schedule(checkout, run) -> bytes:
    """Return the schedule that an import writes, made within :data:`SCHEDULE_TTL_SECONDS`.

    Of the sample event it has some hours: pages of all its 900 talks take seconds to look at.
    """
    configured = conference_config.load_conference_from_settings(
        load_app_settings(checkout / "development.ini", "frontend")
    )
    key = tuple(
        (
            room.id,
            room.schedule.removeprefix(str(checkout)),
            room.schedule_key,
            room.schedule_timezone,
        )
        for room in configured.rooms.values()
    )
    made, schedule = _schedules.get(key, (-math.inf, b""))
    if time.monotonic() - made > SCHEDULE_TTL_SECONDS:
        made = time.monotonic()
        assert run(".venv/bin/streaming-system", "schedule", "import").returncode == 0
        path = checkout / "var/schedule.json"
        shorten_schedule(path)
        schedule = path.read_bytes()
        _schedules[key] = made, schedule
    return schedule


def shorten_schedule(path: Path) -> None:
    """Leave only the talks of some hours in a schedule file."""
    now = datetime.now(UTC)
    schedule = storage.load_schedule(path)
    short = {
        name: dataclasses.replace(
            room,
            events=tuple(
                event
                for event in room.events
                if event.end > now - SCHEDULE_BEFORE and event.start < now + SCHEDULE_AFTER
            ),
        )
        for name, room in schedule.rooms.items()
    }
    storage.save_schedule(dataclasses.replace(schedule, rooms=short), path)


def replace_file(path: Path, content: bytes) -> None:
    """Replace a file at once, unless it has this content already."""
    if path.exists() and path.read_bytes() == content:
        return
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.replace(path)
