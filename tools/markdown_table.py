"""Markdown tables of the generated documentation."""

from collections.abc import Iterable, Iterator


def format_table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Return the lines of a table, and an empty one after it."""
    heads = [*heads]
    yield f"| {' | '.join(heads)} |"
    yield "|" + "---|" * len(heads)
    for row in rows:
        yield f"| {' | '.join(map(_format_cell, row))} |"
    yield ""


def _format_cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
