"""What was measured, side by side, and what is wrong with it."""

from collections.abc import Sequence
from itertools import pairwise

BEGIN, END = (
    "<!-- made by make bench-viewers: begin -->",
    "<!-- made by make bench-viewers: end -->",
)
TOLERANCE = 1.05
# A client that is later than that has asked less than the viewers would have.
LATEST = 250.0
CPU, WRITTEN = "cpu_seconds_per_1000_viewer_minutes", "written_per_1000_viewer_minutes"
KINDS = ("page", "asset", "room list", "list", "now/next", "report", "register")
APPS = ("nginx", "frontend", "tracker", "database", "sum")


def table(sizes: Sequence[dict]) -> str:
    """Return the sizes as columns of a table in Markdown."""
    rows: list[tuple[str, list[str]]] = [
        ("minutes of the event", [f"{one['minutes']:g}" for one in sizes]),
        ("factor of time", [f"{one['factor']:g}" for one in sizes]),
        ("wall seconds", [f"{one['wall_seconds']:.0f}" for one in sizes]),
        ("viewer-minutes", [f"{one['viewer_minutes']:,}" for one in sizes]),
        ("errors", [f"{sum(one['errors'].values()):,}" for one in sizes]),
    ]
    rows += [(f"{kind}: requests", [f"{one['requests'].get(kind, 0):,}" for one in sizes])
             for kind in KINDS]  # fmt: skip
    rows += [(f"{kind}: p50 / p95 / p99, ms", [_latency(one, kind) for one in sizes])
             for kind in KINDS]  # fmt: skip
    rows += [(f"CPU s per 1,000 viewer-minutes: {app}", [f"{one[CPU][app]:.3f}" for one in sizes])
             for app in APPS]  # fmt: skip
    rows += [(f"{what} per 1,000 viewer-minutes", [f"{one[WRITTEN][what]:,.0f}" for one in sizes])
             for what in ("commits", "rows")]  # fmt: skip
    rows += [
        ("busy cores: site", [f"{sum(one['busy_cores'].values()) - one['busy_cores']['client']:.2f}"
                              for one in sizes]),
        ("busy cores: client", [f"{one['busy_cores']['client']:.2f}" for one in sizes]),
        ("client late: p99, ms", [f"{one['client']['late_ms']['p99']:.1f}" for one in sizes]),
        ("moved from the dead endpoint", [f"{one['dead_endpoint']['moved_away']:,}"
                                          for one in sizes]),
        ("sent to it after it left the lists", [_sent(one) for one in sizes]),
        ("cost of a viewer, to the first size's", [_ratio(one, sizes[0]) for one in sizes]),
    ]  # fmt: skip
    lines = ["| viewers | " + " | ".join(f"{one['viewers']:,}" for one in sizes) + " |",
             "|---" * (len(sizes) + 1) + "|"]  # fmt: skip
    return "\n".join([*lines, *(f"| {name} | " + " | ".join(cells) + " |" for name, cells in rows)])


def written_into(text: str, sizes: Sequence[dict]) -> str:
    """Return a document with the table between its marks."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{table(sizes)}\n{END}{after}"


def _latency(one: dict, kind: str) -> str:
    found = one["latency_ms"].get(kind)
    return " / ".join(f"{found[name]:.1f}" for name in ("p50", "p95", "p99")) if found else "-"


def _sent(one: dict) -> str:
    dead = one["dead_endpoint"]
    return "-" if dead["out_of_lists_after_s"] is None else f"{dead['sent_there_later']}"


def _ratio(one: dict, first: dict) -> str:
    return f"{one[CPU]['sum'] / first[CPU]['sum']:.2f}"


def complaints(sizes: Sequence[dict]) -> list[str]:
    """Return what must not be, a line each."""
    found = []
    for one in sizes:
        who = f"{one['viewers']:,} viewers"
        found += [f"{who}: {count} errors: {what}" for what, count in one["errors"].items()]
        late = one["client"]["late_ms"]["p99"]
        if late > LATEST:
            found.append(
                f"{who}: the client was late by {late} ms (p99): the machine has other work, or "
                "the factor of time is too high; latencies mean nothing"
            )
        dead = one["dead_endpoint"]
        if dead["sent_there_later"] or dead["still_there"] or dead["players_by_tracker"]:
            found.append(f"{who}: the dead endpoint has viewers: {dead}")
    ordered = sorted(sizes, key=lambda one: one["viewers"])
    for less, more in pairwise(ordered):
        if more[CPU]["sum"] > TOLERANCE * less[CPU]["sum"]:
            found.append(
                f"a viewer costs more of {more['viewers']:,} than of {less['viewers']:,}: "
                f"{more[CPU]['sum']} s, and not {less[CPU]['sum']} s, per 1,000 viewer-minutes"
            )
    return found
