"""The table of results, and their problems."""

from collections.abc import Sequence
from itertools import pairwise

BEGIN, END = (
    "<!-- made by make bench-viewers: begin -->",
    "<!-- made by make bench-viewers: end -->",
)
TOLERANCE = 1.05
# With a later client, the load is lower than that of real viewers.
MAX_LATENESS_MS = 250.0
CPU, WRITES = "cpu_seconds_per_1000_viewer_minutes", "written_per_1000_viewer_minutes"
KINDS = ("page", "asset", "room list", "list", "now/next", "report", "register")
APPS = ("nginx", "frontend", "tracker", "database", "sum")


def table(sizes: Sequence[dict]) -> str:
    """Return a Markdown table with a column for each size."""
    rows: list[tuple[str, list[str]]] = [
        ("minutes of the event", [f"{size['minutes']:g}" for size in sizes]),
        ("factor of time", [f"{size['factor']:g}" for size in sizes]),
        ("wall seconds", [f"{size['wall_seconds']:.0f}" for size in sizes]),
        ("viewer-minutes", [f"{size['viewer_minutes']:,}" for size in sizes]),
        ("errors", [f"{sum(size['errors'].values()):,}" for size in sizes]),
    ]
    rows += [(f"{kind}: requests", [f"{size['requests'].get(kind, 0):,}" for size in sizes])
             for kind in KINDS]  # fmt: skip
    rows += [(f"{kind}: p50 / p95 / p99, ms", [_latency(size, kind) for size in sizes])
             for kind in KINDS]  # fmt: skip
    rows += [(f"CPU s per 1,000 viewer-minutes: {app}", [f"{size[CPU][app]:.3f}" for size in sizes])
             for app in APPS]  # fmt: skip
    rows += [(f"{what} per 1,000 viewer-minutes", [f"{size[WRITES][what]:,.0f}" for size in sizes])
             for what in ("commits", "rows")]  # fmt: skip
    rows += [
        ("busy cores: site", [f"{_busy_cores(size):.2f}" for size in sizes]),
        ("busy cores: client", [f"{size['busy_cores']['client']:.2f}" for size in sizes]),
        ("client late: p99, ms", [f"{size['client']['late_ms']['p99']:.1f}" for size in sizes]),
        ("moved from the dead endpoint", [f"{size['dead_endpoint']['moved_away']:,}"
                                          for size in sizes]),
        ("sent to it after it left the lists", [_assigned_later(size) for size in sizes]),
        ("cost of a viewer, to the first size's", [_ratio(size, sizes[0]) for size in sizes]),
    ]  # fmt: skip
    lines = ["| viewers | " + " | ".join(f"{size['viewers']:,}" for size in sizes) + " |",
             "|---" * (len(sizes) + 1) + "|"]  # fmt: skip
    return "\n".join([*lines, *(f"| {name} | " + " | ".join(cells) + " |" for name, cells in rows)])


def update_document(text: str, sizes: Sequence[dict]) -> str:
    """Return a document with the table between its markers."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{table(sizes)}\n{END}{after}"


def _latency(size: dict, kind: str) -> str:
    latency = size["latency_ms"].get(kind)
    return " / ".join(f"{latency[name]:.1f}" for name in ("p50", "p95", "p99")) if latency else "-"


def _busy_cores(size: dict) -> float:
    return sum(size["busy_cores"].values()) - size["busy_cores"]["client"]


def _assigned_later(size: dict) -> str:
    dead = size["dead_endpoint"]
    return "-" if dead["out_of_lists_after_s"] is None else f"{dead['sent_there_later']}"


def _ratio(size: dict, first: dict) -> str:
    return f"{size[CPU]['sum'] / first[CPU]['sum']:.2f}"


def find_problems(sizes: Sequence[dict]) -> list[str]:
    """Return a line for each problem."""
    problems = []
    for size in sizes:
        label = f"{size['viewers']:,} viewers"
        problems += [f"{label}: {count} errors: {what}" for what, count in size["errors"].items()]
        late = size["client"]["late_ms"]["p99"]
        if late > MAX_LATENESS_MS:
            problems.append(
                f"{label}: the client was late by {late} ms (p99): the machine is busy, or the "
                "time factor is too high; the latencies are invalid"
            )
        dead = size["dead_endpoint"]
        if dead["sent_there_later"] or dead["still_there"] or dead["players_by_tracker"]:
            problems.append(f"{label}: the dead endpoint has viewers: {dead}")
    ordered = sorted(sizes, key=lambda size: size["viewers"])
    for less, more in pairwise(ordered):
        if more[CPU]["sum"] > TOLERANCE * less[CPU]["sum"]:
            problems.append(
                f"a viewer costs more among {more['viewers']:,} than among {less['viewers']:,}: "
                f"{more[CPU]['sum']} s instead of {less[CPU]['sum']} s per 1,000 viewer-minutes"
            )
    return problems
