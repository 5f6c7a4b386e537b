"""Runs the fault tests (tests/faults), and writes the table of docs/explanation/faults.md.

make faults              with the durations of the tests
FAULTS_GONE=60 make …    with PostgreSQL unavailable for a minute
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
PAGE = ROOT / "docs/explanation/faults.md"
RESULTS = ROOT / "benchmarks/faults.json"
END = "<!-- end of the table -->"
# The headings, and the keys of the results.
COLUMNS = {
    "pages seen": "pages",
    "failed": "pages_failed",
    "back after": "pages_back",
    "slowest": "slowest_page",
    "writes acknowledged": "acknowledged",
    "lost": "lost",
    'rejected "not now"': "unavailable_responses",
    "cut off": "writes_cut_off",
    "accepted again after": "writes_back",
    "lines of log": "most_lines",
}
# The same of the faults of streams.
STREAM_COLUMNS = {"gone after": "gone", "back after": "back", "message": "message"}
SECONDS_COLUMNS = ("pages_back", "writes_back", "slowest_page", "gone", "back")
# The maximum time after a fault until pages and reports work again, on an idle machine.
RECOVERY_TIMEOUT_SECONDS = 5.0
# The same for a stream: until new viewers are not sent to it, and until they are again.
MAX_STREAM_SECONDS = {"gone": 15.0, "back": 10.0}
NOTES = {
    "import_ended_after": "the import ended after {} s, and changed nothing",
    "live_after": "live again after {} s",
    "median_page": "half of the pages within {} s",
    "room_p95": "95 % of a room's pages within {} s",
    "pages_a_second": "{} pages a second",
}


def table_lines(results):
    """Yield the lines of the table of the site, one for each fault."""
    yield f"| fault | {' | '.join(COLUMNS)} |"
    yield f"|---|{'---:|' * len(COLUMNS)}"
    for row in results:
        if is_stream_fault(row):
            continue
        cells = [format_cell(row, key) for key in COLUMNS.values()]
        notes = [note.format(f"{row[key]:,}") for key, note in NOTES.items() if key in row]
        name = row["fault"] + (f": {', '.join(notes)}" if notes else "")
        yield f"| {name} | {' | '.join(cells)} |"


def stream_table_lines(results):
    """Yield the lines of the table of streams."""
    yield f"| fault | {' | '.join(STREAM_COLUMNS)} |"
    yield "|---|---:|---:|---|"
    for row in filter(is_stream_fault, results):
        cells = [format_cell(row, key) for key in STREAM_COLUMNS.values()]
        yield f"| {row['fault']} | {' | '.join(cells)} |"


def is_stream_fault(row):
    return "message" in row


def slow_recoveries(results):
    """Return the faults with a recovery above the maximum time."""
    return [
        row["fault"]
        for row in results
        if max(row.get("pages_back", 0), row.get("writes_back", 0)) > RECOVERY_TIMEOUT_SECONDS
        or any(row.get(key, 0) > limit for key, limit in MAX_STREAM_SECONDS.items())
    ]


def format_cell(row, key):
    if row.get("stays") and key in MAX_STREAM_SECONDS:
        return "stays" if key == "gone" else ""
    if key not in row:
        return ""
    if key == "message":
        return row[key]
    return f"{row[key]:,} s" if key in SECONDS_COLUMNS else f"{row[key]:,}"


def write_table(begin, lines):
    """Replace the table after a mark of the page."""
    before, rest = PAGE.read_text().split(begin)
    after = rest.partition(END)[2]
    heading = f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python "
    table = [begin, f"{heading}{platform.python_version()}:", "", *lines, END]
    PAGE.write_text(before + "\n".join(table) + after)


def main():
    """Run the tests, and write their results."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "results.json"
        process = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", ROOT / "tests/faults"],
            env=os.environ | {"FAULTS_FIGURES": str(path)},
            cwd=ROOT,
            check=False,
        )
        if process.returncode:
            sys.exit("A test failed; nothing was written.")
        results = json.loads(path.read_text())
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    write_table("<!-- table -->", table_lines(results))
    write_table("<!-- table of streams -->", stream_table_lines(results))
    if slow := slow_recoveries(results):
        sys.exit(f"No recovery within {RECOVERY_TIMEOUT_SECONDS:g} s: {', '.join(slow)}")


if __name__ == "__main__":
    main()
