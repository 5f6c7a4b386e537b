"""How much machine an event needs: a model, fed with what ``costs.py`` has measured.

``make capacity`` prints the plan for 1,000, 100,000 and 1,000,000 viewers as it stands in
docs/capacity.md, where every assumption is explained; each can be changed on the command line.
"""

import argparse
import json
import math
import re
import sys
from dataclasses import dataclass, fields
from pathlib import Path

COSTS = Path(__file__).with_name("costs.json")
DOCS = Path(__file__).parent.parent / "docs/capacity.md"
SIZES = (1_000, 100_000, 1_000_000)
APPS = ("nginx", "frontend", "tracker", "database")


@dataclass(frozen=True, kw_only=True)
class Assumptions:
    """What no measurement tells; seconds, Mbit/s and cores."""

    rooms: int = 10
    """Rooms that stream at the same time."""
    arriving: float = 0.5
    """The share of all viewers that comes within :attr:`rush` when talks begin."""
    rush: float = 300
    visible: float = 0.8
    """The share of pages that somebody sees: others do not ask which rooms are live."""
    stream: float = 2.5
    """Mbit/s of a viewer's stream."""
    use: float = 0.5
    """How much of a core or of a network card is planned to be used: the rest is for surprises."""
    cores: int = 8
    """Of a host."""
    network: float = 10_000
    """Mbit/s of a host."""
    endpoints: int = 0
    """Streaming servers; 0: as many as the streams need. Each reports every 10 seconds."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What an event of a size needs, at its busiest moment."""

    viewers: int
    requests: dict[str, float]
    """A second, by kind of request."""
    cores: dict[str, float]
    """That are busy, by program."""
    web: float
    """Mbit/s out of nginx."""
    streams: float
    """Mbit/s out of the streaming servers."""
    rows: float
    """That the database writes in a second."""
    log: float
    """MB of write-ahead log in a second."""
    memory: float
    """GiB of all workers and connections."""
    workers: dict[str, int]
    """Processes of each app: each uses one core at most."""
    hosts: dict[str, int]


def report_every(viewers: int, rate: float = 20, shortest: float = 5, longest: float = 60) -> float:
    """Return how many seconds a player waits between reports: docs/playback.md."""
    return min(max(viewers / rate, shortest), longest)


def turn(viewers: int) -> float:
    """Return within how many seconds all pages are fetched when talks end: docs/pages.md."""
    return min(max(viewers / 5000, 4), 60)


def plan(viewers: int, costs: dict, assumed: Assumptions) -> Plan:
    """Work out what so many viewers need."""
    measured = costs["requests"]
    streams = viewers * assumed.stream
    edges = math.ceil(streams / (assumed.network * assumed.use))
    arrivals = viewers * assumed.arriving / assumed.rush
    requests = {
        "page": arrivals + viewers / turn(viewers),
        "files of a first visit": arrivals,
        "which rooms are live": viewers * assumed.visible / 5,
        "servers of a room": arrivals,
        "first report": arrivals,
        "report": viewers / report_every(viewers),
        # Each kind of page is rendered once a second at most, in four languages.
        "page, rendered": min(arrivals + viewers / turn(viewers), 4 * (assumed.rooms + 2)),
        "registration": (assumed.endpoints or edges) / 10,
    }
    cores = {
        app: sum(rate * measured[kind]["ms"][app] for kind, rate in requests.items()) / 1000
        for app in APPS
    }
    web = sum(rate * measured[kind]["bytes"] for kind, rate in requests.items()) * 8 / 1e6
    written = {
        what: sum(rate * measured[kind]["written"][what] for kind, rate in requests.items())
        for what in ("rows", "log")
    }
    workers = {app: max(2, math.ceil(cores[app] / assumed.use)) for app in ("frontend", "tracker")}
    memory = costs["memory"]
    return Plan(
        viewers=viewers,
        requests=requests,
        cores=cores,
        web=web,
        streams=streams,
        rows=written["rows"],
        log=written["log"] / 1e6,
        memory=(sum(count * memory[app] for app, count in workers.items())
                + viewers * memory["connection"] / 1024) / 1024,
        workers=workers,
        hosts=hosts(cores, web, edges, assumed),
    )  # fmt: skip


def hosts(cores: dict[str, float], web: float, edges: int, assumed: Assumptions) -> dict[str, int]:
    """Return how many hosts of each kind: small events put all but the streams on one."""
    usable = assumed.cores * assumed.use
    apps = cores["frontend"] + cores["tracker"]
    all_in_one = sum(cores.values()) <= usable and web <= assumed.network * assumed.use
    if all_in_one:
        return {"everything but streams": 1, "streams": edges}
    return {
        "nginx": max(2, math.ceil(max(cores["nginx"] / usable,
                                      web / (assumed.network * assumed.use)))),
        "apps": max(2, math.ceil(apps / usable)),
        # Only one writes, however many read: docs/scaling.md.
        f"database of {max(assumed.cores, math.ceil(cores['database'] / assumed.use))} cores": 1,
        "streams": edges,
    }  # fmt: skip


def number(value: float) -> str:
    """Return three digits that count, or the whole number."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def table(plans: list[Plan]) -> str:
    """Return the plans side by side, as Markdown."""
    rows: list[tuple[str, list[str]]] = []
    rows += [(f"{kind}, a second", [number(p.requests[kind]) for p in plans])
             for kind in plans[0].requests]  # fmt: skip
    rows += [(f"{app}: busy cores", [number(p.cores[app]) for p in plans]) for app in APPS]
    rows += [(f"{app}: workers", [number(p.workers[app]) for p in plans])
             for app in plans[0].workers]  # fmt: skip
    rows += [
        ("memory of workers and connections, GiB", [number(p.memory) for p in plans]),
        ("pages and files, Mbit/s", [number(p.web) for p in plans]),
        ("streams, Gbit/s", [number(p.streams / 1000) for p in plans]),
        ("rows written, a second", [number(p.rows) for p in plans]),
        ("write-ahead log, MB a second", [number(p.log) for p in plans]),
        ("hosts", [", ".join(f"{count} {kind}" for kind, count in p.hosts.items())
                   for p in plans]),
    ]  # fmt: skip
    head = ["viewers", *(f"{p.viewers:,}" for p in plans)]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    return "\n".join([*lines, *("| " + " | ".join([name, *cells]) + " |" for name, cells in rows)])


def measured_table(costs: dict) -> str:
    """Return what was measured, as Markdown."""
    lines = ["| request | " + " | ".join(APPS) + " | bytes | rows written |",
             "|---" * (len(APPS) + 3) + "|"]  # fmt: skip
    lines += [
        f"| {kind} | " + " | ".join(f"{cost['ms'][app]:.3f}" for app in APPS)
        + f" | {cost['bytes']:,} | {cost['written']['rows']:.1f} |"
        for kind, cost in costs["requests"].items()
    ]  # fmt: skip
    machine = costs["machine"]
    cores = f"{machine['cores']} cores of {machine['processor']}"
    said = f"Measured on {costs['date']}, {cores}, Python {machine['python']}; medians."
    return "\n".join([*lines, "", said])


def written_into(text: str, costs: dict) -> str:
    """Return a page of the docs with today's figures between its marks."""
    plans = [plan(viewers, costs, Assumptions()) for viewers in SIZES]
    parts = {"costs": f"\n{measured_table(costs)}\n", "plan": f"\n{table(plans)}\n"}
    parts |= {name: number(value) for name, value in costs["memory"].items()}
    for name, part in parts.items():
        text = re.sub(rf"(<!-- {name} -->).*?(<!-- /{name} -->)", rf"\g<1>{part}\g<2>",
                      text, flags=re.DOTALL)  # fmt: skip
    return text


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--costs", type=Path, default=COSTS, help="what costs.py has written")
    parser.add_argument("--viewers", type=int, nargs="+", default=SIZES)
    for one in fields(Assumptions):
        kind = type(one.default)
        parser.add_argument(f"--{one.name}", type=kind, default=one.default, metavar="NUMBER",
                            help=f"{one.default} if not given")  # fmt: skip
    parser.add_argument("--docs", action="store_true", help="renew docs/capacity.md")
    asked = parser.parse_args()
    assumed = Assumptions(**{one.name: getattr(asked, one.name) for one in fields(Assumptions)})
    costs = json.loads(asked.costs.read_text(encoding="utf-8"))
    if asked.docs:
        DOCS.write_text(written_into(DOCS.read_text(encoding="utf-8"), costs), encoding="utf-8")
    print(table([plan(viewers, costs, assumed) for viewers in asked.viewers]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
