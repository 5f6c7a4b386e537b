"""Lets the tests of tests/faults break everything once; writes docs/faults.md's table.

make faults              as the tests do
FAULTS_GONE=60 make …    with PostgreSQL gone for a real minute
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/faults.md"
FIGURES = ROOT / "benchmarks/faults.json"
BEGIN, END = "<!-- table -->", "<!-- end of the table -->"
# A heading, and the figures under it: the second one, where there is one, as a share of it.
COLUMNS = {
    "pages seen": "pages",
    "failed": "pages_failed",
    "back after": "pages_back",
    "slowest": "slowest_page",
    "writes acknowledged": "acknowledged",
    "lost": "lost",
    'told "not now"': "told_not_now",
    "cut off": "writes_cut_off",
    "taken again after": "writes_back",
    "lines of log": "most_lines",
}
SECONDS = ("pages_back", "writes_back", "slowest_page")
# After that, pages and reports must be as before: seconds, on a quiet machine.
BACK_WITHIN = 5.0
OTHERS = {
    "import_ended_after": "the import ended after {} s, and changed nothing",
    "live_after": "live again after {} s",
    "median_page": "half of the pages within {} s",
    "pages_a_second": "{} pages a second",
}


def table(figures):
    """Return the table's lines, one for each fault."""
    yield f"| fault | {' | '.join(COLUMNS)} |"
    yield f"|---|{'---:|' * len(COLUMNS)}"
    for row in figures:
        cells = [cell(row, key) for key in COLUMNS.values()]
        more = [words.format(f"{row[key]:,}") for key, words in OTHERS.items() if key in row]
        name = row["fault"] + (f": {', '.join(more)}" if more else "")
        yield f"| {name} | {' | '.join(cells)} |"


def late(figures):
    """Return the faults after which it took too long until all was as before."""
    return [
        row["fault"]
        for row in figures
        if max(row.get("pages_back", 0), row.get("writes_back", 0)) > BACK_WITHIN
    ]


def cell(row, key):
    if key not in row:
        return ""
    return f"{row[key]:,} s" if key in SECONDS else f"{row[key]:,}"


def main():
    """Run the tests; write what they found."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "figures.json"
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", ROOT / "tests/faults"],
            env=os.environ | {"FAULTS_FIGURES": str(path)},
            cwd=ROOT,
            check=False,
        )
        if done.returncode:
            sys.exit("Nothing has been written: a test failed.")
        figures = json.loads(path.read_text())
    FIGURES.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
    text = PAGE.read_text()
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    when = f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python "
    lines = [BEGIN, f"{when}{platform.python_version()}:", "", *table(figures), END]
    PAGE.write_text(before + "\n".join(lines) + after)
    if found := late(figures):
        sys.exit(f"Not as before within {BACK_WITHIN:g} s: {', '.join(found)}")


if __name__ == "__main__":
    main()
