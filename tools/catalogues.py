"""Updates the translation catalogues: ``make catalogues``.

It runs pybabel: extract the messages into the .pot, merge them into every .po, and compile those.
The messages of scripts are also written as JSON, so that workers do not have to extract them.
docs/how-to/translating.md describes the next steps for translators.
"""

import contextlib
import json
import sys
from pathlib import Path

from babel.messages.frontend import CommandLineInterface

from streaming_system.frontend.js_catalogue import load_messages

ROOT = Path(__file__).parent.parent
FRONTEND = ROOT / "src/streaming_system/frontend"
DOMAIN = "streaming-system"
LOCALE = FRONTEND / "locale"
TEMPLATE = LOCALE / f"{DOMAIN}.pot"
# Titles of fillers, the only messages outside of the frontend.
FILLERS = "../schedule/fillers.py"
# Functions that mark messages, besides gettext's own.
KEYWORDS = ("translate", "translate_plural:1,2", "gettext_noop", "t", "n:1,2")


def main() -> None:
    extract(TEMPLATE)
    update(LOCALE)
    pybabel("compile", "--statistics", "--domain", DOMAIN, "--directory", LOCALE)
    for compiled in sorted(LOCALE.glob(f"*/LC_MESSAGES/{DOMAIN}.mo")):
        messages = load_messages(compiled.parent.parent.name, compiled)
        text = json.dumps(messages, ensure_ascii=False, indent=1, sort_keys=True)
        compiled.with_suffix(".json").write_text(f"{text}\n", encoding="utf-8")


def extract(target: Path) -> None:
    """Write all messages of the sources in a stable order."""
    keywords = [f"--keyword={keyword}" for keyword in KEYWORDS]
    # Locations in the file are relative to the working directory.
    with contextlib.chdir(FRONTEND):
        pybabel("extract", "--mapping", ROOT / "pyproject.toml", *keywords, "--add-location=file",
                "--no-wrap", "--omit-header", "--output-file", target, ".", FILLERS)  # fmt: skip


def update(folder: Path) -> None:
    """Merge new messages into the catalogues of a folder, and drop obsolete ones."""
    if any(folder.glob(f"*/LC_MESSAGES/{DOMAIN}.po")):
        pybabel("update", "--input-file", TEMPLATE, "--domain", DOMAIN, "--output-dir", folder,
                "--no-wrap", "--no-fuzzy-matching", "--ignore-obsolete",
                "--ignore-pot-creation-date")  # fmt: skip


def pybabel(command: str, *arguments: object) -> None:
    """Run a pybabel command; exit if it fails."""
    quiet = () if command == "compile" else ("--quiet",)
    status = CommandLineInterface().run(["pybabel", *quiet, command, *map(str, arguments)])
    if status:
        sys.exit(status)


if __name__ == "__main__":
    main()
