"""Measures the cost of each kind of request: CPU time, bytes, rows.

The whole site runs: nginx with conf/nginx.conf, two workers of each app, PostgreSQL. Times are the
CPU time of the servers' own processes (user and system, from /proc), without the client and other
programs. benchmarks/capacity.py calculates capacity plans from the results.
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

# This module adds the tests' folder to the path.
from machine import RunningSite, cpu_model, memory_mib, run_site
from programme import write_talks

# isort: split
from functional.proxy.site import NAME, Site

SECRET = "s3cret of the proxy"
IDLE_CONNECTIONS = 2000
PLAYERS = 500


class Viewer:
    """A persistent connection, like that of a browser."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.bytes = 0

    def send(self, method: str, path: str, body: str | None = None, **headers: str) -> bytes:
        """Send a request like a browser; count the bytes of the response."""
        all_headers = {
            "Host": NAME,
            "Accept-Encoding": "gzip, br",
            "User-Agent": "Mozilla/5.0",
            **headers,
        }
        self.connection.request(method, path, body, all_headers)
        response = self.connection.getresponse()
        text = response.read()
        is_refused = response.status >= 300 or text.startswith(b"ERROR")
        assert not is_refused, (path, response.status, text[:200])
        self.bytes += len(text) + sum(len(key) + len(value) + 4 for key, value in
                                      response.getheaders()) + 17  # fmt: skip
        return gzip.decompress(text) if response.headers["Content-Encoding"] == "gzip" else text


def report(sid: str, played: int, endpoint: str = "127.0.0.1") -> str:
    return json.dumps({
        "v": 2, "sid": sid, "cdn": endpoint, "format": "hls", "quality": "high", "msd": 800,
        "played": played, "bsa": 0, "bsda": 0, "dfa": 0, "errors": 0,
        "sta": "p", "bg": False, "br": 2500,
    })  # fmt: skip


def register(viewer: Viewer, number: int) -> None:
    viewer.send(
        "POST", "/tracker/endpoint/register",
        f"secret={SECRET.replace(' ', '+')}&group=hall&data="
        f"%7B%22overall_clients%22%3A{number}%7D",
        **{"Content-Type": "application/x-www-form-urlencoded"},
    )  # fmt: skip


def request_kinds(viewer: Viewer) -> dict[str, tuple[int, Callable[[int], object]]]:
    """Return the requests of viewers and endpoints: how often to measure, and a function."""
    page = viewer.send("GET", "/hall").decode()
    files = sorted(set(re.findall(r'(?:href|src)="(/(?:static|theme|brand)/[^"]+)"', page)))
    players = [str(uuid.uuid4()) for _ in range(PLAYERS)]

    def visit(number: int) -> None:
        for path in files:
            viewer.send("GET", path)

    def send_report(body: str) -> None:
        viewer.send("POST", "/tracker/api/v1/rooms/hall/playback", body,
                   **{"Content-Type": "text/plain"})  # fmt: skip

    def next_report(number: int) -> None:
        send_report(report(players[number % PLAYERS], 10_000 * (1 + number // PLAYERS)))

    def first_report(number: int) -> None:
        send_report(report(str(uuid.uuid4()), 0))

    return {
        "page": (4000, lambda _: viewer.send("GET", "/hall")),
        "files of a first visit": (100, visit),
        "which rooms are live": (6000, lambda _: viewer.send("GET", "/tracker/streams.json")),
        "servers of a room": (6000, lambda _: viewer.send("GET", "/tracker/hall/streams.json")),
        "first report": (1500, first_report),
        "report": (3000, next_report),
        "page, rendered": (400, lambda number: viewer.send("GET", f"/hall?delta={number}")),
        "registration": (500, lambda number: register(viewer, number)),
    }


def measure(machine: RunningSite, send: Callable[[int], object], times: int, viewer: Viewer):
    """Return the cost of a request: CPU milliseconds per program, bytes, database writes."""
    for number in range(max(times // 20, 2)):
        send(times + number)
    viewer.bytes = 0
    before, writes_before = machine.cpu_seconds(), machine.database_writes()
    for number in range(times):
        send(number)
    after, writes_after = machine.cpu_seconds(), machine.database_writes()
    return {
        "ms": {kind: 1000 * (after[kind] - before[kind]) / times for kind in after},
        "bytes": viewer.bytes / times,
        "written": {
            what: (writes_after[what] - writes_before[what]) / times for what in writes_after
        },
    }


def summarise_rounds(rounds: list[dict]) -> dict[str, object]:
    """Return the medians, and the relative spread of the rounds' total CPU time."""
    totals = [sum(result["ms"].values()) for result in rounds]
    return {
        "ms": {
            kind: round(statistics.median(result["ms"][kind] for result in rounds), 4)
            for kind in rounds[0]["ms"]
        },
        "spread": round((max(totals) - min(totals)) / statistics.median(totals), 3),
        "bytes": round(statistics.median(result["bytes"] for result in rounds)),
        "written": {
            what: round(
                max(0.0, statistics.median(result["written"][what] for result in rounds)), 2
            )
            for what in rounds[0]["written"]
        },
    }


def idle_connection(machine: RunningSite) -> float:
    """Return the memory of nginx per idle connection, in KiB."""
    pids = machine.pids()["nginx"]
    before = memory_mib(pids)
    with ExitStack() as stack:
        for _ in range(IDLE_CONNECTIONS):
            connection = stack.enter_context(
                socket.create_connection(("127.0.0.1", machine.site.ports.site))
            )
            connection.sendall(f"GET /robots.txt HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
            connection.recv(4096)
        return 1024 * (memory_mib(pids) - before) / IDLE_CONNECTIONS


def write_schedule(site: Site) -> None:
    """Write a schedule of about two days, so that pages have their usual size."""
    write_talks(
        site.folder / "var/schedule.json",
        ("hall", "lab"),
        length=timedelta(minutes=30),
        numbers=range(-20, 80),
    )


def main() -> int:
    """Print the table, and write costs.json beside this file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    if not shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin"):
        print("benchmarks/costs.py: nginx is not installed", file=sys.stderr)
        return 1
    with run_site(write_schedule) as machine:
        viewer = Viewer(machine.site.ports.site)
        register(viewer, 0)
        results: dict[str, list[dict]] = {}
        for _ in range(options.rounds):
            for kind, (times, send) in request_kinds(viewer).items():
                results.setdefault(kind, []).append(measure(machine, send, times, viewer))
        workers = {kind: len(pids) for kind, pids in machine.pids().items()}
        memory = {kind: memory_mib(pids) for kind, pids in machine.pids().items()}
        costs = {
            "date": datetime.now(UTC).date().isoformat(),
            "machine": {"cores": os.cpu_count(), "processor": cpu_model(),
                        "python": platform.python_version()},
            "requests": {kind: summarise_rounds(rounds) for kind, rounds in results.items()},
            "memory": {
                "frontend": round(memory["frontend"] / workers["frontend"]),
                "tracker": round(memory["tracker"] / workers["tracker"]),
                "connection": round(idle_connection(machine), 2),
            },
        }  # fmt: skip
    for kind, cost in costs["requests"].items():
        print(f"{kind:24} {cost['bytes']:7d} B",
              *(f"{app} {ms:7.3f} ms" for app, ms in cost["ms"].items()),
              f"{cost['written']['rows']:5.1f} rows", f"± {cost['spread']:.0%}")  # fmt: skip
    print(costs["memory"])
    options.json.write_text(json.dumps(costs, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
