"""Bring the catalogues of all languages up to what pages and scripts say: ``make catalogues``.

It runs pybabel: extracts the words into the .pot, puts new ones into every .po, and compiles those.
What scripts say of them is written beside, so that no worker looks for it.
docs/languages.md says what translators do then.
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
# What marks words, besides gettext's own names.
KEYWORDS = ("translate", "translate_plural:1,2", "noted", "t", "n:1,2")


def main() -> None:
    """Extract, update, compile."""
    extract(TEMPLATE)
    update(LOCALE)
    pybabel("compile", "--statistics", "--domain", DOMAIN, "--directory", LOCALE)
    for compiled in sorted(LOCALE.glob(f"*/LC_MESSAGES/{DOMAIN}.mo")):
        words = load_messages(compiled.parent.parent.name, compiled)
        text = json.dumps(words, ensure_ascii=False, indent=1, sort_keys=True)
        compiled.with_suffix(".json").write_text(f"{text}\n", encoding="utf-8")


def extract(target: Path) -> None:
    """Write all messages of the sources; the same sources give the same file."""
    keywords = [f"--keyword={keyword}" for keyword in KEYWORDS]
    # Places are told from here.
    with contextlib.chdir(FRONTEND):
        pybabel("extract", "--mapping", ROOT / "pyproject.toml", *keywords, "--add-location=file",
                "--no-wrap", "--omit-header", "--output-file", target, ".")  # fmt: skip


def update(folder: Path) -> None:
    """Put new messages into the catalogues of a folder, and drop what nobody says any more."""
    if any(folder.glob(f"*/LC_MESSAGES/{DOMAIN}.po")):
        pybabel("update", "--input-file", TEMPLATE, "--domain", DOMAIN, "--output-dir", folder,
                "--no-wrap", "--no-fuzzy-matching", "--ignore-obsolete",
                "--ignore-pot-creation-date")  # fmt: skip


def pybabel(command: str, *arguments: object) -> None:
    """Run one of pybabel's commands."""
    quiet = () if command == "compile" else ("--quiet",)
    failed = CommandLineInterface().run(["pybabel", *quiet, command, *map(str, arguments)])
    if failed:
        sys.exit(failed)


if __name__ == "__main__":
    main()
