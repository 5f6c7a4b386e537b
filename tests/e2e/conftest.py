"""A fresh copy of the project, served by its own commands."""

import contextlib
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import ports
import pytest
import urllib3
from playwright.sync_api import sync_playwright
from programs import require

from .config import SITE, configure
from .pages import crew, every_page, posts_nowhere  # noqa: F401 - Fixtures.
from .stream import encoder, kind_of_encoder, origin, stream, watch  # noqa: F401 - Fixtures.

SECRET = "move me to config.private.json"

LEFT_BEHIND = (".git", ".venv", "var", "build", "dist", "__pycache__", "*.egg-info", ".*_cache",
               ".hypothesis", "config.private.json")  # fmt: skip


@pytest.fixture
def checkout(root, tmp_path) -> Path:
    """A copy of the project without anything that make or a user has added to it.

    Its .venv is the one that the tests run in, so that nothing has to be installed again.
    """
    return copy_of(root, tmp_path)


def copy_of(root: Path, folder: Path) -> Path:
    copy = folder / "checkout"
    shutil.copytree(root, copy, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
    (copy / ".venv").symlink_to(sys.prefix)
    return copy


@pytest.fixture
def free_port() -> int:
    return ports.free_port()


@pytest.fixture(scope="session")
def clean_environment():
    """The environment without what the test run has put into it."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST", "STREAMING", "MAKE", "MFLAGS"))
    }


class Site:
    """A site that is being served."""

    def __init__(self, url: str, process: subprocess.Popen, log: Path) -> None:
        self.url = url
        self.process = process
        self._log = log
        self._pool = urllib3.PoolManager(timeout=5, retries=False)

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def get(self, path: str, **more) -> urllib3.BaseHTTPResponse:
        return self._pool.request("GET", self.url + path, **more)

    def text(self, path: str) -> str:
        answer = self.get(path)
        assert answer.status == 200, f"{path}: {answer.status}"
        return answer.data.decode()

    def post(self, path: str, **fields) -> urllib3.BaseHTTPResponse:
        return self._pool.request("POST", self.url + path, fields=fields, encode_multipart=False)

    def put(self, path: str, document: object, token: str) -> urllib3.BaseHTTPResponse:
        shown = {"Authorization": f"Bearer {token}"}
        return self._pool.request("PUT", self.url + path, json=document, headers=shown)

    def wait_for(self, is_true, seconds: float, what: str):
        """Ask until the answer is true; that is how long a viewer waits, too."""
        give_up = time.monotonic() + seconds
        while not (answer := is_true()):
            assert time.monotonic() < give_up, f"not within {seconds} s: {what}\n{self.log}"
            assert self.process.poll() is None, f"the server has ended:\n{self.log}"
            time.sleep(0.2)
        return answer

    def answers(self) -> bool:
        try:
            return self.get("/robots.txt").status < 500 or self.get("/").status < 500
        except urllib3.exceptions.HTTPError:
            return False


@pytest.fixture
def serve(checkout, clean_environment):
    """Return a context manager: run a command in the checkout until its site answers."""
    return partial(serving, checkout, clean_environment)


@contextlib.contextmanager
def serving(checkout, environment, *command, url, env=None, ready=None):
    log = checkout.parent / "log"
    with log.open("a") as output:
        process = subprocess.Popen(
            command,
            cwd=checkout,
            env=environment | (env or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    site = Site(url, process, log)
    try:
        site.wait_for(ready or site.answers, 60, f"an answer from {url}")
        yield site
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(20)


@pytest.fixture
def run(checkout, clean_environment):
    """Run a command in the checkout and return what it printed and how it ended."""
    return partial(run_in, checkout, clean_environment)


def run_in(checkout, environment, *command, **more):
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


def live_rooms(page: str) -> list[str]:
    """Return the ids of the rooms that a page shows as live."""
    return re.findall(r'data-room="(\w+)"[^>]*data-live="true"', page)


def set_key(ini: Path, key: str, value: str) -> None:
    """Give the first key of that name in an ini another value."""
    lines = ini.read_text().split("\n")
    place = next(number for number, line in enumerate(lines) if line.startswith(f"{key} ="))
    lines[place] = f"{key} = {value}"
    ini.write_text("\n".join(lines))


@pytest.fixture(scope="session")
def chromium():
    path = require("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-quic",
                "--disable-sync",
                "--no-first-run",
                # A test's sender and its viewer find each other without any network.
                "--allow-loopback-in-peer-connection",
                # Nobody sees the suggestions of an address bar: two thirds of what a window costs.
                "--disable-features=WebRtcHideLocalIpsWithMdns,WebUIOmniboxPopup,"
                "WebUIOmniboxFullPopup,WebUIOmniboxAimPopup",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture
def theme():
    """What the configuration calls the theme; a parameter of a test takes its place."""
    return ""


@pytest.fixture
def site(checkout, theme, serve, run, free_port):
    if theme:
        configure(checkout, SITE, f'"theme": "{theme}",')
    with serving_site(checkout, serve, run, free_port) as site:
        yield site


@contextlib.contextmanager
def serving_site(checkout, serve, run, port):
    """Set up what the checkout configures, and serve it."""
    set_up(checkout, run)
    set_key(checkout / "development.ini", "address", f"127.0.0.1:{port}")
    with serve(".venv/bin/pserve", "development.ini", url=f"http://127.0.0.1:{port}") as site:
        yield site


# What setting up a site has left in var, by what was configured, and when that was.
SET_UP: dict[tuple[bytes, ...], tuple[float, dict[str, bytes]]] = {}
# The sample event is laid around the moment of its import: a test may find it so much older.
FRESH_FOR = 120


def set_up(checkout, run):
    """Do what make does before it serves; not for each test anew, since that takes seconds."""
    ini = (checkout / "development.ini").read_bytes()
    named = [checkout / name for name in ("config.json", "config.private.json")]
    configured = (
        re.sub(rb"^(address|endpoint\.url) = .*", b"", ini, flags=re.MULTILINE),
        *(path.read_bytes() if path.exists() else b"" for path in named),
    )
    made, files = SET_UP.get(configured, (-math.inf, {}))
    if time.monotonic() - made > FRESH_FOR:
        made = time.monotonic()
        assert run(".venv/bin/alembic", "-c", "development.ini", "upgrade", "head").returncode == 0
        assert run(".venv/bin/streaming-system", "schedule", "import").returncode == 0
        found = (checkout / "var").iterdir()
        SET_UP[configured] = made, {path.name: path.read_bytes() for path in found}
    for name, content in files.items():
        target = checkout / "var" / name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(content)


@pytest.fixture(scope="session")
def stage(root, tmp_path_factory, clean_environment):
    """A site with a room for each test of the player, so that none has to wait for its own site."""
    from .players import staging

    with staging(root, tmp_path_factory.mktemp("stage"), clean_environment) as stage:
        yield stage


@pytest.fixture
def room(stage):
    """A room that no other test has."""
    return next(stage.rooms)


@pytest.fixture
def open_page(chromium, stage):
    """Return a function that opens a page of the shared site."""
    with visiting(chromium, stage) as visit:
        yield visit


@pytest.fixture
def go_live(site):
    def go_live(room, viewers=3):
        answer = site.post(
            "/tracker/endpoint/register",
            secret=SECRET,
            group=room,
            data=json.dumps({"overall_clients": viewers, "webm_high_clients": viewers}),
        )
        assert answer.data == b"OK\n"

    return go_live


@pytest.fixture
def visit(chromium, site):
    """Return a function that opens a page; it notes what the page asks for and complains of."""
    with visiting(chromium, site) as visit:
        yield visit


@contextlib.contextmanager
def visiting(chromium, site):
    contexts = []

    def visit(path, **options):
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.asked, page.complaints = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on(
            "console",
            lambda message: message.type == "error" and page.complaints.append(message.text),
        )
        page.goto(site.url + path)
        return page

    yield visit
    for context in contexts:
        context.close()
