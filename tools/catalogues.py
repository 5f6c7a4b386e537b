"""Bring the catalogues of all languages up to what pages and scripts say: ``make catalogues``.

It runs pybabel: extracts the words into the .pot, puts new ones into every .po, and compiles those.
docs/languages.md says what translators do then.
"""

import contextlib
import sys
from pathlib import Path

from babel.messages.frontend import CommandLineInterface

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
