"""The programs that rows measure: the site and the bare app."""

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
from machine import ROOT, cpu_seconds, migrate
from programme import write_talks

from . import load
from .load import HttpCall, LoadResult

ROOMS = [f"room{number}" for number in range(60)]
LIVE_ROOMS = ROOMS[:30]
TALK_COUNT = 900
LIMITS_OFF = tuple(
    ("app:tracker", f"limit.{what}", "off")
    for what in ("reports", "players", "writes", "reads", "graphs")
)
FORM_HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}
# Endpoints leave the lists after two minutes without a report.
REGISTRATION_TTL = 20.0  # seconds
BARE_INI = """
[app:main]
use = call:speed.bare:main
bare.folder = {folder}
bare.database = {database}

[server:main]
{server}
"""


def endpoint_name(number: int) -> str:
    """Return the name of a live room's endpoint, which is its address."""
    return f"127.0.0.{number + 1}"


def registration_call(room: str, viewers: int, address: str = "127.0.0.1") -> HttpCall:
    """Return the registration of an endpoint by the legacy form."""
    return HttpCall(
        method="POST",
        path="/tracker/endpoint/register",
        body=f"secret={SECRET.replace(' ', '+')}&group={room}"
        f"&data=%7B%22overall_clients%22%3A{viewers}%7D",
        headers={**FORM_HEADERS, "X-Forwarded-For": address},
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
def make_site(folder: Path, database: str = "", **options: object) -> Iterator[Site]:
    """Create a site of 60 rooms with 900 talks; stop it at the end."""
    folder.mkdir()
    site = Site(folder, database=database, settings=LIMITS_OFF, change=NO_LIMITS, **options)
    try:
        write_rooms(folder)
        # A quarter of the talks is over.
        per_room = TALK_COUNT // len(ROOMS)
        write_talks(
            folder / "var/schedule.json",
            ROOMS,
            length=timedelta(minutes=40),
            numbers=range(-(per_room // 4), per_room - per_room // 4),
        )
        migrate(site.database)
        yield site
    finally:
        site.stop()


class LiveStreams:
    """The endpoints of all live rooms, which have to register again before they expire."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._registered_at = -REGISTRATION_TTL

    def register(self) -> None:
        """Register the endpoints, unless their registration is recent."""
        if time.monotonic() < self._registered_at + REGISTRATION_TTL:
            return
        for number, room in enumerate(LIVE_ROOMS):
            status, _, body = send_call(
                self._port, registration_call(room, number, endpoint_name(number))
            )
            assert (status, body) == (200, b"OK\n")
        self._registered_at = time.monotonic()


def send_call(
    port: int, call: HttpCall, **headers: str
) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Send one request; return status, headers and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        all_headers = {"Host": NAME, **load.BROWSER_HEADERS, **call.headers, **headers}
        connection.request(call.method, call.path, call.body or None, all_headers)
        response = connection.getresponse()
        return response.status, response.headers, response.read()


def server_settings(site: Site, section: str) -> str:
    """Return an app's server section of production.ini, without its port."""
    text = (site.folder / "production.ini").read_text()
    match = re.search(rf"^\[server:{section}\]\n(.*?)^$", text, re.MULTILINE | re.DOTALL)
    lines = [line for line in match[1].splitlines() if not re.match(r"listen|url_prefix|#", line)]
    return "\n".join(lines)


class BareApp:
    """The bare app in a process like the site's own."""

    def __init__(self, site: Site, folder: Path, *, section: str, database: str = "") -> None:
        self.folder = folder
        folder.mkdir()
        self.port = free_port()
        self._ini = folder / "bare.ini"
        settings = f"{server_settings(site, section)}\nlisten = 127.0.0.1:{self.port}"
        database = database.replace("%", "%%")
        self._ini.write_text(BARE_INI.format(folder=folder, database=database, server=settings))
        self.program: Program | None = None

    def page(self, name: str, media_type: str, body: bytes) -> HttpCall:
        """Add a page; return the call for it."""
        (self.folder / f"{name}.type").write_text(media_type)
        (self.folder / f"{name}.body").write_bytes(body)
        return HttpCall(path=f"/{name}")

    def document(self, name: str, body: bytes) -> HttpCall:
        """Add a JSON document; return the call for it."""
        (self.folder / f"{name}.json").write_bytes(body)
        return HttpCall(path=f"/{name}")

    def launch(self) -> Program:
        """Start the process without waiting for it."""
        pserve = Path(sys.executable).with_name("pserve")
        self.program = Program(
            *(str(pserve), "-q", str(self._ini)),
            folder=self.folder,
            name="bare",
            environ={"PYTHONPATH": str(ROOT / "benchmarks")},
        )
        return self.program

    def stop(self) -> None:
        if self.program is not None:
            self.program.kill()

    @contextmanager
    def running(self) -> Iterator["BareApp"]:
        """Start the process, and wait until it responds."""
        self.launch()
        try:
            url = f"http://127.0.0.1:{self.port}/unchanged"
            self.program.wait_for(url, status=(304,), seconds=60)
            yield self
        finally:
            self.stop()


class LoadTarget:
    """A server that wrk sends requests to."""

    def __init__(
        self,
        port: int,
        calls: HttpCall | Sequence[HttpCall],
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
        self.headers = {"Host": NAME, **load.BROWSER_HEADERS, **(headers or {})}

    def burst(self, seconds: float) -> tuple[LoadResult, float]:
        """Run wrk for some seconds; return its result, and the CPU milliseconds per response."""
        before = cpu_seconds(self._pid) if self._pid else 0.0
        result = load.run_wrk(self._port, self._calls, self._folder, headers=self.headers,
                         seconds=seconds, first=self._first)  # fmt: skip
        after = cpu_seconds(self._pid) if self._pid else 0.0
        if not isinstance(self._calls, HttpCall):
            # Totals continue to grow in the next burst.
            self._first += result.responses // len(self._calls) + 2
        return result, 1000 * (after - before) / result.responses
