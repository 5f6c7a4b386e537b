"""Starts the site, runs an event, and measures."""

import gc
import json
import subprocess
import sys
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from machine import RunningSite, run_site

# isort: split
from functional.proxy.site import NAME, Site

from streaming_system.schedule import model
from streaming_system.schedule.storage import save_schedule
from streaming_system.tracker.models import Player

from .client import Client
from .event import ROOMS, TALK_INTERVAL, Agenda, Event
from .intervals import MAX_INTERVAL, MIN_INTERVAL, TARGET_RATE
from .page import page_files
from .running_event import RunningEvent
from .viewer import Viewer

# The time until the workers have loaded the schedule.
START_DELAY = 5.0
# The limits of due actions and of waiting, before the client polls for responses.
MAX_STEPS = 32
MAX_POLL_SECONDS = 0.05
BATCH_ROWS = 5000
QUANTILES = (0.5, 0.95, 0.99)


@dataclass(frozen=True, kw_only=True)
class EventSize:
    """The size and speed of a simulation."""

    viewers: int
    minutes: float
    factor: float


def write_rooms(site: Site) -> None:
    """Configure the rooms of the event."""
    path = site.folder / "config.private.json"
    private = json.loads(path.read_text())
    private |= {room: {"title": room.title()} for room in ROOMS}
    path.write_text(json.dumps(private))
    for room in ROOMS:
        (site.folder / f"var/previews/{room}.jpg").write_bytes(b"a picture" * 1000)
    write_schedule(site, datetime.now(UTC), [0.0], 1.0)


def write_schedule(site: Site, begin: datetime, talks: list[float], factor: float) -> None:
    """Write the talks at wall clock times, with further ones before and after."""
    every = TALK_INTERVAL / factor
    first = begin + timedelta(seconds=talks[0] / factor)
    rooms = {
        room: model.RoomSchedule(
            timezone=ZoneInfo("Europe/Berlin"),
            slots=tuple(
                model.Slot(start=first + timedelta(seconds=every * number),
                            end=first + timedelta(seconds=every * (number + 1)),
                            title=f"Talk {number} about a subject that takes a line",
                            abstract="<p>" + "words " * 80 + "</p>", guid=f"{room}-{number}",
                            speakers=("Ada Lovelace", "Grace Hopper"))
                for number in range(-20, 30)
            ),
        )
        for room in ROOMS
    }  # fmt: skip
    save_schedule(
        model.Schedule(rooms=rooms, imported_at=datetime.now(UTC)),
        site.folder / "var/schedule.json",
    )


def time_settings(factor: float) -> list[tuple[str, str, object]]:
    """Return settings that convert the tracker's intervals to the event's clock."""
    return [
        ("app:tracker", "ingest.min_interval", round(MIN_INTERVAL / factor)),
        ("app:tracker", "ingest.max_interval", round(MAX_INTERVAL / factor)),
        ("app:tracker", "ingest.target_rate", TARGET_RATE * factor),
    ]


def issue_token(site: Site) -> str:
    """Issue a token that is valid for all endpoints."""
    executable = Path(sys.executable).with_name("streaming-system")
    command = [executable, "-c", "production.ini", "admin", "token", "issue", "viewers", "--crew"]
    process = subprocess.run(command, cwd=site.folder, capture_output=True, text=True, check=True)
    return process.stdout.strip()


def make_fetch(site: Site) -> Callable[[str], tuple[dict[str, str], str]]:
    """Return a function that fetches a file of the site."""

    def fetch(path: str) -> tuple[dict[str, str], str]:
        response = site.get(path)
        assert response.status == 200, (path, response.status)
        headers = {name.lower(): value for name, value in response.headers.items()}
        return headers, response.data.decode("utf-8", "replace")

    return fetch


def insert_seated_players(machine: RunningSite, viewers: list[Viewer], size: EventSize) -> None:
    """Insert the players of the seated viewers in one go, instead of one report each."""
    now = datetime.now(UTC)
    until = now + timedelta(seconds=(1.5 * MAX_INTERVAL + 30) / size.factor)
    rows = [
        {"sid": viewer.sid, "room": viewer.room, "endpoint": viewer.endpoint.name, "format": "hls",
         "quality": "720p", "begun": now - timedelta(minutes=30),
         "moved": now - timedelta(minutes=30), "last_seen": now, "until": until,
         "startup_ms": 800, "played_ms": int(1000 * viewer.played), "rebuffer_ms": 0,
         "rebuffers": 0, "dropped": 0, "errors": 0}
        for viewer in viewers
        if viewer.endpoint is not None
    ]  # fmt: skip
    with machine.engine.connect() as connection:
        for begin in range(0, len(rows), BATCH_ROWS):
            connection.execute(sa.insert(Player), rows[begin : begin + BATCH_ROWS])
        # Autovacuum would do this within a minute.
        connection.exec_driver_sql("ANALYZE")


def drain(client: Client) -> None:
    """Wait until no request is in flight."""
    while client.busy:
        client.poll(1.0)
        client.expire_requests()


def run_event(show: RunningEvent, client: Client, size: EventSize) -> array:
    """Run the event; return how late the client was in each step."""
    agenda, seconds = show.agenda, show.event.seconds
    late = array("f")
    begin = time.perf_counter()
    expired_at = begin
    now = 0.0
    # Late actions are never skipped, so a slow site gets the full load.
    while now < seconds or agenda.next <= seconds:
        now = min((time.perf_counter() - begin) * size.factor, seconds)
        late.append(agenda.run(now, MAX_STEPS) / size.factor)
        elapsed = (time.perf_counter() - begin) * size.factor
        client.poll(min(max(0.0, (agenda.next - elapsed) / size.factor), MAX_POLL_SECONDS))
        if time.perf_counter() > expired_at + 1:
            client.expire_requests()
            expired_at = time.perf_counter()
    agenda.now = seconds
    return late


def quantiles(values: array) -> dict[str, float]:
    """Return the quantiles in milliseconds."""
    ordered = sorted(values)
    return {
        f"p{100 * share:.0f}": round(1000 * ordered[int(share * (len(ordered) - 1))], 2)
        for share in QUANTILES
    }


def count_players(site: Site, room: str, endpoint: str) -> int:
    """Return the number of an endpoint's players that the tracker counts."""
    response = site.get(f"/tracker/api/v1/rooms/{room}/playback")
    matches = [row for row in response.json()["endpoints"] if row["endpoint"] == endpoint]
    return matches[0]["viewers"]["players"] if matches else 0


def simulate(size: EventSize) -> dict:
    """Simulate one size, and return the results."""
    with run_site(
        write_rooms,
        marks=("cdn",),
        change=[("198.51.100.0/24", "127.0.0.1/32")],
        settings=time_settings(size.factor),
    ) as machine:
        return _measure(machine, size)


def _measure(machine: RunningSite, size: EventSize) -> dict:
    site = machine.site
    event = Event(viewers=size.viewers, seconds=60 * size.minutes)
    client = Client(site.ports.site, NAME)
    token = issue_token(site)
    # Register the endpoints first, so that pages contain a player.
    first = RunningEvent(event, Agenda(), client.send, files={}, second=1.0, token=token)
    for endpoint in event.endpoints:
        first.register(endpoint, lambda *_: None)
    drain(client)
    fetch = make_fetch(site)
    deadline = time.monotonic() + 30
    while "data-playback" not in fetch(f"/{ROOMS[0]}")[1]:
        assert time.monotonic() < deadline, "no page shows that its room is live"
        time.sleep(0.2)
    needed = {"index": page_files("/", fetch), "room": page_files(f"/{ROOMS[0]}", fetch)}
    for path in {path for paths, _ in needed.values() for path in paths}:
        fetch(path)
    show = RunningEvent(event, Agenda(), client.send, files=needed, second=size.factor, token=token)
    begin = datetime.now(UTC) + timedelta(seconds=START_DELAY)
    write_schedule(site, begin, event.talks, size.factor)
    seated = show.begin()
    insert_seated_players(machine, seated, size)
    for endpoint in event.endpoints:
        show.register(endpoint, lambda *_: None)
    drain(client)
    client.reset()
    # Garbage collection in the client would appear as latency of the site.
    gc.collect()
    gc.freeze()
    gc.disable()
    time.sleep(max(0.0, (begin - datetime.now(UTC)).total_seconds()))
    before, writes_before = machine.cpu_seconds(), machine.database_writes()
    client_cpu, started = time.process_time(), time.perf_counter()
    late = run_event(show, client, size)
    drain(client)
    wall, client_cpu = time.perf_counter() - started, time.process_time() - client_cpu
    after, writes_after = machine.cpu_seconds(), machine.database_writes()
    gc.enable()
    gc.unfreeze()
    show.end()
    dead = event.dying
    thousand_minutes = show.watched / 60 / 1000
    cpu = {kind: round((after[kind] - before[kind]) / thousand_minutes, 3) for kind in after}
    results = {
        "viewers": size.viewers,
        "minutes": size.minutes,
        "factor": size.factor,
        "wall_seconds": round(wall, 1),
        "viewer_minutes": round(1000 * thousand_minutes),
        "came": show.came,
        "requests": {kind: len(times) for kind, times in sorted(client.seconds.items())},
        "statuses": {str(status): count for status, count in sorted(client.statuses.items())},
        "errors": dict(client.errors),
        "latency_ms": {kind: quantiles(times) for kind, times in sorted(client.seconds.items())},
        "cpu_seconds_per_1000_viewer_minutes": {**cpu, "sum": round(sum(cpu.values()), 3)},
        "written_per_1000_viewer_minutes": {
            what: round((writes_after[what] - writes_before[what]) / thousand_minutes, 1)
            for what in ("commits", "rows")
        },
        "busy_cores": {
            kind: round((after[kind] - before[kind]) / wall, 2) for kind in after
        } | {"client": round(client_cpu / wall, 2)},
        "client": {
            "cpu_seconds": round(client_cpu, 1),
            "late_ms": quantiles(late),
            "connections": client.connections,
            "megabytes": round(client.bytes / 1e6),
        },
        "dead_endpoint": {
            "name": dead.name,
            "moved_away": show.moved,
            "out_of_lists_after_s": (
                None if show.gone_at is None else round(show.gone_at - event.dies_at, 1)
            ),
            "sent_there_later": show.assigned_to_dead,
            "still_there": len(dead.viewers),
            "players_by_tracker": count_players(site, dead.room, dead.name),
        },
    }  # fmt: skip
    client.close()
    return results
