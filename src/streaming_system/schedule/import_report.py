"""The result of the last import, in a file beside the schedule: for the crew's page."""

import json
import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from streaming_system.util.atomic_write import atomic_write
from streaming_system.util.private_files import FILE_MODE, make_private_folder

log = logging.getLogger(__name__)

# Lines of one kind; the last line counts the others.
MAX_LINES = 200
_LISTS = ("feeds", "warnings", "skipped", "changes")


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """The result of an import.

    :param at: its time, in UTC.
    :param error: why it failed, in one line; "" if it succeeded.
    :param feeds: one line for each feed.
    :param warnings: of all feeds.
    :param skipped: the entries of the feeds that are no talks, with the reason.
    :param changes: the differences to the schedule before.
    """

    at: datetime
    error: str = ""
    feeds: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()


def report_file(schedule_file: Path) -> Path:
    """Return the file of the report."""
    return schedule_file.with_name(f"{schedule_file.stem}.report.json")


def save_report(report: ImportReport, schedule_file: Path) -> None:
    """Write the report; a failure is logged, since the import itself may have succeeded."""
    path = report_file(schedule_file)
    document = {
        "at": report.at.isoformat(),
        "error": report.error,
        **{name: _limit(getattr(report, name)) for name in _LISTS},
    }
    try:
        make_private_folder(path.parent)
        with atomic_write(path, mode=FILE_MODE) as file:
            file.write(json.dumps(document, ensure_ascii=False, indent=1).encode())
    except OSError as error:
        log.warning("%s: cannot be written: %s", path, error.strerror)


def load_report(schedule_file: Path) -> ImportReport | None:
    """Return the last report; ``None`` if there is no valid one."""
    try:
        document = json.loads(report_file(schedule_file).read_text(encoding="utf-8"))
        return ImportReport(
            at=datetime.fromisoformat(document["at"]),
            error=document["error"],
            **{name: tuple(document[name]) for name in _LISTS},
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _limit(lines: tuple[str, ...]) -> tuple[str, ...]:
    if len(lines) <= MAX_LINES:
        return lines
    return (*lines[:MAX_LINES], f"and {len(lines) - MAX_LINES} more")
