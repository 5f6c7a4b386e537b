"""Writes all tables and columns into docs/how-to/privacy.md: ``make reference``."""

from pathlib import Path

import sqlalchemy as sa

from streaming_system.tracker.models import Base

MANUAL = Path(__file__).parents[1] / "docs/how-to/privacy.md"
BEGIN, END = "<!-- tables: make reference -->\n", "<!-- end of tables -->\n"


def main() -> None:
    text = MANUAL.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    MANUAL.write_text(f"{before}{BEGIN}{format_tables(Base.metadata)}{END}{after}", "utf-8")


def format_tables(metadata: sa.MetaData) -> str:
    """Return a Markdown table with a row for each table of the database.

    :raises KeyError: if a model does not describe its rows or a column.
    """
    lines = ["| table | about | columns | retention |", "|---|---|---|---|"]
    for name, table in sorted(metadata.tables.items()):
        columns = "; ".join(
            f"`{column.name}`: {column.info['purpose']}" for column in table.columns
        )
        lines.append(
            f"| `{name}` | {table.info['about']} | {columns} | {table.info['retention']} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
