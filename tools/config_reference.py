"""Writes conf/config.schema.json and the tables of keys in docs/reference/configuration.md.

``make reference`` runs it after a change of the configuration's schema.
"""

import json
from pathlib import Path

import colander

from streaming_system.config.json_schema import config_json_schema
from streaming_system.config.schema import RoomConfigSchema, SiteConfigSchema

ROOT = Path(__file__).parents[1]
MANUAL = ROOT / "docs/reference/configuration.md"
SCHEMA = ROOT / "conf/config.schema.json"
TABLES = {"site": SiteConfigSchema, "rooms": RoomConfigSchema}


def main() -> None:
    SCHEMA.write_text(format_schema(), "utf-8")
    MANUAL.write_text(replace_tables(MANUAL.read_text("utf-8")), "utf-8")


def format_schema() -> str:
    """Return the JSON Schema as it is committed."""
    return json.dumps(config_json_schema(), ensure_ascii=False, indent=1) + "\n"


def replace_tables(text: str) -> str:
    """Return the manual with its tables of keys replaced by current ones."""
    for name, schema in TABLES.items():
        begin, end = f"<!-- keys of {name}: make reference -->\n", "<!-- end of keys -->\n"
        before, _, rest = text.partition(begin)
        after = rest.partition(end)[2]
        text = f"{before}{begin}{format_keys(schema())}{end}{after}"
    return text


def format_keys(schema: colander.Schema) -> str:
    """Return a Markdown table with a row for each key.

    :raises ValueError: if a key has no description.
    """
    lines = ["| key | meaning | example |", "|---|---|---|"]
    for node in schema.children:
        if not node.description:
            raise ValueError(f"the key {node.name!r} has no description")
        example = json.dumps(node.examples[0], ensure_ascii=False) if node.examples else ""
        cells = (f"`{node.name}`", node.description, f"`{example}`" if example else "")
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
