"""Finds performance regressions: make bench-check.

It measures like bench.py, and compares each ratio with the committed one. Exit status 1: a row got
worse by more than 15 %. ARGS="--results FILE" compares existing results; --only, --rounds,
--seconds and --requests are those of bench.py.
"""

import json
import sys
from pathlib import Path

import bench
from speed import check, load, rows, table


def main() -> int:
    """Print a line for results row that got worse or is missing."""
    parser = bench.make_parser()
    parser.description = __doc__.splitlines()[0]
    parser.add_argument("--results", type=Path, help="compare these results without measuring")
    parser.add_argument(
        "--against", type=Path, help="results to compare with, instead of the committed ones"
    )
    options = parser.parse_args()
    try:
        names = rows.select_rows(options.only)
        before = (
            load_results(options.against)
            if options.against
            else check.load_committed(bench.RESULTS)
        )
        now = (
            load_results(options.results)
            if options.results
            else table.build_results(bench.measure_rows(options))
        )
    except (OSError, ValueError, load.LoadError) as error:
        print(f"benchmarks/bench_check.py: {error}", file=sys.stderr)
        return 2
    if options.json:
        table.write_results(now, options.json)
    if options.only:
        before, now = (
            {"rows": {name: row for name, row in results["rows"].items() if name in names}}
            for results in (before, now)
        )
    regressions = check.find_regressions(now["rows"], before["rows"])
    print("\n".join(regressions) or f"None of {len(now['rows'])} rows got worse by more than 15 %.")
    return 1 if regressions else 0


def load_results(file: Path) -> dict[str, object]:
    return json.loads(file.read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main())
