"""The programs that rows measure: the site as it is installed, and the bare app."""

import contextlib
import http.client
import json
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from functional.agent.servers import Program, free_port
from functional.proxy.site import NAME, NO_LIMITS, SECRET, Site
from machine import ROOT, migrate, processor_seconds
from programme import write_programme

from . import load
from .load import Call, Load

ROOMS = [f"room{number}" for number in range(60)]
LIVE = ROOMS[:30]
EVENTS = 900
OFF = tuple(
    ("app:tracker", f"limit.{what}", "off") for what in ("reports", "writes", "reads", "graphs")
)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
# Streams are gone from the lists after two minutes without a report.
REGISTERED_FOR = 20.0  # seconds
BARE = """
[app:main]
use = call:speed.bare:main
bare.folder = {folder}
bare.database = {database}

[server:main]
{server}
"""


def endpoint_of(number: int) -> str:
    """Return what the server of a live room is called: it is known by its address."""
    return f"127.0.0.{number + 1}"


def registration(room: str, viewers: int, address: str = "127.0.0.1") -> Call:
    """Return how a server that streams a room says so, by the form."""
    return Call(
        method="POST",
        path="/tracker/endpoint/register",
        body=f"secret={SECRET.replace(' ', '+')}&group={room}"
        f"&data=%7B%22overall_clients%22%3A{viewers}%7D",
        headers={**FORM, "X-Forwarded-For": address},
    )


def write_rooms(folder: Path) -> None:
    """Write a configuration of 60 rooms."""
    private = {
        "config": {"secret": SECRET, "localips": []},
        "default": {"conference": "A large event"},
        **{room: {"title": f"Room {number}"} for number, room in enumerate(ROOMS)},
    }
    (folder / "config.private.json").write_text(json.dumps(private))


@contextmanager
def a_site(folder: Path, database: str = "", **how: object) -> Iterator[Site]:
    """Lay out a site of 60 rooms with 900 talks; whatever was started of it ends."""
    folder.mkdir()
    site = Site(folder, database=database, settings=OFF, change=NO_LIMITS, **how)
    try:
        write_rooms(folder)
        # 900 talks, a quarter of which is over.
        each = EVENTS // len(ROOMS)
        write_programme(
            folder / "var/schedule.json",
            ROOMS,
            length=timedelta(minutes=40),
            numbers=range(-(each // 4), each - each // 4),
        )
        migrate(site.database)
        yield site
    finally:
        site.stop()


class Streams:
    """Servers that stream rooms: they report again before anybody would miss them."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._told = -REGISTERED_FOR

    def keep(self) -> None:
        """Report, unless that was a moment ago."""
        if time.monotonic() < self._told + REGISTERED_FOR:
            return
        for number, room in enumerate(LIVE):
            status, _, body = ask(self._port, registration(room, number, endpoint_of(number)))
            assert status == 200, body
        self._told = time.monotonic()


def ask(port: int, call: Call, **headers: str) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Send one request; return status, headers and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        said = {"Host": NAME, **load.BROWSER, **call.headers, **headers}
        connection.request(call.method, call.path, call.body or None, said)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


def server_settings(site: Site, section: str) -> str:
    """Return how production.ini has an app served, without its port."""
    text = (site.folder / "production.ini").read_text()
    found = re.search(rf"^\[server:{section}\]\n(.*?)^$", text, re.MULTILINE | re.DOTALL)
    lines = [line for line in found[1].splitlines() if not re.match(r"listen|url_prefix|#", line)]
    return "\n".join(lines)


class Bare:
    """The bare app, served by a process as the site's own."""

    def __init__(self, site: Site, folder: Path, *, section: str, database: str = "") -> None:
        self.folder = folder
        folder.mkdir()
        self.port = free_port()
        self._ini = folder / "bare.ini"
        settings = f"{server_settings(site, section)}\nlisten = 127.0.0.1:{self.port}"
        database = database.replace("%", "%%")
        self._ini.write_text(BARE.format(folder=folder, database=database, server=settings))
        self.program: Program | None = None

    def page(self, name: str, kind: str, body: bytes) -> Call:
        """Have it answer with a page; return how to ask for it."""
        (self.folder / f"{name}.type").write_text(kind)
        (self.folder / f"{name}.body").write_bytes(body)
        return Call(path=f"/{name}")

    def document(self, name: str, body: bytes) -> Call:
        """Have it answer with a document; return how to ask for it."""
        (self.folder / f"{name}.json").write_bytes(body)
        return Call(path=f"/{name}")

    def launch(self) -> Program:
        """Start a process, without waiting for it."""
        pserve = Path(sys.executable).with_name("pserve")
        self.program = Program(
            *(str(pserve), "-q", str(self._ini)),
            folder=self.folder,
            name="bare",
            environ={"PYTHONPATH": str(ROOT / "benchmarks")},
        )
        return self.program

    def stop(self) -> None:
        """End it, if it runs."""
        if self.program is not None:
            self.program.kill()

    @contextmanager
    def running(self) -> Iterator["Bare"]:
        """Start a process, and wait until it answers."""
        self.launch()
        try:
            url = f"http://127.0.0.1:{self.port}/unchanged"
            self.program.wait_for(url, status=(304,), seconds=60)
            yield self
        finally:
            self.stop()


class Side:
    """A server that wrk asks: how fast it answers, and what that costs it."""

    def __init__(
        self,
        port: int,
        calls: Call | Sequence[Call],
        folder: Path,
        *,
        pid: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        self._port = port
        self._calls = calls
        self._folder = folder
        self._pid = pid
        self._first = 1
        self.headers = {"Host": NAME, **load.BROWSER, **(headers or {})}

    def burst(self, seconds: float) -> tuple[Load, float]:
        """Ask for some seconds; return what wrk says, and milliseconds of processor an answer."""
        before = processor_seconds(self._pid) if self._pid else 0.0
        found = load.wrk(self._port, self._calls, self._folder, headers=self.headers,
                         seconds=seconds, first=self._first)  # fmt: skip
        after = processor_seconds(self._pid) if self._pid else 0.0
        if not isinstance(self._calls, Call):
            # What grows goes on growing.
            self._first += found.answers // len(self._calls) + 2
        return found, 1000 * (after - before) / found.answers
