"""Measure what one request of a viewer costs the machine: processor time, bytes, rows.

The whole site runs as it is installed: conf/nginx.conf before two workers of each app, on
PostgreSQL. Times are those of the servers' own processes (user and system, from /proc), so that
neither the client nor another program on the machine counts. benchmarks/capacity.py makes a plan of
what comes out.
"""

import argparse
import gzip
import http.client
import json
import os
import platform
import re
import shutil
import socket
import statistics
import sys
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

# It puts the tests' folder on the path.
from machine import Machine, own_memory, processor_name, running
from programme import write_programme

# isort: split
from functional.proxy.site import NAME, Site

SECRET = "s3cret of the proxy"
IDLE = 2000
PLAYERS = 500


class Viewer:
    """A connection that is kept, as browsers do."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.bytes = 0

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> bytes:
        """Ask as a browser does; count what comes over the wire."""
        said = {"Host": NAME, "Accept-Encoding": "gzip, br", "User-Agent": "Mozilla/5.0", **headers}
        self.connection.request(method, path, body, said)
        answer = self.connection.getresponse()
        text = answer.read()
        assert answer.status < 300, (path, answer.status, text[:200])
        self.bytes += len(text) + sum(len(key) + len(value) + 4 for key, value in
                                      answer.getheaders()) + 17  # fmt: skip
        return gzip.decompress(text) if answer.headers["Content-Encoding"] == "gzip" else text


def report(sid: str, played: int, endpoint: str = "127.0.0.1") -> str:
    return json.dumps({
        "v": 2, "sid": sid, "cdn": endpoint, "format": "hls", "quality": "high", "msd": 800,
        "played": played, "bsa": 0, "bsda": 0, "dfa": 0, "errors": 0,
        "sta": "p", "bg": False, "br": 2500,
    })  # fmt: skip


def register(viewer: Viewer, number: int) -> None:
    viewer.ask(
        "POST", "/tracker/endpoint/register",
        f"secret={SECRET.replace(' ', '+')}&group=hall&data="
        f"%7B%22overall_clients%22%3A{number}%7D",
        **{"Content-Type": "application/x-www-form-urlencoded"},
    )  # fmt: skip


def kinds(viewer: Viewer) -> dict[str, tuple[int, Callable[[int], object]]]:
    """Return what viewers and endpoints ask: how often to try it, and how."""
    page = viewer.ask("GET", "/hall").decode()
    files = sorted(set(re.findall(r'(?:href|src)="(/(?:static|theme|brand)/[^"]+)"', page)))
    players = [str(uuid.uuid4()) for _ in range(PLAYERS)]

    def visit(number: int) -> None:
        for path in files:
            viewer.ask("GET", path)

    def tell(body: str) -> None:
        viewer.ask("POST", "/tracker/api/v1/rooms/hall/playback", body,
                   **{"Content-Type": "text/plain"})  # fmt: skip

    def reports(number: int) -> None:
        tell(report(players[number % PLAYERS], 10_000 * (1 + number // PLAYERS)))

    def first_report(number: int) -> None:
        tell(report(str(uuid.uuid4()), 0))

    return {
        "page": (4000, lambda _: viewer.ask("GET", "/hall")),
        "files of a first visit": (100, visit),
        "which rooms are live": (6000, lambda _: viewer.ask("GET", "/tracker/streams.json")),
        "servers of a room": (6000, lambda _: viewer.ask("GET", "/tracker/hall/streams.json")),
        "first report": (1500, first_report),
        "report": (3000, reports),
        "page, rendered": (400, lambda number: viewer.ask("GET", f"/hall?{number}")),
        "registration": (500, lambda number: register(viewer, number)),
    }


def measure(machine: Machine, do: Callable[[int], object], times: int, viewer: Viewer):
    """Return what one of them costs: milliseconds of each program, bytes, what is written."""
    for number in range(max(times // 20, 2)):
        do(times + number)
    viewer.bytes = 0
    before, written = machine.used(), machine.written()
    for number in range(times):
        do(number)
    after, now = machine.used(), machine.written()
    return {
        "ms": {kind: 1000 * (after[kind] - before[kind]) / times for kind in after},
        "bytes": viewer.bytes / times,
        "written": {what: (now[what] - written[what]) / times for what in now},
    }


def median_of(rounds: list[dict]) -> dict[str, object]:
    """Return the medians, and how far apart the dearest and the cheapest round were."""
    totals = [sum(one["ms"].values()) for one in rounds]
    return {
        "ms": {
            kind: round(statistics.median(one["ms"][kind] for one in rounds), 4)
            for kind in rounds[0]["ms"]
        },
        "spread": round((max(totals) - min(totals)) / statistics.median(totals), 3),
        "bytes": round(statistics.median(one["bytes"] for one in rounds)),
        "written": {
            what: round(max(0.0, statistics.median(one["written"][what] for one in rounds)), 2)
            for what in rounds[0]["written"]
        },
    }


def idle_connection(machine: Machine) -> float:
    """Return KiB that nginx keeps for a viewer who asks nothing at the moment."""
    pids = machine.pids()["nginx"]
    before = own_memory(pids)
    with ExitStack() as stack:
        for _ in range(IDLE):
            one = stack.enter_context(
                socket.create_connection(("127.0.0.1", machine.site.ports.site))
            )
            one.sendall(f"GET /robots.txt HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
            one.recv(4096)
        return 1024 * (own_memory(pids) - before) / IDLE


def write_schedule_of(site: Site) -> None:
    """Write three days of talks, so that pages have what they usually have."""
    write_programme(
        site.folder / "var/schedule.json",
        ("hall", "lab"),
        length=timedelta(minutes=30),
        numbers=range(-20, 80),
    )


def main() -> int:
    """Print one table, and write costs.json beside this file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, default=Path(__file__).with_suffix(".json"))
    asked = parser.parse_args()
    if not shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin"):
        print("benchmarks/costs.py: nginx is not installed", file=sys.stderr)
        return 1
    with running(write_schedule_of) as machine:
        viewer = Viewer(machine.site.ports.site)
        register(viewer, 0)
        found: dict[str, list[dict]] = {}
        for _ in range(asked.rounds):
            for kind, (times, do) in kinds(viewer).items():
                found.setdefault(kind, []).append(measure(machine, do, times, viewer))
        workers = {kind: len(pids) for kind, pids in machine.pids().items()}
        memory = {kind: own_memory(pids) for kind, pids in machine.pids().items()}
        costs = {
            "date": datetime.now(UTC).date().isoformat(),
            "machine": {"cores": os.cpu_count(), "processor": processor_name(),
                        "python": platform.python_version()},
            "requests": {kind: median_of(rounds) for kind, rounds in found.items()},
            "memory": {
                "frontend": round(memory["frontend"] / workers["frontend"]),
                "tracker": round(memory["tracker"] / workers["tracker"]),
                "connection": round(idle_connection(machine), 2),
            },
        }  # fmt: skip
    for kind, cost in costs["requests"].items():
        print(f"{kind:24} {cost['bytes']:7d} B",
              *(f"{who} {ms:7.3f} ms" for who, ms in cost["ms"].items()),
              f"{cost['written']['rows']:5.1f} rows", f"± {cost['spread']:.0%}")  # fmt: skip
    print(costs["memory"])
    asked.json.write_text(json.dumps(costs, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
