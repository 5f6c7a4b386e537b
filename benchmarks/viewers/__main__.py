"""Plays the sizes one after the other, prints the table, and writes benchmarks/viewers.json."""

import argparse
import json
import os
import platform
import shutil
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from machine import processor_name

from .run import Size, simulate
from .table import complaints, table, written_into

# A small event goes by in true time; the largest is slowed down until the machine can follow.
FACTORS = {1_000: 1.0, 10_000: 1.0, 100_000: 0.2}
MINUTES = 1.0
BUSY = 10_000
TO = Path(__file__).parent.parent / "viewers.json"
DOCS = Path(__file__).parent.parent.parent / "docs/performance.md"


def factor_for(viewers: int) -> float:
    """Return how fast a size is played where nobody says."""
    return FACTORS.get(viewers, min(1.0, BUSY / viewers))


def main() -> int:
    """Return 0 if nothing failed and no viewer costs more where there are more of them."""
    parser = argparse.ArgumentParser(prog="viewers", description=__doc__)
    parser.add_argument("--viewers", type=int, nargs="+", default=list(FACTORS))
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--factor", type=float, help="of the event's clock to the wall clock")
    parser.add_argument("--json", type=Path, help=f"{TO.name}, if all sizes are played")
    asked = parser.parse_args()
    # Whoever ends us does not leave a site behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if not shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin"):
        print("benchmarks/viewers: nginx is not installed", file=sys.stderr)
        return 1
    sizes = []
    for viewers in asked.viewers:
        factor = asked.factor or factor_for(viewers)
        print(f"{viewers:,} viewers, {asked.minutes} minutes at {factor} ...", file=sys.stderr)
        sizes.append(simulate(Size(viewers=viewers, minutes=asked.minutes, factor=factor)))
    print(table(sizes))
    to = asked.json or (TO if asked.viewers == list(FACTORS) else None)
    if to:
        told = {
            "date": datetime.now(UTC).date().isoformat(),
            "machine": {"cores": os.cpu_count(), "processor": processor_name(),
                        "python": platform.python_version()},
            "sizes": sizes,
        }  # fmt: skip
        to.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    if to == TO:
        DOCS.write_text(written_into(DOCS.read_text(), json.loads(TO.read_text())["sizes"]))
    wrong = complaints(sizes)
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
