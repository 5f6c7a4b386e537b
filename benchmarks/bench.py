"""Measures all rows with a goal, as ratios within one run: make bench.

It prints a table. A complete run takes about ten minutes, and is written to benchmarks/results.json
and docs/explanation/performance.md.
ARGS="--only room,index --rounds 3 --seconds 2" measures some rows, and
writes only to the file of --json.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from speed import load, rows, table

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks/results.json"
DOCS = ROOT / "docs/explanation/performance.md"


def row_modules() -> Iterator[object]:
    """Yield the modules that measure rows, in their order."""
    from speed import (
        rows_database,
        rows_import,
        rows_nginx,
        rows_pages,
        rows_process,
        rows_writes,
    )

    yield from (rows_pages, rows_nginx, rows_writes, rows_database, rows_import, rows_process)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="names of rows, or prefixes: a,b")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--seconds", type=float, default=2, help="duration of the load per side and round"
    )
    parser.add_argument(
        "--requests", type=int, default=100_000, help="number of requests of the memory rows"
    )
    parser.add_argument("--json", type=Path, help="output file")
    return parser


def measure_rows(options: argparse.Namespace) -> dict[str, dict[str, object]]:
    """Measure the selected rows; print each ratio at once."""
    # The test helpers start the site.
    sys.path.insert(0, str(ROOT / "tests"))
    from speed.plan import MeasurementPlan

    names = rows.select_rows(options.only)
    plan = MeasurementPlan(
        rounds=options.rounds, seconds=options.seconds, requests=options.requests
    )
    results = {}
    for module in row_modules():
        selected = [name for name in names if name in module.NAMES]
        if not selected:
            continue
        for name, result in module.measure(selected, plan):
            results[name] = result.summary(rows.ROWS[name])
            print(f"{name}: {results[name]['ratio']:.2f}", file=sys.stderr, flush=True)
    return table.sort_rows(results)


def main() -> int:
    """Print the table, and write results.json."""
    options = make_parser().parse_args()
    if not load.is_wrk_installed():
        print("benchmarks/bench.py: wrk is not installed", file=sys.stderr)
        return 1
    try:
        results = table.build_results(measure_rows(options))
    except (load.LoadError, ValueError) as error:
        print(f"benchmarks/bench.py: {error}", file=sys.stderr)
        return 1
    print("\n".join(table.terminal_lines(results["rows"])))
    target = options.json or (RESULTS if not options.only else None)
    if target:
        table.write_results(results, target)
    if target == RESULTS and DOCS.exists():
        DOCS.write_text(table.update_document(DOCS.read_text(), json.loads(RESULTS.read_text())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
