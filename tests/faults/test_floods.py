"""Floods of expensive questions, with nginx's rate limits and the large schedule of an event."""

import asyncio
import itertools
import json
import multiprocessing
import statistics
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from depth import scaled
from functional.proxy.site import NAME, Site
from programs import require

from streaming_system.schedule.model import RoomSchedule, Schedule, Slot
from streaming_system.schedule.storage import save_schedule

CONNECTIONS = 40
SECONDS = scaled(3, 4)
ATTACKER, READER = "127.0.1.1", "127.0.1.2"
ROOMS = [f"room{number}" for number in range(8)]
TALKS_PER_ROOM = 75
TALK_LENGTH = timedelta(minutes=45)
# nginx's own line for a limited address.
REFUSED = 429
EXPORTS = (
    "schedule.xml",
    "schedule.json",
    "schedule.ics",
    "schedule/file.json",
    "room1/schedule.ics",
)
FEEDS = ("json", "rss", "atom", "stream.m3u")
FLOODS = {
    "the same search": lambda n: f"/schedule?day=all&q=e&x={n}",
    "searches": lambda n: f"/schedule?day=all&q=about+{n % 10}",
    "?delta=": lambda n: f"/schedule?day=all&delta={n}",
    "?delta= of rooms": lambda n: f"/{ROOMS[n % 8]}?delta={n}",
    "?day=": lambda n: f"/schedule?day=all&room={ROOMS[n % 8]}&lang={('de', 'fr')[n % 2]}&x={n}",
    "days without talks": lambda n: f"/schedule?day={date(2000, 1, 1) + timedelta(n)}",
    "feeds": lambda n: f"/{ROOMS[n % 8]}/{FEEDS[n % 4]}?delta={n}",
    "exports": lambda n: f"/{EXPORTS[n % 5]}?x={n}",
    "graphs": lambda n: f"/tracker/overall-stats.json?range={n % 500_000 + 1}",
    "pages of graphs": lambda n: f"/graphs?range=60&delta={n}",
    "talks": lambda n: f"/talk/{ROOMS[n % 8]}-{n % TALKS_PER_ROOM}?lang=de&x={n}",
    "calendars of talks": lambda n: f"/talk/{ROOMS[n % 8]}-{n % TALKS_PER_ROOM}.ics",
    "unknown pages": lambda n: f"/nothing{n}",
}


def large_schedule():
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    return Schedule(
        rooms={
            room: RoomSchedule(
                timezone=ZoneInfo("Europe/Berlin"),
                slots=tuple(
                    Slot(
                        start=start + TALK_LENGTH * number,
                        end=start + TALK_LENGTH * (number + 1),
                        title=f"Talk {number} about a subject that takes a line",
                        abstract="<p>" + "words " * 80 + "</p>",
                        guid=f"{room}-{number}",
                        speakers=("Ada Lovelace", "Grace Hopper"),
                    )
                    for number in range(TALKS_PER_ROOM)
                ),
            )
            for room in ROOMS
        },
        imported_at=datetime.now(UTC),
    )


@pytest.fixture(scope="module")
def busy_site(tmp_path_factory, migrate):
    """A site with a large schedule, two workers of each app, and all limits."""
    require("nginx")
    site = Site(tmp_path_factory.mktemp("flooded"), connections=1024)
    migrate(site.database)
    private = json.loads((site.folder / "config.private.json").read_text())
    private = {"config": private["config"], "default": private["default"]} | {
        room: {"title": room} for room in ROOMS
    }
    (site.folder / "config.private.json").write_text(json.dumps(private))
    save_schedule(large_schedule(), site.folder / "var/schedule.json")
    yield site.start(frontends=2, trackers=2)
    site.stop()


class Reader:
    """Requests room pages past nginx's cache, and other pages, as one viewer does."""

    def __init__(self, site):
        self._site = site
        self.statuses = Counter()
        self.seconds = []

    def request_pages(self, is_over):
        """Request pages until ``is_over`` returns true."""
        for number in itertools.count():
            if is_over():
                return
            room = ROOMS[number % 8]
            for path in (f"/{room}?told={time.monotonic_ns()}", f"/{room}/json", "/", "/schedule"):
                start = time.monotonic()
                status = self._site.get(path, source=READER).status
                if path.startswith(f"/{room}?"):
                    self.seconds.append(time.monotonic() - start)
                self.statuses[status] += 1

    @property
    def p95(self):
        return statistics.quantiles(self.seconds, n=20)[-1]


def flood(port, kind, seconds):
    """Flood the site in a process of its own; return the number of responses by status."""
    statuses, numbers, until = Counter(), itertools.count(), time.monotonic() + seconds

    async def run():
        await asyncio.gather(
            *(_flood(port, FLOODS[kind], numbers, until, statuses) for _ in range(CONNECTIONS))
        )

    asyncio.run(run())
    return statuses


async def _flood(port, path_of, numbers, until, statuses):
    """Send requests over one connection after another, as fast as responses arrive."""
    while time.monotonic() < until:
        try:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, local_addr=(ATTACKER, 0)
            )
            path = path_of(next(numbers))
            writer.write(
                f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode()
            )
            line = await reader.readline()
            while await reader.read(2**20):
                pass
            statuses[int(line.split(b" ", 2)[1])] += 1
            writer.close()
        except OSError:
            statuses["closed"] += 1


async def hang_up(port, path, delay):
    """Send a request, and close the connection without reading the response."""
    _, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(ATTACKER, 0))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
    await writer.drain()
    await asyncio.sleep(delay)
    writer.close()


@pytest.mark.parametrize("kind", FLOODS)
def test_flood_of_one_address_leaves_pages_to_others(busy_site, record_result, kind):
    reader = Reader(busy_site)

    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as attacker:
        flooded = attacker.submit(flood, busy_site.ports.site, kind, SECONDS)
        reader.request_pages(flooded.done)
        attacker_statuses = flooded.result()

    assert set(reader.statuses) == {200}, reader.statuses
    assert len(reader.seconds) >= 2
    # The attacker gets responses or is limited; no worker is away.
    assert set(attacker_statuses) <= {200, 404, REFUSED}, attacker_statuses
    record_result(
        f"40 connections flood: {kind}",
        pages=reader.statuses.total(),
        pages_failed=0,
        slowest_page=round(max(reader.seconds), 2),
        room_p95=round(reader.p95, 2),
    )


def test_abandoned_searches_leave_pages_to_others(busy_site, record_result):
    reader = Reader(busy_site)

    async def run():
        await asyncio.gather(
            *(
                hang_up(busy_site.ports.site, f"/schedule?day=all&q=about+{n}", 0.5)
                for n in range(150)
            )
        )

    asyncio.run(run())
    until = time.monotonic() + SECONDS
    reader.request_pages(lambda: time.monotonic() > until)

    assert set(reader.statuses) == {200}, reader.statuses
    record_result(
        "150 searches, abandoned after half a second",
        pages=reader.statuses.total(),
        pages_failed=0,
        slowest_page=round(max(reader.seconds), 2),
        room_p95=round(reader.p95, 2),
    )
