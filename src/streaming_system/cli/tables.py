"""Prints tables for people and for programs."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import click


def make_rows(items: Iterable[Any], *columns: str) -> list[dict[str, Any]]:
    """Return attributes of objects, with times as text."""
    return [{column: _to_json(getattr(item, column)) for column in columns} for item in items]


def _to_json(value: Any) -> Any:
    return format_utc(value) if isinstance(value, datetime) else value


def format_utc(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z") if at else None


def print_rows(rows: Sequence[dict[str, Any]], as_json: bool) -> None:
    """Print rows as JSON, or as columns with a heading."""
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    if not rows:
        return
    cells = [list(rows[0]), *([_format_cell(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def _format_cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value in (None, "") else str(value)
