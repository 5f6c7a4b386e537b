"""Measure everything that has a goal, as ratios within one run: make bench.

Prints one table. All of it takes some ten minutes, and is written to benchmarks/results.json and
into docs/performance.md; ARGS="--only room,index --rounds 3 --seconds 2" measures some rows, and
writes only where --json says.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from speed import load, rows, table

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks/results.json"
DOCS = ROOT / "docs/performance.md"


def groups() -> Iterator[object]:
    """Return the modules that measure, in the order in which they do."""
    from speed import (
        rows_database,
        rows_import,
        rows_nginx,
        rows_pages,
        rows_process,
        rows_writes,
    )

    yield from (rows_pages, rows_nginx, rows_writes, rows_database, rows_import, rows_process)


def arguments() -> argparse.ArgumentParser:
    """Return what can be said on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="names of rows, or what they begin with: a,b")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2, help="of load, a side and round")
    parser.add_argument("--requests", type=int, default=100_000, help="of the rows of memory")
    parser.add_argument("--json", type=Path, help="where the results are written")
    return parser


def measured(asked: argparse.Namespace) -> dict[str, dict[str, object]]:
    """Measure; say of each row what was found as soon as it is."""
    # The tests know how to start the whole site.
    sys.path.insert(0, str(ROOT / "tests"))
    from speed.plan import Plan

    names = rows.chosen(asked.only)
    plan = Plan(rounds=asked.rounds, seconds=asked.seconds, requests=asked.requests)
    found = {}
    for group in groups():
        wanted = [name for name in names if name in group.NAMES]
        if not wanted:
            continue
        for name, one in group.measure(wanted, plan):
            found[name] = one.summary(rows.ROWS[name])
            print(f"{name}: {found[name]['ratio']:.2f}", file=sys.stderr, flush=True)
    return table.in_order(found)


def main() -> int:
    """Print one table, and write results.json."""
    asked = arguments().parse_args()
    if not load.is_there():
        print("benchmarks/bench.py: wrk is not installed", file=sys.stderr)
        return 1
    try:
        found = table.results(measured(asked))
    except (load.LoadError, ValueError) as error:
        print(f"benchmarks/bench.py: {error}", file=sys.stderr)
        return 1
    print("\n".join(table.lines(found["rows"])))
    target = asked.json or (RESULTS if not asked.only else None)
    if target:
        table.write(found, target)
    if target == RESULTS and DOCS.exists():
        DOCS.write_text(table.written_into(DOCS.read_text(), json.loads(RESULTS.read_text())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
