"""Graphs compared with their SQL, and queries compared with a database without history."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import growth

from .clients import open_client, record_statements
from .plan import MeasurementPlan
from .rows import DATABASES, RowResult

GRAPHS = {
    "graph-2h": "/overall-stats.json?range=120",
    "graph-7d": "/overall-stats.json?range=10080",
}
QUERY_ROWS = ("look-ups", "look-ups-worst")
NAMES = tuple(f"{what}-{kind}" for kind in DATABASES for what in (*GRAPHS, *QUERY_ROWS))
App = Callable[..., object]


def measure(names: list[str], plan: MeasurementPlan) -> Iterator[tuple[str, RowResult]]:
    """Measure the tracker in this process, one database after the other."""
    for kind in DATABASES:
        selected = [name.removesuffix(f"-{kind}") for name in names if name.endswith(f"-{kind}")]
        if selected:
            for name, result in measure_on(kind, selected, plan):
                yield f"{name}-{kind}", result


def measure_on(
    kind: str, names: list[str], plan: MeasurementPlan
) -> Iterator[tuple[str, RowResult]]:
    """Fill databases of one kind, and measure its rows."""
    histories = {"seven days": growth.LONG_HISTORY}
    if set(names) & set(QUERY_ROWS):
        histories["the present"] = growth.SHORT_HISTORY
    now = datetime.now(UTC).replace(microsecond=0)
    with (
        growth.create_databases(kind) as urls,
        tempfile.TemporaryDirectory() as folder,
        ExitStack() as stack,
    ):
        for name, history in histories.items():
            growth.fill(urls[name], history, now=now)
        growth.refresh_endpoints(urls[name] for name in histories)
        apps = {name: growth.make_app(urls[name], Path(folder)) for name in histories}
        for app in apps.values():
            stack.callback(app.registry["db.sessions"].kw["bind"].dispose)
        for name in names:
            if name in GRAPHS:
                yield (
                    name,
                    measure_graph(apps["seven days"], urls["seven days"], GRAPHS[name], plan),
                )
        if len(apps) > 1:
            results = measure_queries(apps, plan)
            yield from ((name, results[name]) for name in names if name in QUERY_ROWS)


def measure_graph(app: App, url: str, path: str, plan: MeasurementPlan) -> RowResult:
    """Compare a graph with its statements in the database's own client."""
    statements = record_statements(app, lambda: growth.time_request(app, path))
    result = RowResult()
    with open_client(url) as client:
        result.note = f"{len(statements)} statements, in {client.name}"
        for turn in range(2 * plan.rounds + 1):
            # The query string bypasses the response cache.
            jobs = {
                "ours": lambda turn=turn: growth.time_request(app, f"{path}&turn={turn}"),
                "other": lambda: client.run(statements),
            }
            for side, job in sorted(jobs.items(), reverse=bool(turn % 2)):
                started = time.perf_counter()
                job()
                # The first turn reads the database into memory.
                if turn:
                    getattr(result, side).append(1 / (time.perf_counter() - started))
    return result


def measure_queries(apps: dict[str, App], plan: MeasurementPlan) -> dict[str, RowResult]:
    """Compare all queries; return the one with the median ratio, and the worst."""
    compared: list[RowResult] = []
    for path in growth.PATHS:
        times, _ = growth.time_requests(apps, path, 4 * plan.rounds + 1)
        if times:
            compared.append(
                RowResult(
                    ours=[1000 * seconds for seconds in times["seven days"]],
                    other=[1000 * seconds for seconds in times["the present"]],
                    note=path,
                )
            )
    compared.sort(key=lambda row: statistics.median(row.ours) / statistics.median(row.other))
    return {"look-ups": compared[len(compared) // 2], "look-ups-worst": compared[-1]}
