"""Name what got slower: make bench-check.

Measures as bench.py does, and compares each ratio with the committed one; a row that got worse by
more than 15 % is named, and the exit status is 1. ARGS="--results FILE" compares what has been
measured already; --only, --rounds, --seconds and --requests are those of bench.py.
"""

import json
import sys
from pathlib import Path

import bench
from speed import check, load, rows, table


def main() -> int:
    """Compare, and print a line for each row that got worse or is missing."""
    parser = bench.arguments()
    parser.description = __doc__.splitlines()[0]
    parser.add_argument("--results", type=Path, help="what has been measured; nothing is, then")
    parser.add_argument("--against", type=Path, help="other results than the committed ones")
    asked = parser.parse_args()
    try:
        names = rows.chosen(asked.only)
        before = read(asked.against) if asked.against else check.committed(bench.RESULTS)
        now = read(asked.results) if asked.results else table.results(bench.measured(asked))
    except (OSError, ValueError, load.LoadError) as error:
        print(f"benchmarks/bench_check.py: {error}", file=sys.stderr)
        return 2
    if asked.json:
        table.write(now, asked.json)
    if asked.only:
        before, now = (
            {"rows": {name: row for name, row in each["rows"].items() if name in names}}
            for each in (before, now)
        )
    found = check.worse(now["rows"], before["rows"])
    print("\n".join(found) or f"None of {len(now['rows'])} rows got worse by more than 15 %.")
    return 1 if found else 0


def read(file: Path) -> dict[str, object]:
    """Return the results in a file."""
    return json.loads(file.read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main())
