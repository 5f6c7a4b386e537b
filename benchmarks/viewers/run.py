"""Starts the whole site, lets an event happen, and measures."""

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
from machine import Machine, running

# isort: split
from functional.proxy.site import NAME, Site

from streaming_system.schedule import model
from streaming_system.schedule.storage import save_schedule
from streaming_system.tracker.models import Player

from .client import Client
from .event import ROOMS, TALK_EVERY, Agenda, Event
from .page import files
from .viewer import LONGEST, REPORTS_A_SECOND, SHORTEST, Show, Viewer

# After so many seconds the workers have read the schedule that says when talks are.
SOON = 5.0
# How long the client stays with what is due before it looks for answers.
AT_ONCE = 32
LONGEST_LOOK = 0.05
ROWS = 5000
QUANTILES = (0.5, 0.95, 0.99)


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is played, and how fast."""

    viewers: int
    minutes: float
    factor: float


def prepare(site: Site) -> None:
    """Give the event its rooms."""
    path = site.folder / "config.private.json"
    private = json.loads(path.read_text())
    private |= {room: {"title": room.title()} for room in ROOMS}
    path.write_text(json.dumps(private))
    for room in ROOMS:
        (site.folder / f"var/previews/{room}.jpg").write_bytes(b"a picture" * 1000)
    write_schedule(site, datetime.now(UTC), [0.0], 1.0)


def write_schedule(site: Site, begin: datetime, talks: list[float], factor: float) -> None:
    """Write when talks are by the wall clock, with a day's more before and after."""
    every = TALK_EVERY / factor
    first = begin + timedelta(seconds=talks[0] / factor)
    rooms = {
        room: model.RoomSchedule(
            timezone=ZoneInfo("Europe/Berlin"),
            events=tuple(
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
        model.Schedule(rooms=rooms, imported=datetime.now(UTC)), site.folder / "var/schedule.json"
    )


def settings(factor: float) -> list[tuple[str, str, object]]:
    """Return what makes the tracker's seconds those of the event."""
    return [
        ("app:tracker", "report.shortest", round(SHORTEST / factor)),
        ("app:tracker", "report.longest", round(LONGEST / factor)),
        ("app:tracker", "report.rate", REPORTS_A_SECOND * factor),
    ]


def token(site: Site) -> str:
    """Issue a token for all endpoints."""
    program = Path(sys.executable).with_name("streaming-system")
    command = [program, "-c", "production.ini", "admin", "token", "issue", "viewers", "--crew"]
    done = subprocess.run(command, cwd=site.folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def fetcher(site: Site) -> Callable[[str], tuple[dict[str, str], str]]:
    """Return what fetches a file of the site, and a second time from its caches."""

    def fetch(path: str) -> tuple[dict[str, str], str]:
        answer = site.get(path)
        assert answer.status == 200, (path, answer.status)
        said = {name.lower(): value for name, value in answer.headers.items()}
        return said, answer.data.decode("utf-8", "replace")

    return fetch


def seat(machine: Machine, viewers: list[Viewer], size: Size) -> None:
    """Let the tracker know those who are there already, in one go instead of by a report each."""
    now = datetime.now(UTC)
    until = now + timedelta(seconds=(1.5 * LONGEST + 30) / size.factor)
    rows = [
        {"sid": one.sid, "room": one.room, "endpoint": one.endpoint.name, "format": "hls",
         "quality": "720p", "begun": now - timedelta(minutes=30),
         "moved": now - timedelta(minutes=30), "last_seen": now, "until": until,
         "startup_ms": 800, "played_ms": int(1000 * one.played), "rebuffer_ms": 0,
         "rebuffers": 0, "dropped": 0, "errors": 0}
        for one in viewers
        if one.endpoint is not None
    ]  # fmt: skip
    with machine.engine.connect() as connection:
        for begin in range(0, len(rows), ROWS):
            connection.execute(sa.insert(Player), rows[begin : begin + ROWS])
        # What a database does by itself within a minute of such a change.
        connection.exec_driver_sql("ANALYZE")


def wait_for(client: Client) -> None:
    """Wait until all answers are there, or given up."""
    while client.busy:
        client.turn(1.0)
        client.gives_up()


def play(show: Show, client: Client, size: Size) -> array:
    """Let the event happen; return how late the client was, each time that it looked."""
    agenda, seconds = show.agenda, show.event.seconds
    late = array("f")
    begin = time.perf_counter()
    looked = begin
    now = 0.0
    # What is due is done, however late: a site that is slow is not spared any of it.
    while now < seconds or agenda.next <= seconds:
        now = min((time.perf_counter() - begin) * size.factor, seconds)
        late.append(agenda.run(now, AT_ONCE) / size.factor)
        passed = (time.perf_counter() - begin) * size.factor
        client.turn(min(max(0.0, (agenda.next - passed) / size.factor), LONGEST_LOOK))
        if time.perf_counter() > looked + 1:
            client.gives_up()
            looked = time.perf_counter()
    agenda.now = seconds
    return late


def quantiles(values: array) -> dict[str, float]:
    """Return milliseconds that are not exceeded by half, by 95 and by 99 of a hundred."""
    ordered = sorted(values)
    return {
        f"p{100 * share:.0f}": round(1000 * ordered[int(share * (len(ordered) - 1))], 2)
        for share in QUANTILES
    }


def players_of(site: Site, room: str, endpoint: str) -> int:
    """Return how many play from an endpoint by what the tracker says."""
    answer = site.get(f"/tracker/api/v1/rooms/{room}/playback")
    found = [one for one in answer.json()["endpoints"] if one["endpoint"] == endpoint]
    return found[0]["viewers"]["players"] if found else 0


def simulate(size: Size) -> dict:
    """Play one size, and return what was measured."""
    with running(
        prepare,
        marks=("cdn",),
        change=[("198.51.100.0/24", "127.0.0.1/32")],
        settings=settings(size.factor),
    ) as machine:
        return _measured(machine, size)


def _measured(machine: Machine, size: Size) -> dict:
    site = machine.site
    event = Event(viewers=size.viewers, seconds=60 * size.minutes)
    client = Client(site.ports.site, NAME)
    shown_token = token(site)
    # Endpoints come before pages, which then know what plays them.
    first = Show(event, Agenda(), client.ask, files={}, second=1.0, token=shown_token)
    for endpoint in event.endpoints:
        first.register(endpoint, lambda *_: None)
    wait_for(client)
    fetch = fetcher(site)
    live_by = time.monotonic() + 30
    while "data-playback" not in fetch(f"/{ROOMS[0]}")[1]:
        assert time.monotonic() < live_by, "no page says that its room is live"
        time.sleep(0.2)
    needed = {"index": files("/", fetch), "room": files(f"/{ROOMS[0]}", fetch)}
    for path in {path for every, _ in needed.values() for path in every}:
        fetch(path)
    show = Show(event, Agenda(), client.ask, files=needed, second=size.factor, token=shown_token)
    begin = datetime.now(UTC) + timedelta(seconds=SOON)
    write_schedule(site, begin, event.talks, size.factor)
    seated = show.begin()
    seat(machine, seated, size)
    for endpoint in event.endpoints:
        show.register(endpoint, lambda *_: None)
    wait_for(client)
    client.forget()
    # A client that tidies up would seem to be a site that is slow.
    gc.collect()
    gc.freeze()
    gc.disable()
    time.sleep(max(0.0, (begin - datetime.now(UTC)).total_seconds()))
    before, written = machine.used(), machine.written()
    own, started = time.process_time(), time.perf_counter()
    late = play(show, client, size)
    wait_for(client)
    wall, own = time.perf_counter() - started, time.process_time() - own
    after, now = machine.used(), machine.written()
    gc.enable()
    gc.unfreeze()
    show.end()
    dead = event.dying
    thousand = show.watched / 60 / 1000
    cpu = {kind: round((after[kind] - before[kind]) / thousand, 3) for kind in after}
    found = {
        "viewers": size.viewers,
        "minutes": size.minutes,
        "factor": size.factor,
        "wall_seconds": round(wall, 1),
        "viewer_minutes": round(1000 * thousand),
        "came": show.came,
        "requests": {kind: len(took) for kind, took in sorted(client.seconds.items())},
        "statuses": {str(status): count for status, count in sorted(client.statuses.items())},
        "errors": dict(client.errors),
        "latency_ms": {kind: quantiles(took) for kind, took in sorted(client.seconds.items())},
        "cpu_seconds_per_1000_viewer_minutes": {**cpu, "sum": round(sum(cpu.values()), 3)},
        "written_per_1000_viewer_minutes": {
            what: round((now[what] - written[what]) / thousand, 1) for what in ("commits", "rows")
        },
        "busy_cores": {
            kind: round((after[kind] - before[kind]) / wall, 2) for kind in after
        } | {"client": round(own / wall, 2)},
        "client": {
            "cpu_seconds": round(own, 1),
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
            "sent_there_later": show.sent_to_the_dead,
            "still_there": len(dead.viewers),
            "players_by_tracker": players_of(site, dead.room, dead.name),
        },
    }  # fmt: skip
    client.close()
    return found
