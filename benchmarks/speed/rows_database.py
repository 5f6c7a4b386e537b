"""Graphs beside the SQL alone, and look-ups beside a database without history."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import growth

from .clients import client_of, statements_of
from .plan import Plan
from .rows import KINDS, Found

GRAPHS = {
    "graph-2h": "/overall-stats.json?range=120",
    "graph-7d": "/overall-stats.json?range=10080",
}
LOOK_UPS = ("look-ups", "look-ups-worst")
NAMES = tuple(f"{what}-{kind}" for kind in KINDS for what in (*GRAPHS, *LOOK_UPS))
App = Callable[..., object]


def measure(names: list[str], plan: Plan) -> Iterator[tuple[str, Found]]:
    """Measure rows of trackers in this process, on a database after the other."""
    for kind in KINDS:
        these = [name.removesuffix(f"-{kind}") for name in names if name.endswith(f"-{kind}")]
        if these:
            for name, found in measure_on(kind, these, plan):
                yield f"{name}-{kind}", found


def measure_on(kind: str, names: list[str], plan: Plan) -> Iterator[tuple[str, Found]]:
    """Fill databases of a kind, and measure the rows of it."""
    wanted = {"seven days": growth.WEEK}
    if set(names) & set(LOOK_UPS):
        wanted["the present"] = growth.PRESENT
    now = datetime.now(UTC).replace(microsecond=0)
    with (
        growth.databases(kind) as urls,
        tempfile.TemporaryDirectory() as folder,
        ExitStack() as end,
    ):
        for name, history in wanted.items():
            growth.fill(urls[name], history, now=now)
        growth.keep_alive(urls[name] for name in wanted)
        apps = {name: growth.application(urls[name], Path(folder)) for name in wanted}
        for app in apps.values():
            end.callback(app.registry["db.sessions"].kw["bind"].dispose)
        for name in names:
            if name in GRAPHS:
                yield name, graph(apps["seven days"], urls["seven days"], GRAPHS[name], plan)
        if len(apps) > 1:
            found = look_ups(apps, plan)
            yield from ((name, found[name]) for name in names if name in LOOK_UPS)


def graph(app: App, url: str, path: str, plan: Plan) -> Found:
    """Compare a graph with the very statements that it asks, in the database's own client."""
    statements = statements_of(app, lambda: growth.seconds(app, path))
    found = Found()
    with client_of(url) as client:
        found.note = f"{len(statements)} statements, in {client.name}"
        for turn in range(2 * plan.rounds + 1):
            # No answer that is kept counts: each question is a new one.
            asked = {
                "ours": lambda turn=turn: growth.seconds(app, f"{path}&turn={turn}"),
                "other": lambda: client.run(statements),
            }
            for side, ask in sorted(asked.items(), reverse=bool(turn % 2)):
                begun = time.perf_counter()
                ask()
                # The first one reads the database into memory.
                if turn:
                    getattr(found, side).append(1 / (time.perf_counter() - begun))
    return found


def look_ups(apps: dict[str, App], plan: Plan) -> dict[str, Found]:
    """Compare all look-ups; return the one in the middle, and the worst."""
    compared: list[Found] = []
    for path in growth.LOOK_UPS:
        taken, _ = growth.timed(apps, path, 4 * plan.rounds + 1)
        if taken:
            compared.append(
                Found(
                    ours=[1000 * seconds for seconds in taken["seven days"]],
                    other=[1000 * seconds for seconds in taken["the present"]],
                    note=path,
                )
            )
    compared.sort(key=lambda one: statistics.median(one.ours) / statistics.median(one.other))
    return {"look-ups": compared[len(compared) // 2], "look-ups-worst": compared[-1]}
