"""Calculates the hardware that an event needs from the results of ``costs.py``.

``make capacity`` prints the plans for 1,000, 100,000 and 1,000,000 viewers that
docs/explanation/capacity.md contains. That document explains the assumptions; the command line can
change each of them.
"""

import argparse
import json
import math
import re
import sys
from dataclasses import dataclass, fields
from pathlib import Path

COSTS = Path(__file__).with_name("costs.json")
DOCS = Path(__file__).parent.parent / "docs/explanation/capacity.md"
SIZES = (1_000, 100_000, 1_000_000)
APPS = ("nginx", "frontend", "tracker", "database")


@dataclass(frozen=True, kw_only=True)
class Assumptions:
    """Assumptions of the model, in seconds, Mbit/s and cores."""

    rooms: int = 10
    """Rooms that stream at the same time."""
    arriving: float = 0.5
    """The share of all viewers that arrives within :attr:`rush` when talks start."""
    rush: float = 300
    visible: float = 0.8
    """The share of pages that are visible: hidden ones do not poll for live rooms."""
    stream: float = 2.5
    """The bitrate of a stream, in Mbit/s."""
    use: float = 0.5
    """The planned utilisation of cores and networks; the rest is headroom."""
    cores: int = 8
    """Cores of a host."""
    network: float = 10_000
    """The bandwidth of a host, in Mbit/s."""
    endpoints: int = 0
    """The number of endpoints; 0: as many as the streams need. Each reports every 10 seconds."""


@dataclass(frozen=True, kw_only=True)
class CapacityPlan:
    """The load of an event at its peak, and the hosts that it needs."""

    viewers: int
    requests: dict[str, float]
    """Requests a second, by kind."""
    cores: dict[str, float]
    """Busy cores, by program."""
    web: float
    """Mbit/s from nginx."""
    streams: float
    """Mbit/s from the endpoints."""
    rows: float
    """Rows that the database writes a second."""
    log: float
    """MB of write-ahead log a second."""
    memory: float
    """GiB of memory of all workers and connections."""
    workers: dict[str, int]
    """Processes of each app; a process uses at most one core."""
    hosts: dict[str, int]


def report_interval(
    viewers: int, rate: float = 20, min_seconds: float = 5, max_seconds: float = 60
) -> float:
    """Return the report interval of players, in seconds (docs/reference/playback.md)."""
    return min(max(viewers / rate, min_seconds), max_seconds)


def fetch_spread(viewers: int) -> float:
    """Return the seconds for fetching all pages when talks end (docs/reference/pages.md)."""
    return min(max(viewers / 5000, 4), 60)


def make_plan(viewers: int, costs: dict, assumed: Assumptions) -> CapacityPlan:
    """Calculate the plan for a number of viewers."""
    measured = costs["requests"]
    streams = viewers * assumed.stream
    endpoints = math.ceil(streams / (assumed.network * assumed.use))
    arrivals = viewers * assumed.arriving / assumed.rush
    requests = {
        "page": arrivals + viewers / fetch_spread(viewers),
        "files of a first visit": arrivals,
        "which rooms are live": viewers * assumed.visible / 5,
        "servers of a room": arrivals,
        "first report": arrivals,
        "report": viewers / report_interval(viewers),
        # Each page is rendered at most once a second, in four languages.
        "page, rendered": min(arrivals + viewers / fetch_spread(viewers), 4 * (assumed.rooms + 2)),
        "registration": (assumed.endpoints or endpoints) / 10,
    }
    cores = {
        app: sum(rate * measured[kind]["ms"][app] for kind, rate in requests.items()) / 1000
        for app in APPS
    }
    web = sum(rate * measured[kind]["bytes"] for kind, rate in requests.items()) * 8 / 1e6
    writes = {
        what: sum(rate * measured[kind]["written"][what] for kind, rate in requests.items())
        for what in ("rows", "log")
    }
    workers = {app: max(2, math.ceil(cores[app] / assumed.use)) for app in ("frontend", "tracker")}
    memory = costs["memory"]
    return CapacityPlan(
        viewers=viewers,
        requests=requests,
        cores=cores,
        web=web,
        streams=streams,
        rows=writes["rows"],
        log=writes["log"] / 1e6,
        memory=(sum(count * memory[app] for app, count in workers.items())
                + viewers * memory["connection"] / 1024) / 1024,
        workers=workers,
        hosts=hosts(cores, web, endpoints, assumed),
    )  # fmt: skip


def hosts(
    cores: dict[str, float], web: float, endpoints: int, assumed: Assumptions
) -> dict[str, int]:
    """Return the number of hosts of each kind; small events need one besides the streams."""
    usable = assumed.cores * assumed.use
    apps = cores["frontend"] + cores["tracker"]
    all_in_one = sum(cores.values()) <= usable and web <= assumed.network * assumed.use
    if all_in_one:
        return {"everything but streams": 1, "streams": endpoints}
    return {
        "nginx": max(2, math.ceil(max(cores["nginx"] / usable,
                                      web / (assumed.network * assumed.use)))),
        "apps": max(2, math.ceil(apps / usable)),
        # There is one primary, regardless of replicas: docs/how-to/distributed-postgresql.md.
        f"database of {max(assumed.cores, math.ceil(cores['database'] / assumed.use))} cores": 1,
        "streams": endpoints,
    }  # fmt: skip


def format_number(value: float) -> str:
    """Return two or three significant digits, or an integer."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def plan_table(plans: list[CapacityPlan]) -> str:
    """Return a Markdown table with a column for each plan."""
    rows: list[tuple[str, list[str]]] = []
    rows += [(f"{kind}, a second", [format_number(p.requests[kind]) for p in plans])
             for kind in plans[0].requests]  # fmt: skip
    rows += [(f"{app}: busy cores", [format_number(p.cores[app]) for p in plans]) for app in APPS]
    rows += [(f"{app}: workers", [format_number(p.workers[app]) for p in plans])
             for app in plans[0].workers]  # fmt: skip
    rows += [
        ("memory of workers and connections, GiB", [format_number(p.memory) for p in plans]),
        ("pages and files, Mbit/s", [format_number(p.web) for p in plans]),
        ("streams, Gbit/s", [format_number(p.streams / 1000) for p in plans]),
        ("rows written, a second", [format_number(p.rows) for p in plans]),
        ("write-ahead log, MB a second", [format_number(p.log) for p in plans]),
        ("hosts", [", ".join(f"{count} {kind}" for kind, count in p.hosts.items())
                   for p in plans]),
    ]  # fmt: skip
    head = ["viewers", *(f"{p.viewers:,}" for p in plans)]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    return "\n".join([*lines, *("| " + " | ".join([name, *cells]) + " |" for name, cells in rows)])


def cost_table(costs: dict) -> str:
    """Return the measured costs as a Markdown table."""
    lines = ["| request | " + " | ".join(APPS) + " | bytes | rows written |",
             "|---" * (len(APPS) + 3) + "|"]  # fmt: skip
    lines += [
        f"| {kind} | " + " | ".join(f"{cost['ms'][app]:.3f}" for app in APPS)
        + f" | {cost['bytes']:,} | {cost['written']['rows']:.1f} |"
        for kind, cost in costs["requests"].items()
    ]  # fmt: skip
    machine = costs["machine"]
    cores = f"{machine['cores']} cores of {machine['processor']}"
    note = f"Measured on {costs['date']}, {cores}, Python {machine['python']}; medians."
    return "\n".join([*lines, "", note])


def update_document(text: str, costs: dict) -> str:
    """Return the document with the current results between its markers."""
    plans = [make_plan(viewers, costs, Assumptions()) for viewers in SIZES]
    parts = {"costs": f"\n{cost_table(costs)}\n", "plan": f"\n{plan_table(plans)}\n"}
    parts |= {name: format_number(value) for name, value in costs["memory"].items()}
    for name, part in parts.items():
        text = re.sub(rf"(<!-- {name} -->).*?(<!-- /{name} -->)", rf"\g<1>{part}\g<2>",
                      text, flags=re.DOTALL)  # fmt: skip
    return text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--costs", type=Path, default=COSTS, help="results of costs.py")
    parser.add_argument("--viewers", type=int, nargs="+", default=SIZES)
    for field in fields(Assumptions):
        kind = type(field.default)
        parser.add_argument(f"--{field.name}", type=kind, default=field.default, metavar="NUMBER",
                            help=f"{field.default} by default")  # fmt: skip
    parser.add_argument("--docs", action="store_true", help="update docs/explanation/capacity.md")
    options = parser.parse_args()
    assumed = Assumptions(
        **{field.name: getattr(options, field.name) for field in fields(Assumptions)}
    )
    costs = json.loads(options.costs.read_text(encoding="utf-8"))
    if options.docs:
        DOCS.write_text(update_document(DOCS.read_text(encoding="utf-8"), costs), encoding="utf-8")
    print(plan_table([make_plan(viewers, costs, assumed) for viewers in options.viewers]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
