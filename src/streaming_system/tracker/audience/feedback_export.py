"""Feedback on talks as CSV, for spreadsheets."""

import csv
import io
import tempfile
from collections.abc import Iterable
from typing import IO

from streaming_system.tracker.models import TalkFeedback

COLUMNS = ("conference", "talk", "room", "title", "stars", "comment", "time")
# Spreadsheets take cells that begin with these for formulas (OWASP, "CSV Injection").
_FORMULA_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# A larger file is on disk while it is sent.
_MAX_MEMORY_BYTES = 2**20


def write_csv(feedback: Iterable[TalkFeedback]) -> IO[bytes]:
    """Return a file with a line for each feedback, in UTF-8, at its beginning."""
    file = tempfile.SpooledTemporaryFile(max_size=_MAX_MEMORY_BYTES)  # noqa: SIM115 - The response closes it.
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    # Quotes around all cells: no separator in a comment begins another one.
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    for row in feedback:
        time = row.at.isoformat(timespec="seconds").replace("+00:00", "Z")
        cells = (row.conference, row.talk, row.room, row.title, f"{row.stars}", row.comment, time)
        writer.writerow([neutralise_formula(cell) for cell in cells])
    text.detach()
    file.seek(0)
    return file


def neutralise_formula(cell: str) -> str:
    """Return a cell that every spreadsheet takes for text."""
    is_formula = cell.startswith(_FORMULA_BEGINNINGS)
    # Some spreadsheets skip blanks.
    return f"'{cell}" if is_formula or cell.lstrip().startswith(_FORMULA_BEGINNINGS) else cell
