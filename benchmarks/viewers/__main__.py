"""Simulates all sizes, prints the table, and writes benchmarks/viewers.json."""

import argparse
import json
import os
import platform
import shutil
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from machine import cpu_model

from .run import EventSize, simulate
from .table import find_problems, table, update_document

# Small events run in real time; the largest is slower, so that it does not saturate the machine.
FACTORS = {1_000: 1.0, 10_000: 1.0, 100_000: 0.2}
MINUTES = 1.0
MAX_REAL_TIME_VIEWERS = 10_000
RESULTS = Path(__file__).parent.parent / "viewers.json"
DOCS = Path(__file__).parent.parent.parent / "docs/explanation/performance.md"


def factor_for(viewers: int) -> float:
    """Return the default time factor of a size."""
    return FACTORS.get(viewers, min(1.0, MAX_REAL_TIME_VIEWERS / viewers))


def main() -> int:
    """Return 0 if there are no errors, and the cost of a viewer does not grow with the size."""
    parser = argparse.ArgumentParser(prog="viewers", description=__doc__)
    parser.add_argument("--viewers", type=int, nargs="+", default=list(FACTORS))
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument(
        "--factor", type=float, help="speed of the event's clock relative to the wall clock"
    )
    parser.add_argument("--json", type=Path, help=f"output file; {RESULTS.name} if all sizes run")
    options = parser.parse_args()
    # Exit normally on SIGTERM, so that the site stops.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if not shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin"):
        print("benchmarks/viewers: nginx is not installed", file=sys.stderr)
        return 1
    sizes = []
    for viewers in options.viewers:
        factor = options.factor or factor_for(viewers)
        print(f"{viewers:,} viewers, {options.minutes} minutes at {factor} ...", file=sys.stderr)
        sizes.append(simulate(EventSize(viewers=viewers, minutes=options.minutes, factor=factor)))
    print(table(sizes))
    target = options.json or (RESULTS if options.viewers == list(FACTORS) else None)
    if target:
        results = {
            "date": datetime.now(UTC).date().isoformat(),
            "machine": {"cores": os.cpu_count(), "processor": cpu_model(),
                        "python": platform.python_version()},
            "sizes": sizes,
        }  # fmt: skip
        target.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    if target == RESULTS:
        DOCS.write_text(update_document(DOCS.read_text(), json.loads(RESULTS.read_text())["sizes"]))
    problems = find_problems(sizes)
    for line in problems:
        print(line, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
